"""Reading one stream once, in one thread: pages to landed batches, batches to the loader."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime

from arsync_pipelines.domain import telemetry
from arsync_pipelines.domain.errors import ArsyncError, SourceContractBroken, SourceError, WarehouseError
from arsync_pipelines.domain.failpoint import failpoint
from arsync_pipelines.ports.clock import Clock
from arsync_pipelines.ports.source import Cursor, Page, ReadStats, Source
from arsync_pipelines.ports.warehouse import LoadResult
from arsync_pipelines.services.guards import ProgressGuard
from arsync_pipelines.services.landing import BatchWriter, Landed, StreamLanding
from arsync_pipelines.services.loader import Loader

Progress = Callable[[str, int, int], None]
"""Called as progress(stream, rows so far, pages so far) after every page, from the stream's reader thread."""

_LOADS_UNDER_WAY = 2


@dataclass(frozen=True, slots=True)
class Start:
    """Where a stream's read begins: the committed cursor and batch, and what loading of leftovers did."""

    landing: StreamLanding
    cursor: Cursor | None
    last_batch: str
    recovered: ReadStats


class StreamReader:
    """One read of one stream. Whatever ends it, what was handed over is loaded before `run` returns or raises."""

    def __init__(
        self,
        source: Source,
        start: Start,
        loader: Loader,
        clock: Clock,
        batch_rows: int,
        stop: threading.Event,
        progress: Progress | None,
    ) -> None:
        self._source = source
        self._start = start
        self._spec = start.landing.spec
        self._where = f"{source.connection}.{self._spec.name}"
        self._loader = loader
        self._clock = clock
        self._batch_rows = batch_rows
        self._stop = stop
        self._progress = progress
        self._number = start.landing.next_read(start.last_batch)
        self._batches = 0
        self._writer: BatchWriter | None = None
        self._previous = start.last_batch
        self._cursor: Cursor = start.cursor or {}
        self._pending: deque[tuple[Landed, Future[LoadResult]]] = deque()
        self._stats = start.recovered
        self._started_at = ""
        self._fetched_s = self._longest_s = 0.0

    def run(self, since: datetime | None) -> ReadStats:
        """Read to the end. Raises what the source raises, SourceContractBroken, or WarehouseError."""
        connection, stream = self._source.connection, self._spec.name
        with telemetry.span("ingest.stream", connection=connection, stream=stream) as told:
            try:
                stats = self._run(since)
            finally:  # pages in sum: there are too many for a span each
                done, took = self._stats, {"fetch_seconds": self._fetched_s, "fetch_longest_seconds": self._longest_s}
                told.note(pages=done.pages, rows_read=done.rows_read, rows_new=done.rows_new, **took)
                telemetry.count("rows.ingested", done.rows_new, connection=connection, stream=stream)
        return stats

    def _run(self, since: datetime | None) -> ReadStats:
        started = time.monotonic()
        self._started_at = self._clock.now().isoformat()
        try:
            self._read(since)
            while self._pending:
                self._settle()
        except OSError as error:
            self._give_up(error)
            raise WarehouseError(
                f"cannot write landing files of {self._where}: {error}. Make room or fix permissions, then run again: "
                "what was loaded stays"
            ) from error
        except BaseException as error:
            self._give_up(error)
            raise
        return replace(self._stats, seconds=self._stats.seconds + time.monotonic() - started)

    def _read(self, since: datetime | None) -> None:
        whole = self._spec.delete_detection == "full"  # a part of it would make the rest look deleted
        pinned = self._start.cursor if since is not None and not whole else None
        guard = ProgressGuard(self._source.connection, self._spec)
        rows, final = 0, None  # None: no page yet
        try:
            pages = self._source.read(self._spec.name, self._start.cursor, since=None if whole else since)
            for page in self._timed(pages):
                if self._stop.is_set():
                    raise SourceError(f"{self._where}: stopped on request; run again to go on")
                guard.check(page)
                self._write(page)
                self._cursor = page.cursor if pinned is None else pinned
                rows, final = rows + len(page.rows), page.final
                self._stats = replace(self._stats, pages=self._stats.pages + 1)
                if self._progress:
                    self._progress(self._spec.name, rows, self._stats.pages)
            if whole and final is None:
                return  # not a page: nothing new since the cursor, so nothing to conclude either
            if whole and not final:
                raise SourceContractBroken(
                    f"{self._where}: the read ended without a final page; vanished rows cannot be told. "
                    "What was read before is kept; run again"
                )
        except SourceError:
            if self._writer is not None and self._writer.row_count:
                self._hand_over(final=False)
            raise
        self._hand_over(final=True)

    def _timed(self, pages: Iterator[Page]) -> Iterator[Page]:
        """The pages; how long each was waited for is summed up."""
        pages = iter(pages)
        while True:
            asked = time.monotonic()
            page = next(pages, None)
            waited = time.monotonic() - asked
            self._fetched_s, self._longest_s = self._fetched_s + waited, max(self._longest_s, waited)
            if page is None:
                return
            yield page

    def _write(self, page: Page) -> None:
        """Add a page to the open batch, cutting the batch before it where it would overflow or repeat a scope."""
        if self._writer is not None and self._writer.row_count:
            # half a batch first: the loader need not wait for a whole one to begin
            limit = self._batch_rows if self._batches > 1 else self._batch_rows // 2
            overflows = self._writer.row_count + len(page.rows) > limit
            if overflows or self._writer.repeats_scope(page):
                self._hand_over(final=False)
        self._open_batch().add(page)
        failpoint("ingest.page")

    def _open_batch(self) -> BatchWriter:
        if self._writer is None:
            self._batches += 1
            self._writer = BatchWriter(self._start.landing, self._number, self._batches, self._started_at)
        return self._writer

    def _hand_over(self, final: bool) -> None:
        """Land the batch and queue its load; waits while more than two loads of this stream are under way."""
        landed = self._open_batch().close(self._cursor, final, self._previous)
        self._writer = None
        self._previous = landed.batch.batch_id
        self._pending.append((landed, self._loader.submit(landed)))
        while len(self._pending) > _LOADS_UNDER_WAY:
            self._settle()

    def _settle(self) -> None:
        landed, result = self._pending.popleft()
        self._stats = add(self._stats, result.result(), len(landed.batch.set_aside))

    def _give_up(self, error: BaseException) -> None:
        """Drop the open batch and wait for loads under way; what else fails is only noted on the first failure."""
        if self._writer is not None:
            self._writer.discard()
        while self._pending:
            try:
                self._settle()
            except ArsyncError as later:
                error.add_note(str(later))


def add(stats: ReadStats, result: LoadResult, set_aside: int) -> ReadStats:
    """`stats` with one more batch."""
    return replace(
        stats,
        rows_read=stats.rows_read + result.rows,
        rows_new=stats.rows_new + result.new_versions,
        rows_deleted=stats.rows_deleted + result.deleted,
        rows_set_aside=stats.rows_set_aside + set_aside,
        warnings=stats.warnings + result.warnings,
    )
