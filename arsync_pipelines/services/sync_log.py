"""How reads of streams went, kept for the operational marts: one row when a read begins, one when it has ended.

What only began was killed, or is still going on. The table only grows; nothing reads it to decide anything.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC

from arsync_pipelines.domain.errors import ArsyncError
from arsync_pipelines.ports.clock import Clock
from arsync_pipelines.ports.source import ReadStats
from arsync_pipelines.ports.warehouse import Warehouse

TABLE = "raw_arsync__sync"
COLUMNS = {
    "run_id": "varchar",
    "connection": "varchar",
    "stream": "varchar",
    "state": "varchar",
    "failure_class": "varchar",
    "rows_read": "bigint",
    "rows_new": "bigint",
    "logged_at": "timestamp",
}


class SyncLog:
    """The log of one run over streams of one connection. Its methods are called inside `warehouse.writing()`."""

    def __init__(self, warehouse: Warehouse, connection: str, clock: Clock) -> None:
        self._warehouse = warehouse
        self._connection = connection
        self._clock = clock
        self._run_id = uuid.uuid4().hex

    def begin(self, streams: Sequence[str]) -> None:
        """These streams are about to be read."""
        self._append([(stream, "begun", None, 0, 0) for stream in streams])

    def end(self, read: Mapping[str, ReadStats], failures: Mapping[str, ArsyncError]) -> None:
        """How it went, by stream; a failure by the name of its class, since its words may quote the source."""
        self._append(
            [(stream, "read", None, one.rows_read, one.rows_new + one.rows_deleted) for stream, one in read.items()]
            + [(stream, "failed", type(error).__name__, 0, 0) for stream, error in failures.items()]
        )

    def _append(self, rows: Sequence[tuple[str, str, str | None, int, int]]) -> None:
        at = self._clock.now().astimezone(UTC).replace(tzinfo=None)
        self._warehouse.append_rows(TABLE, COLUMNS, [(self._run_id, self._connection, *row, at) for row in rows])
