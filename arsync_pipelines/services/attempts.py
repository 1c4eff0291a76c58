"""What became of pushes, copied from the operational store to the warehouse, where the operational marts read it.

Attempts are copied once, after they ended, in the order in which they began.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from arsync_pipelines.ports.warehouse import Warehouse

TABLE = "raw_arsync__push_attempt"
_COLUMNS = {
    "_seq": "bigint",
    "attempt_id": "bigint",
    "connection": "varchar",
    "object": "varchar",
    "business_key": "varchar",
    "kind": "varchar",
    "outcome": "varchar",
    "failure_class": "varchar",
    "code": "varchar",
    "planned_at": "timestamp",
    "started_at": "timestamp",
    "ended_at": "timestamp",
}
_PART = 20_000


class AttemptLog(Protocol):
    """What is asked of the operational store."""

    def last_attempt(self) -> int:
        """Highest attempt id, 0 while there is none."""
        ...

    def ended_attempts(self, after: int, limit: int) -> Sequence[Mapping[str, Any]]:
        """Rows {attempt_id, connection, ...} beyond `after` by id, up to the first that has not ended; times in UTC."""
        ...


def copy(log: AttemptLog, warehouse: Warehouse) -> int:
    """Append what ended since the last copy; how many. Inside `warehouse.writing()`.

    An operational store that begins anew (its ids are behind what was copied) is copied from its start.
    """
    warehouse.append_rows(TABLE, _COLUMNS, [])
    (last,) = warehouse.query(
        f"select coalesce(max(_seq), 0) as seq, coalesce(max_by(attempt_id, _seq), 0) as attempt_id from {TABLE}"
    )
    seq, after = last["seq"], last["attempt_id"]
    if log.last_attempt() < after:
        after = 0
    copied = 0
    while found := log.ended_attempts(after, _PART):
        rows = [(seq + n, *(row[name] for name in list(_COLUMNS)[1:])) for n, row in enumerate(found, 1)]
        warehouse.append_rows(TABLE, _COLUMNS, rows)
        seq, after, copied = seq + len(rows), found[-1]["attempt_id"], copied + len(rows)
    return copied
