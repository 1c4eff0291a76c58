"""Landing: a source's rows as they came, in files that are complete once visible. No database, no network.

    <root>/<connection>/<stream>/00000003-00001/part-0000.ndjson
    <root>/<connection>/<stream>/00000003-00001/manifest.json
    <root>/<connection>/<stream>.lock                               held by the one process that lands the stream

The folder is named by the number of the read and of the batch within it, so the order of names is the order of events.
Each batch names the one before it: a chain that begins with "" is a whole history and can be loaded without the source.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from filelock import FileLock, Timeout

from arsync_pipelines.domain.durable import sync, write_synced
from arsync_pipelines.domain.errors import WarehouseError
from arsync_pipelines.domain.failpoint import failpoint
from arsync_pipelines.ports.source import Cursor, Page, RenderedRows, StreamSpec
from arsync_pipelines.ports.warehouse import Batch

_MANIFEST = "manifest.json"
_PART_BYTES = 8 * 1024 * 1024
"""A batch is cut into parts of about this size, which the engine reads side by side."""


@dataclass(frozen=True, slots=True)
class Landed:
    """A complete batch on disk: the batch, the id of the one before it ("" for the first), and its folder."""

    batch: Batch
    previous: str
    folder: Path

    def reject(self) -> Path:
        """Take the batch out of the chain but keep it for inspection: it did not fit, or its turn is past."""
        aside = self.folder.with_name(f"{self.folder.name}.rejected")
        shutil.rmtree(aside, ignore_errors=True)
        return self.folder.rename(aside)


@contextmanager
def only_one(root: Path, connection: str, specs: Sequence[StreamSpec], timeout: float) -> Iterator[None]:
    """Be the only one on this machine who lands these streams: two would number their batches alike and remove each
    other's unfinished ones. Raises WarehouseError after `timeout` seconds.

    Never wait for this inside `warehouse.writing()`: the holder may be waiting for that.
    """
    folder = root.absolute() / connection
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        for name in sorted(spec.name for spec in specs):  # in one order, lest two wait for each other
            try:
                held.enter_context(FileLock(folder / f"{name}.lock", timeout=timeout, thread_local=False))
            except Timeout:
                raise WarehouseError(
                    f"{connection}.{name} is being read by another run; gave up after {timeout:g} s. "
                    "Wait for that run or stop it, then run again"
                ) from None
        yield


class StreamLanding:
    """The landing folder of one stream of one connection."""

    def __init__(self, root: Path, connection: str, spec: StreamSpec) -> None:
        self.connection = connection
        self.spec = spec
        self.folder = root.absolute() / connection / spec.name

    def landed(self, after: str = "") -> list[Landed]:
        """Complete batches that follow the batch id `after`, in order; incomplete ones are removed."""
        for incomplete in self.folder.glob("*.tmp"):
            shutil.rmtree(incomplete)
        names = sorted(path.name for path in self.folder.glob("*-*") if path.suffix != ".rejected")
        return [self._read(self.folder / name) for name in names if name > after.rpartition("/")[2]]

    def next_read(self, last_batch: str) -> int:
        """Number of the next read: above every number on disk and in `last_batch`."""
        names = [path.name for path in self.folder.glob("*-*")] + [last_batch.rpartition("/")[2]]
        return 1 + max((int(name[:8]) for name in names if name[:8].isdigit()), default=0)

    def batch_id(self, read: int, number: int) -> str:
        """<connection>/<stream>/<read>-<batch>"""
        return f"{self.connection}/{self.spec.name}/{read:08d}-{number:05d}"

    def prune(self, keep_reads: int) -> None:
        """Remove batches of all but the newest `keep_reads` reads; those can no longer be loaded again."""
        folders = [path for path in self.folder.glob("*-*") if not path.name.endswith(".tmp")]
        reads = sorted({path.name[:8] for path in folders})
        for path in folders:
            if path.name[:8] in reads[:-keep_reads]:
                shutil.rmtree(path, ignore_errors=True)

    def _read(self, folder: Path) -> Landed:
        try:
            return self.batch_in(folder, orjson.loads((folder / _MANIFEST).read_bytes()))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise WarehouseError(
                f"landing manifest {folder / _MANIFEST} is damaged ({type(error).__name__}: {error}); "
                "remove its folder, the rows are then read from the source again"
            ) from error

    def batch_in(self, folder: Path, manifest: Mapping[str, Any]) -> Landed:
        """The batch that a manifest describes."""
        batch = Batch(
            batch_id=manifest["batch_id"],
            read_id=manifest["read_id"],
            connection=manifest["connection"],
            spec=self.spec,
            files=tuple(folder / name for name in manifest["files"]),
            cursor=manifest["cursor"],
            row_count=manifest["row_count"],
            read_started_at=manifest["read_started_at"],
            scopes=[tuple(scope) for scope in manifest["scopes"]],
            final=manifest["final"],
            set_aside=manifest["set_aside"],
            present=[tuple(key) for key in manifest["present"]],
            undeclared=manifest["undeclared"],
        )
        return Landed(batch, manifest["previous"], folder)


class BatchWriter:
    """One batch being written; not visible before `close`. Rows pass through, only counts and keys stay in memory."""

    def __init__(self, landing: StreamLanding, read: int, number: int, read_started_at: str) -> None:
        self._landing = landing
        self._read_id = f"{landing.connection}/{landing.spec.name}/{read:08d}"
        self._batch_id = landing.batch_id(read, number)
        self._read_started_at = read_started_at
        self._folder = landing.folder / f"{read:08d}-{number:05d}.tmp"
        self._declared = frozenset(field.source.partition(".")[0] for field in landing.spec.fields)
        self._parts: list[str] = []
        self._part: Any = None
        self._disk = ThreadPoolExecutor(1, "arsync-sync")  # the disk takes its time; the reader need not wait for it
        self._synced: list[Future[None]] = []
        self._undeclared: set[str] = set()
        # dicts for their order: sorting sixty thousand keys costs as much as writing them
        self._scopes: dict[tuple[str, ...], None] = {}
        self._present: dict[tuple[str, ...], None] = {}
        self._set_aside: list[Mapping[str, Any]] = []
        self.row_count = 0
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)

    def repeats_scope(self, page: Page) -> bool:
        """Whether the page names a scope that this batch already holds; the later page must go to a later batch."""
        return not self._scopes.keys().isdisjoint(page.scopes)

    def add(self, page: Page) -> None:
        """Write a page's rows. Money as Decimal is written as text, so that no digit is lost."""
        if page.rows:
            part = self._open_part()
            if isinstance(page.rows, RenderedRows):
                part.write(page.rows.lines)
            else:
                part.write(
                    b"".join([orjson.dumps(row, default=_plain, option=orjson.OPT_APPEND_NEWLINE) for row in page.rows])
                )
                if not all(map(self._declared.issuperset, page.rows)):
                    self._undeclared.update(*(row.keys() - self._declared for row in page.rows))
            self.row_count += len(page.rows)
        self._scopes.update(dict.fromkeys(page.scopes))
        self._present.update(dict.fromkeys(page.present))
        self._set_aside.extend(page.set_aside)

    def close(self, cursor: Cursor, final: bool, previous: str) -> Landed:
        """Sync everything and make the batch visible under its name."""
        self._close_part()
        self._disk.shutdown()
        for part in self._synced:
            part.result()
        manifest = {
            "batch_id": self._batch_id,
            "read_id": self._read_id,
            "previous": previous,
            "connection": self._landing.connection,
            "system": self._landing.spec.system,
            "stream": self._landing.spec.name,
            "files": self._parts,
            "cursor": dict(cursor),
            "row_count": self.row_count,
            "read_started_at": self._read_started_at,
            "final": final,
            "undeclared": sorted(self._undeclared),
            "set_aside": self._set_aside,
            "present": list(self._present),
            "scopes": list(self._scopes),
        }
        write_synced(self._folder / _MANIFEST, orjson.dumps(manifest, default=_plain))
        sync(self._folder)
        failpoint("ingest.before_landed")
        visible = self._folder.with_suffix("")
        self._folder.rename(visible)
        sync(visible.parent)
        failpoint("ingest.landed")
        return self._landing.batch_in(visible, manifest)

    def discard(self) -> None:
        """Give the batch up; nothing of it was visible."""
        if self._part is not None:
            self._part.close()
        self._disk.shutdown()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _open_part(self) -> Any:
        if self._part is not None and self._part.tell() >= _PART_BYTES:
            self._close_part()
        if self._part is None:
            name = f"part-{len(self._parts):04d}.ndjson"
            self._part = (self._folder / name).open("wb", buffering=1024 * 1024)
            self._parts.append(name)
        return self._part

    def _close_part(self) -> None:
        if self._part is not None:
            self._part.close()
            self._synced.append(self._disk.submit(sync, self._folder / self._parts[-1]))
            self._part = None


def _plain(value: Any) -> Any:
    """JSON for what a source may put into a row besides JSON's own types."""
    return dict(value) if isinstance(value, Mapping) else str(value)
