"""What the services ask of the warehouse: load landing files, run SQL, publish and open snapshots.

Everything that writes happens inside `writing()`, which holds the one writer lock of the machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from arsync_pipelines.ports.source import Cursor, StreamSpec


@dataclass(frozen=True, slots=True)
class Batch:
    """One landed batch: newline-delimited JSON files (vendor's rows, verbatim) and what is true once they are loaded.

    `scopes` and `final` as in ports.source.Page: what the batch proves about rows that are gone. All batches of one
    read share `read_id`. `read_started_at` is the ISO instant at which that read began.
    """

    batch_id: str
    read_id: str
    connection: str
    spec: StreamSpec
    files: tuple[Path, ...]
    cursor: Cursor
    row_count: int
    read_started_at: str
    scopes: Sequence[tuple[str, ...]] = ()
    final: bool = False
    set_aside: Sequence[Mapping[str, Any]] = ()
    present: Sequence[tuple[str, ...]] = ()
    undeclared: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class LoadResult:
    """Rows in the batch, new versions stored, tombstones stored; `repeated` when this batch id was loaded before."""

    rows: int
    new_versions: int
    deleted: int
    repeated: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A published, read-only state. `path` is the database file, `manifest` its JSON manifest."""

    snapshot_id: str
    path: Path
    manifest: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TableFunction:
    """A question that a snapshot answers: `parameters` and `body` (a select) in the engine's SQL."""

    name: str
    parameters: str
    description: str
    body: str


class Warehouse(Protocol):
    """One warehouse: one writer at a time, readers on snapshots only."""

    def writing(self, timeout: float | None = None, *, closing_behind: bool = False) -> AbstractContextManager[None]:
        """Hold the writer lock (waits; raises WarehouseError after `timeout` seconds, naming the holder).

        With `closing_behind` the block may end before the lock is given back: what was committed stands already.
        """
        ...

    def lent(self) -> AbstractContextManager[None]:
        """Inside writing(): leave the warehouse to another library of this process (dbt), which writes in it.

        Any other use of it meanwhile waits (other threads) or raises WarehouseError (this one).
        """
        ...

    def ensure_tables(self, specs: Sequence[StreamSpec]) -> None:
        """Create the raw tables of these streams where missing, and add columns that are new in a spec."""
        ...

    def load(self, batch: Batch) -> LoadResult:
        """Store new versions and tombstones of a batch and its cursor in one transaction; idempotent by batch id.

        Raises WarehouseError when a row does not fit its declared columns (nothing of the batch is stored).
        """
        ...

    def cursor(self, connection: str, stream: str) -> Cursor | None:
        """The committed cursor, or None before the first load."""
        ...

    def last_batch(self, connection: str, stream: str) -> str:
        """Id of the batch loaded last for this stream, or "" before the first load."""
        ...

    def forget(self, connection: str, stream: StreamSpec) -> None:
        """Remove all that was loaded for one stream of one connection, its cursor included, in one transaction.

        Only for rebuilding raw; models built incrementally upon it need a full refresh.
        """
        ...

    def replace_table(self, table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
        """Replace a small table of ours (configuration seen by dbt). `columns` maps names to SQL types."""
        ...

    def append_rows(self, table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
        """Add rows to a table of ours in one transaction, creating it where missing. `columns` as in replace_table."""
        ...

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows of a read on the working database (inside `writing()`)."""
        ...

    def compact(self) -> None:
        """Close the gaps that deleted rows have left (inside `writing()`). Costs as much as there is history."""
        ...

    def publish(
        self, tables: Sequence[str], manifest: Mapping[str, Any], functions: Sequence[TableFunction] = ()
    ) -> Snapshot:
        """Copy `tables` into a new read-only snapshot and make it current, atomically; drop those beyond retention.

        `functions` are created there in the order given, upon the tables of the snapshot.
        """
        ...

    def current_snapshot(self) -> Snapshot | None:
        """The last good snapshot, or None before the first publish. Never blocks on a writer."""
        ...

    def query_snapshot(self, snapshot: Snapshot, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows of a read on a published snapshot; independent of any writer."""
        ...
