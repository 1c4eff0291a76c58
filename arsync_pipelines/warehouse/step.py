"""What every step of one load uses: the open transaction, the batch, its table, and inserts and lookups by key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb
import orjson

from arsync_pipelines.ports.source import StreamSpec
from arsync_pipelines.ports.warehouse import Batch
from arsync_pipelines.warehouse import bookkeeping
from arsync_pipelines.warehouse.tables import META_COLUMNS, columns, identifier


@dataclass(frozen=True, slots=True)
class Step:
    """What every step of one load needs: the open transaction, the batch, the table, the next free `_seq`."""

    db: duckdb.DuckDBPyConnection
    batch: Batch
    now: datetime
    first_seq: int

    @property
    def spec(self) -> StreamSpec:
        return self.batch.spec

    @property
    def table(self) -> str:
        return identifier(self.batch.spec.table)

    @property
    def names(self) -> list[str]:
        return [field.name for field in self.batch.spec.fields]

    @property
    def keys(self) -> str:
        return columns(self.batch.spec.primary_key)

    @property
    def where(self) -> str:
        """The batch, for messages."""
        return f"{self.batch.connection}.{self.spec.name}, batch {self.batch.batch_id}"

    @property
    def deleted(self) -> str:
        """SQL: whether the source calls a row deleted."""
        flag = self.spec.deleted_flag
        return f"coalesce({identifier(flag)}, false)" if flag else "false"

    @property
    def without_key(self) -> str:
        """SQL: whether a row lacks part of its primary key."""
        return " or ".join(f"{identifier(name)} is null" for name in self.spec.primary_key)


def begin(db: duckdb.DuckDBPyConnection, batch: Batch) -> Step:
    """The step of a batch inside the caller's transaction."""
    return Step(db, batch, datetime.now(UTC).replace(tzinfo=None), bookkeeping.last_seq(db) + 1)


def has_rows(step: Step) -> bool:
    """Whether the raw table holds any row of the connection."""
    found = step.db.execute(f"select 1 from {step.table} where _connection = ? limit 1", [step.batch.connection])
    return found.fetchone() is not None


def any_known(step: Step, name: str, key: tuple[str, ...]) -> bool:
    """Whether batches before this one stored any key of `name`, a table or subquery."""
    found = step.db.execute(
        f"select 1 from {step.table} semi join {name} using ({columns(key)}) "
        "where _connection = ? and _seq < ? limit 1",
        [step.batch.connection, step.first_seq],
    )
    return found.fetchone() is not None


def fill_keys(step: Step, name: str, key: tuple[str, ...], values: object) -> None:
    """Temporary table `name` with the columns of `key`, typed as in the raw table, and one row per given tuple."""
    step.db.execute(f"create or replace temp table {name} as select {columns(key)} from {step.table} limit 0")
    rows = orjson.dumps(values).decode()
    fields = ", ".join(f"value ->> {position}" for position in range(len(key)))
    step.db.execute(f"insert into {name} select distinct {fields} from json_each(?)", [rows])


def insert(step: Step, source: str, seq: str, deleted: str, parameters: Sequence[Any] = ()) -> int:
    """Insert the rows of `source` (SQL with `parameters`) as versions of this batch; how many."""
    inserted = step.db.execute(
        f"insert into {step.table} ({columns(step.names)}, {columns(list(META_COLUMNS))}) "
        f"select {columns(step.names)}, ?, ?, {seq}, ?, {deleted}, _row_hash from {source}",
        [step.batch.connection, step.batch.batch_id, step.now, *parameters],
    ).fetchone()
    return int(inserted[0]) if inserted else 0
