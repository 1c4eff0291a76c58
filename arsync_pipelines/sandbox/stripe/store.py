"""Objects in SQLite, as the JSON that goes over the wire. Knows kinds, order and filters; no behaviour."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import orjson

Body = dict[str, Any]

_SCHEMA = """
create table if not exists object (
    kind text not null,
    id text not null,
    created integer not null,   -- unix seconds, virtual clock
    seq integer not null,       -- order of arrival, breaks ties of created
    customer text,
    parent text,                -- what lists are filtered by besides: see PARENT
    deleted integer not null default 0,
    written real not null,      -- real time of the last write, for the lag of search
    body text not null,
    primary key (kind, id)
) without rowid;
create table if not exists counter (name text primary key, value integer not null) without rowid;
create table if not exists idempotency (
    key text primary key, fingerprint text not null, status integer not null, body blob not null,
    headers text not null, request_id text not null, at real not null
) without rowid;
create table if not exists delivery (
    id integer primary key, event text not null, endpoint text not null, attempt integer not null default 0,
    due real not null, done integer not null default 0, status integer, repeats integer not null default 0
);
create index if not exists object_newest on object (kind, created desc, seq desc);
create index if not exists object_customer on object (kind, customer, created desc, seq desc)
    where customer is not null;
create index if not exists object_parent on object (kind, parent, created desc, seq desc) where parent is not null;
create index if not exists delivery_due on delivery (done, due);
"""

PARENT = {
    "refund": "charge",
    "dispute": "charge",
    "balance_transaction": "payout",
    "credit_note": "invoice",
    "invoice_payment": "invoice",
    "invoiceitem": "invoice",
    "charge": "payment_intent",
}
_UPSERT = (
    "insert into object (kind, id, created, seq, customer, parent, deleted, written, body) values (?,?,?,?,?,?,?,?,?)"
    " on conflict (kind, id) do update set customer = excluded.customer, parent = excluded.parent,"
    " deleted = excluded.deleted, written = excluded.written, body = excluded.body"
)


class Store:
    """One connection under one lock; `with store:` is a transaction. Members that begin with `_` are never shown."""

    def __init__(self, path: Path) -> None:
        self.lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("pragma journal_mode = wal")
        self._connection.execute("pragma synchronous = normal")
        self._connection.execute("pragma cache_size = -65536")
        self._connection.executescript(_SCHEMA)
        self._seq = self._connection.execute("select coalesce(max(seq), 0) from object").fetchone()[0]

    def __enter__(self) -> Store:
        self.lock.acquire()
        if self._depth == 0:
            self._connection.execute("begin immediate")
        self._depth += 1
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            self._depth -= 1
            if self._depth == 0:
                self._connection.execute("rollback" if error else "commit")
        finally:
            self.lock.release()

    def transaction(self) -> AbstractContextManager[Store]:
        return self

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self.lock:
            return self._connection.execute(sql, parameters).fetchall()

    def get(self, kind: str, object_id: str) -> Body | None:
        """The object, deleted ones as their stub, or None."""
        rows = self.execute("select body from object where kind = ? and id = ?", (kind, object_id))
        return orjson.loads(rows[0][0]) if rows else None

    def get_many(self, kind: str, ids: Sequence[str]) -> dict[str, Body]:
        """Those of `ids` that exist, by id."""
        found: dict[str, Body] = {}
        for start in range(0, len(ids), 500):
            part = ids[start : start + 500]
            marks = ",".join("?" * len(part))
            rows = self.execute(f"select id, body from object where kind = ? and id in ({marks})", (kind, *part))
            found.update((row[0], orjson.loads(row[1])) for row in rows)
        return found

    def put(self, body: Body) -> Body:
        self.put_many([body])
        return body

    def put_many(self, bodies: Iterable[Body]) -> None:
        """Insert or replace. Order among equal `created` is the order of first arrival."""
        now = time.time()
        with self.lock:
            self._connection.executemany(_UPSERT, (self._row(body, now) for body in bodies))

    def _row(self, body: Body, now: float) -> tuple[Any, ...]:
        self._seq += 1
        kind = body["object"]
        parent_field = PARENT.get(kind)
        parent = body.get("_payout") if parent_field == "payout" else body.get(parent_field) if parent_field else None
        stamp = body.get("created", body.get("_created", 0))
        deleted = 1 if body.get("deleted") else 0
        text = orjson.dumps(body).decode()
        return kind, body["id"], stamp, self._seq, body.get("customer"), parent, deleted, now, text

    def remove(self, kind: str, object_id: str) -> None:
        self.execute("delete from object where kind = ? and id = ?", (kind, object_id))

    def position(self, kind: str, object_id: str) -> tuple[int, int] | None:
        """(created, seq): the place in the list order."""
        rows = self.execute("select created, seq from object where kind = ? and id = ?", (kind, object_id))
        return (rows[0][0], rows[0][1]) if rows else None

    def select(
        self, kind: str, where: str, parameters: Sequence[Any], limit: int, *, ascending: bool = False
    ) -> list[str]:
        """JSON texts of live objects, newest first (or oldest first)."""
        order = "created, seq" if ascending else "created desc, seq desc"
        sql = f"select body from object where kind = ? and deleted = 0{where} order by {order} limit ?"
        return [row[0] for row in self.execute(sql, (kind, *parameters, limit))]

    def next_number(self, name: str) -> int:
        """1, 2, 3, ... per name."""
        sql = "insert into counter values (?, 1) on conflict (name) do update set value = value + 1 returning value"
        return int(self.execute(sql, (name,))[0][0])

    def synchronous(self, level: str) -> None:
        self.execute(f"pragma synchronous = {level}")

    def close(self) -> None:
        with self.lock:
            self._connection.close()
