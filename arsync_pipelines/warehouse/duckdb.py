"""The warehouse in one DuckDB file: the implementation of ports.warehouse.Warehouse that needs no server.

Here is only the surface; loads are in loading.py, snapshots in snapshots.py, lock and connection in writer.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow

from arsync_pipelines.domain.failpoint import failpoint
from arsync_pipelines.ports.source import Cursor, StreamSpec
from arsync_pipelines.ports.warehouse import Batch, LoadResult, Snapshot, TableFunction
from arsync_pipelines.warehouse import bookkeeping, loading, tables
from arsync_pipelines.warehouse.snapshots import SnapshotStore
from arsync_pipelines.warehouse.straight import Unsuited, load_straight
from arsync_pipelines.warehouse.tables import identifier
from arsync_pipelines.warehouse.writer import Writer


class DuckDbWarehouse:
    """One database file with its writer lock, and a folder of published snapshots.

    `keep`: snapshots kept (at least 2, so that a reader that has just asked for the current one can still open it).
    `memory_limit` in DuckDB's notation ("400MB"), `threads` of the engine when publishing, `lock_timeout` in seconds.
    """

    def __init__(
        self,
        path: Path,
        snapshots_dir: Path,
        keep: int = 5,
        memory_limit: str = "384MB",
        threads: int = 2,
        lock_timeout: float = 600.0,
    ) -> None:
        self.path = path
        self._lock_timeout = lock_timeout
        self._threads = int(threads)
        options = {
            "memory_limit": memory_limit,
            "threads": str(threads),
            "temp_directory": f"{path}.spill",
            # dictionary and FSST in one: a third less work per row written than the choice between the two before it
            "storage_compatibility_version": "latest",
            # a checkpoint would write whole row groups anew to close the gaps of a few deleted rows: see compact()
            "max_vacuum_tasks": "0",
            "autoinstall_known_extensions": "false",
        }
        self._writer = Writer.of(path, options)
        self._snapshots = SnapshotStore(snapshots_dir, keep)

    @property
    def options(self) -> Mapping[str, str]:
        """What the file is opened with in this process: whoever first named the file has said it."""
        return self._writer.options

    def writing(self, timeout: float | None = None, *, closing_behind: bool = False) -> AbstractContextManager[None]:
        """Hold the writer lock; re-entrant within the process. Raises WarehouseError naming who holds it.

        `timeout` in seconds replaces the warehouse's own for one that would rather not wait. With `closing_behind` the
        block ends while the file is still being closed; who enters next waits for that.
        """
        waited = self._lock_timeout if timeout is None else timeout
        return self._writer.writing(waited, closing_behind=closing_behind)

    def lent(self) -> AbstractContextManager[None]:
        """Keep out of the file, which another library of this process opens with `options`: dbt."""
        return self._writer.lent()

    def ensure_tables(self, specs: Sequence[StreamSpec]) -> None:
        """Make the raw tables of these streams, and add columns new in a spec."""
        with self._writer.transaction() as db:
            tables.ensure_tables(db, specs)

    def load(self, batch: Batch) -> LoadResult:
        """Store a batch and its cursor in one transaction; idempotent by batch id."""
        try:
            result = self._load(batch, load_straight)
        except Unsuited:
            result = self._load(batch, loading.load)
        failpoint("ingest.committed")
        return result

    def _load(self, batch: Batch, way: Callable[[duckdb.DuckDBPyConnection, Batch], LoadResult]) -> LoadResult:
        with self._writer.transaction() as db:
            # a batch is about one row group: a second thread doubles the processor time and shortens nothing
            db.execute("set threads = 1")
            result = way(db, batch)
            failpoint("ingest.before_commit")
        return result

    def cursor(self, connection: str, stream: str) -> Cursor | None:
        """The committed cursor, or None before the first load."""
        with self._writer.operation() as db:
            return bookkeeping.cursor(db, connection, stream)

    def last_batch(self, connection: str, stream: str) -> str:
        """Id of the batch loaded last for this stream, or ""."""
        with self._writer.operation() as db:
            return bookkeeping.last_batch(db, connection, stream)

    def forget(self, connection: str, stream: StreamSpec) -> None:
        """Remove what was loaded for a stream of a connection, so that it can be loaded again."""
        with self._writer.transaction() as db:
            bookkeeping.forget(db, connection, stream)

    def replace_table(self, table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
        """Replace a small table of ours; `columns` maps names to SQL types."""
        body = ", ".join(f"{identifier(name)} {sql_type}" for name, sql_type in columns.items())
        with self._writer.transaction() as db:
            db.execute(f"create or replace table {identifier(table)} ({body})")
            if rows:
                marks = ", ".join("?" for _ in columns)
                db.executemany(f"insert into {identifier(table)} values ({marks})", [list(row) for row in rows])

    def append_rows(self, table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
        """Add rows to a table of ours, creating it where missing; thousands at a time."""
        body = ", ".join(f"{identifier(name)} {sql_type}" for name, sql_type in columns.items())
        with self._writer.transaction() as db:
            db.execute(f"create table if not exists {identifier(table)} ({body})")
            if rows:
                held = pyarrow.table(dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True)))
                db.register("appended", held)
                db.execute(f"insert into {identifier(table)} by name select * from appended")
                db.unregister("appended")

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows of a read on the working database, as dicts by column name."""
        with self._writer.operation() as db:
            return _rows(db.execute(sql, list(parameters)))

    def compact(self) -> None:
        """Close the gaps that deleted rows have left. Costs as much as there is history, so not after every change."""
        with self._writer.operation() as db:
            # without a change since the last checkpoint the engine would not look at any table
            db.execute("create table compacting (x int); set max_vacuum_tasks = 100; drop table compacting")
            db.execute("force checkpoint; set max_vacuum_tasks = 0")

    def publish(
        self, tables: Sequence[str], manifest: Mapping[str, Any], functions: Sequence[TableFunction] = ()
    ) -> Snapshot:
        """Copy `tables` into a new read-only snapshot, with `functions` upon them, and make it current."""
        with self._writer.operation() as db:
            db.execute(f"set threads = {self._threads}")
            return self._snapshots.publish(db, tables, manifest, functions)

    def current_snapshot(self) -> Snapshot | None:
        """The last good snapshot; never blocks on a writer."""
        return self._snapshots.current()

    def query_snapshot(self, snapshot: Snapshot, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows of a read on a published snapshot, as dicts by column name."""
        with self._snapshots.open(snapshot) as db:
            return _rows(db.execute(sql, list(parameters)))


def _rows(result: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
