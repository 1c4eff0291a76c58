"""Append-only record of every write that a vendor's API accepted: the oracle that tests count effects with.

Nothing here interprets an entry. It has its own file and connection and is committed before the response of the write
leaves, so it outlives a kill of either side.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_SCHEMA = """
create table if not exists journal (
    seq integer primary key autoincrement,
    at text not null,
    vendor text not null,
    operation text not null,
    object text not null,
    key text not null,
    body text not null,
    request_id text not null
);
create trigger if not exists journal_no_update before update on journal begin select raise(abort, 'append-only'); end;
create trigger if not exists journal_no_delete before delete on journal begin select raise(abort, 'append-only'); end;
"""

_INSERT = "insert into journal (at, vendor, operation, object, key, body, request_id) values (?, ?, ?, ?, ?, ?, ?)"


class Journal:
    """Entries are dicts: seq, at (real UTC, ISO), vendor, operation, object, key, body (dict), request_id."""

    def __init__(self, path: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._now = now
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("pragma journal_mode = wal")
        # survives a kill of the process; only a power cut could lose the last entries
        self._connection.execute("pragma synchronous = normal")
        self._connection.executescript(_SCHEMA)

    def append(
        self, vendor: str, operation: str, object: str, key: str, body: dict[str, Any], *, request_id: str = ""
    ) -> int:
        """Commits one entry and returns its sequence number."""
        row = (self._now().isoformat(), vendor, operation, object, key, json.dumps(body, default=str), request_id)
        with self._lock:
            cursor = self._connection.execute(_INSERT, row)
            return int(cursor.lastrowid or 0)

    def append_many(
        self, vendor: str, entries: Iterable[tuple[str, str, str, dict[str, Any]]], *, request_id: str = ""
    ) -> int:
        """Commits entries (operation, object, key, body) of one request together; returns how many."""
        at = self._now().isoformat()
        rows = [(at, vendor, op, obj, key, json.dumps(body, default=str), request_id) for op, obj, key, body in entries]
        with self._lock:
            self._connection.execute("begin")
            self._connection.executemany(_INSERT, rows)
            self._connection.execute("commit")
        return len(rows)

    def entries(self, vendor: str | None = None, after: int = 0, limit: int = -1) -> list[dict[str, Any]]:
        """Entries with `seq > after` in order, of one vendor or of all; limit -1 means no limit."""
        with self._lock:
            rows = self._connection.execute(
                "select seq, at, vendor, operation, object, key, body, request_id from journal"
                " where seq > ? and (? is null or vendor = ?) order by seq limit ?",
                (after, vendor, vendor, limit),
            ).fetchall()
        names = ("seq", "at", "vendor", "operation", "object", "key", "body", "request_id")
        return [dict(zip(names, (*row[:6], json.loads(row[6]), row[7]), strict=True)) for row in rows]

    def close(self) -> None:
        with self._lock:
            self._connection.close()
