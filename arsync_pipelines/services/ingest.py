"""Ingest: read a source's streams side by side, land their pages, load them with their cursors.

Each stream is one reader thread; all loads go through one loader. At any instant the warehouse holds, per stream, the
rows of whole batches and the cursor that is true for them; what was landed and not loaded is loaded by the next run.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from arsync_pipelines.domain import telemetry
from arsync_pipelines.domain.errors import ArsyncError, ConfigError, SourceError, WarehouseError
from arsync_pipelines.domain.failpoint import failpoint
from arsync_pipelines.ports.clock import Clock
from arsync_pipelines.ports.source import ReadStats, Source, StreamSpec
from arsync_pipelines.ports.warehouse import Warehouse
from arsync_pipelines.services.collector import calm_collector
from arsync_pipelines.services.landing import Landed, StreamLanding, only_one
from arsync_pipelines.services.loader import Loader, load_in_turn
from arsync_pipelines.services.offered import known_columns, told_of_new_columns
from arsync_pipelines.services.reading import Progress, Start, StreamReader, add
from arsync_pipelines.services.sync_log import SyncLog
from arsync_pipelines.services.totals import TotalsTaken


class IngestService:
    """Reads sources into one warehouse.

    `batch_rows`: rows that a batch holds at most, a single larger page apart; the first batch of a read holds half of
    them. The default is two row groups of the engine: a batch that nearly fills them is written as columns at once, and
    not again when the next one comes.
    `workers`: streams read at the same time. `keep_reads`: landed reads kept per stream, None for all (needed to load
    again without the source). `patience_s`: how long to wait for another run that reads the same stream.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        landing_dir: Path,
        clock: Clock,
        batch_rows: int = 245_760,
        workers: int = 4,
        keep_reads: int | None = None,
        patience_s: float = 600.0,
    ) -> None:
        self._warehouse = warehouse
        self._landing_dir = landing_dir
        self._clock = clock
        self._batch_rows = batch_rows
        self._workers = workers
        self._keep_reads = keep_reads
        self._patience_s = patience_s

    def run(
        self,
        source: Source,
        streams: Sequence[str] | None = None,
        since: datetime | None = None,
        progress: Progress | None = None,
    ) -> list[ReadStats]:
        """Read `streams` (default: all) to their end; statistics in the order of the source's streams.

        `since` (aware) reads again from that instant; the cursor of a stream that has one stays where it is.
        Raises ConfigError for an unknown stream, SourceError naming every stream that failed once all have ended, and
        WarehouseError when another run reads one of them.
        """
        specs = _choose(source, streams)
        named = telemetry.span("ingest", connection=source.connection, streams=[spec.name for spec in specs])
        with only_one(self._landing_dir, source.connection, specs, self._patience_s), named:
            return self._read(source, specs, since, progress)

    def _read(
        self, source: Source, specs: Sequence[StreamSpec], since: datetime | None, progress: Progress | None
    ) -> list[ReadStats]:
        failures: dict[str, ArsyncError] = {}
        starts: dict[str, Start] = {}
        log = SyncLog(self._warehouse, source.connection, self._clock)
        with self._warehouse.writing():
            self._warehouse.ensure_tables(specs)
            log.begin([spec.name for spec in specs])
            for spec in specs:
                try:
                    starts[spec.name] = self._recover(source.connection, spec)
                except ArsyncError as error:
                    failures[spec.name] = error
        totals = TotalsTaken(self._warehouse, source, [spec.name for spec in specs], self._clock)
        totals.begin(since)
        done: dict[str, ReadStats] = {}
        stop = threading.Event()
        with (
            calm_collector(),
            Loader(self._warehouse) as loader,
            ThreadPoolExecutor(self._workers, "arsync-read") as pool,
        ):
            reads: dict[str, Future[ReadStats]] = {}
            for name, start in starts.items():
                reader = StreamReader(source, start, loader, self._clock, self._batch_rows, stop, progress)
                # ids of log lines and the span that is open go along into the thread
                reads[name] = pool.submit(copy_context().run, reader.run, since)
            try:
                for name, read in reads.items():
                    try:
                        done[name] = read.result()
                    except ArsyncError as error:
                        failures[name] = error
            except BaseException:
                stop.set()
                raise
        if self._keep_reads is not None:
            for name in done:
                starts[name].landing.prune(self._keep_reads)
        with self._warehouse.writing():
            log.end(done, failures)
            known = known_columns(self._warehouse, source.connection)
        told = totals.end([done[spec.name] for spec in specs if spec.name in done])
        if failures:
            raise _summary(source.connection, failures, len(specs))
        return told_of_new_columns(self._warehouse, source, told, known, self._clock)

    def reload(self, connection: str, specs: Sequence[StreamSpec]) -> list[ReadStats]:
        """Rebuild the raw rows of these streams from their landing files, without the source.

        Raises WarehouseError before anything is removed when the files do not hold the whole history. Interrupted, it
        is completed by the next run. Models built incrementally upon raw need a full refresh afterwards.
        """
        histories = {}
        with only_one(self._landing_dir, connection, specs, self._patience_s), self._warehouse.writing():
            self._warehouse.ensure_tables(specs)
            for spec in specs:
                landing = StreamLanding(self._landing_dir, connection, spec)
                histories[spec.name] = _whole_history(landing, self._warehouse.last_batch(connection, spec.name))
            stats = []
            for spec in specs:
                self._warehouse.forget(connection, spec)
                failpoint("ingest.forgotten")
                stats.append(self._load_all(connection, spec, histories[spec.name]))
        return stats

    def _recover(self, connection: str, spec: StreamSpec) -> Start:
        """Load what an interrupted run landed, if it continues what is loaded; else take it out of the way."""
        landing = StreamLanding(self._landing_dir, connection, spec)
        last = self._warehouse.last_batch(connection, spec.name)
        following: list[Landed] = []
        for landed in landing.landed(after=last):
            if landed.previous == (following[-1].batch.batch_id if following else last):
                following.append(landed)
            else:
                landed.reject()
        recovered = self._load_all(connection, spec, following)
        if following:
            last = following[-1].batch.batch_id
        return Start(landing, self._warehouse.cursor(connection, spec.name), last, recovered)

    def _load_all(self, connection: str, spec: StreamSpec, batches: Sequence[Landed]) -> ReadStats:
        started = time.monotonic()
        stats = ReadStats(connection, spec.name)
        failed: set[str] = set()
        for landed in batches:
            stats = add(stats, load_in_turn(self._warehouse, landed, failed), len(landed.batch.set_aside))
        return replace(stats, seconds=time.monotonic() - started)


def _choose(source: Source, streams: Sequence[str] | None) -> list[StreamSpec]:
    offered = {spec.name: spec for spec in source.streams()}
    unknown = sorted(set(streams or ()) - set(offered))
    if unknown:
        raise ConfigError(
            f"connection {source.connection!r} has no stream {', '.join(unknown)}; it offers {', '.join(offered)}"
        )
    return [spec for name, spec in offered.items() if streams is None or name in streams]


def _whole_history(landing: StreamLanding, last_batch: str) -> list[Landed]:
    """Landed batches from the beginning; raises WarehouseError when some are missing."""
    batches = landing.landed()
    beginning = max((number for number, landed in enumerate(batches) if not landed.previous), default=None)
    history = batches[beginning:] if beginning is not None else []
    linked = all(after.previous == before.batch.batch_id for before, after in pairwise(history))
    if not linked or (last_batch and last_batch not in {landed.batch.batch_id for landed in history}):
        raise WarehouseError(
            f"the landing files in {landing.folder} do not hold the whole history of {landing.connection}."
            f"{landing.spec.name}; nothing was removed. Read the stream from its source again instead"
        )
    return history


def _summary(connection: str, failures: dict[str, ArsyncError], streams: int) -> ArsyncError:
    """One error for all failed streams; of their own class where they share one that is the source's or the user's."""
    kinds = {type(error) for error in failures.values()}
    shared = kinds.pop() if len(kinds) == 1 else SourceError
    kind = shared if issubclass(shared, SourceError | ConfigError) else SourceError
    lines = "\n".join(f"  {name}: {error}" for name, error in failures.items())
    summary = kind(f"{connection}: {len(failures)} of {streams} streams failed, the others were loaded\n{lines}")
    summary.__cause__ = next(iter(failures.values()))
    return summary
