"""The org's SQLite file: one table per object, the catalog, settings, and transactions that remember their effects.

Rows are kept in the form in which they are shown (ids of 18 characters, datetimes as `2026-05-07T22:07:19.000+0000`),
so reading is cheap and text order is time order. What may be written is decided in records.py.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from arsync_pipelines.sandbox.core.clock import VirtualClock
from arsync_pipelines.sandbox.core.journal import Journal
from arsync_pipelines.sandbox.salesforce import ids
from arsync_pipelines.sandbox.salesforce.schema import NUMBERS, TEXTS, FieldDef, ObjectDef, history_object
from arsync_pipelines.sandbox.salesforce.standard_objects import standard_objects

VENDOR = "salesforce"

_SCHEMA = """
create table if not exists setting (name text primary key, value text not null);
create table if not exists component (kind text, name text, body text not null, primary key (kind, name));
create table if not exists sequence (name text primary key, last integer not null);
create table if not exists session (token text primary key, user_id text, client_id text, expires_at real);
create table if not exists api_usage (hour text primary key, calls integer not null);
create table if not exists locator (id text primary key, body text not null, made_at real, rows blob not null);
create table if not exists deletion (object text, id text, deleted_at text, primary key (object, id));
create table if not exists event (
    replay_id integer primary key autoincrement, entity text not null, at text not null, body text not null
);
create table if not exists job (id text primary key, kind text, body text not null, data blob, serial integer);
create table if not exists job_row (
    job text, number integer, outcome text, id text, created integer, error text, cells text, primary key (job, number)
) without rowid;
"""

DEFAULT_SETTINGS: dict[str, Any] = {
    "daily_api_requests": 100_000,
    "session_seconds": 7200,
    "gap_rate": 0.0,
    "recycle_bin_days": 15,
    "bulk_delay_ms": 0,
}


def stamp(instant: datetime) -> str:
    """An instant as the REST API shows it; whole seconds, as system stamps are."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


class Store:
    """One locked connection. Every use happens under `lock`; writes inside `transaction()`."""

    def __init__(self, path: Path, clock: VirtualClock, journal: Journal) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.journal = journal
        self.before_commit: Callable[[Transaction], None] | None = None  # the event log, in the same transaction
        self.connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, cached_statements=512)
        for pragma in ("journal_mode = wal", "synchronous = normal", "cache_size = -64000", "temp_store = memory"):
            self.connection.execute(f"pragma {pragma}")
        self.connection.executescript(_SCHEMA)
        self.settings = DEFAULT_SETTINGS | {
            name: orjson.loads(value) for name, value in self.connection.execute("select name, value from setting")
        }
        self.objects: dict[str, ObjectDef] = {}
        self._prefixes: dict[str, ObjectDef] = {}
        self._open: Transaction | None = None
        self._sequences: dict[str, int] = {}
        self.reload()
        for item in self.objects.values():
            self._ensure_table(item)

    # -- settings and numbers ------------------------------------------------------------------------------------

    def set_setting(self, name: str, value: Any) -> None:
        """Change a setting for good."""
        with self.lock:
            self.settings[name] = value
            self.connection.execute(
                "insert or replace into setting values (?, ?)", (name, orjson.dumps(value).decode())
            )

    def next_number(self, name: str) -> int:
        """The next value of a named sequence, from 1; kept with the transaction that took it."""
        with self.lock:
            if name not in self._sequences:
                row = self.connection.execute("select last from sequence where name = ?", (name,)).fetchone()
                self._sequences[name] = int(row[0]) if row else 0
            self._sequences[name] += 1
            if self._open is None:
                self._keep_sequences({name})
            else:
                self._open.sequences.add(name)
            return self._sequences[name]

    def _keep_sequences(self, names: set[str]) -> None:
        rows = [(name, self._sequences[name]) for name in names]
        self.connection.executemany("insert or replace into sequence values (?, ?)", rows)

    def now(self) -> str:
        """The present business time, as shown."""
        return stamp(self.clock.now())

    # -- catalog -------------------------------------------------------------------------------------------------

    def find_object(self, name: str) -> ObjectDef | None:
        """The object of that name in any case."""
        return self.objects.get(name.lower())

    def object_of_id(self, record_id: str) -> ObjectDef | None:
        """The object whose key prefix an id carries."""
        return self._prefixes.get(record_id[:3])

    def add_object(self, item: ObjectDef) -> None:
        """Register a custom object and keep it."""
        self._register(item)
        self._keep("object", item)
        self._ensure_table(item)
        self.build_indexes(item)

    def add_field(self, owner: ObjectDef, item: FieldDef) -> None:
        """Register a new or changed custom field and keep it."""
        owner.add(item)
        self._register(owner)
        self._keep("object", owner)
        self._ensure_table(owner)
        self.build_indexes(owner)

    def keep_history(self, owner: ObjectDef, keep: bool) -> None:
        """Begin or end to keep an object's history; what was kept before stays in its table."""
        owner.history = keep
        self._keep("object", owner)
        self._register(owner)
        if keep:
            made = self.objects[owner.history_name.lower()]
            self._ensure_table(made)
            self.build_indexes(made)

    def drop_field(self, owner: ObjectDef, name: str) -> None:
        """Forget a custom field and its values."""
        for (index,) in self.connection.execute(
            "select name from sqlite_master where type = 'index' and name = ?", (f"i_{owner.name}_{name}",)
        ).fetchall():
            self.connection.execute(f'drop index "{index}"')
        self.connection.execute(f'alter table "{owner.table}" drop column "{name}"')
        owner.drop(name)
        self._register(owner)
        self._keep("object", owner)

    def drop_object(self, item: ObjectDef) -> None:
        """Forget a custom object and its records."""
        self.connection.execute(f'drop table "{item.table}"')
        self.connection.execute("delete from component where kind = 'object' and name = ?", (item.name,))
        if item.history:
            made = self.objects.pop(item.history_name.lower())
            self.connection.execute(f'drop table "{made.table}"')
        del self.objects[item.name.lower()]
        del self._prefixes[item.prefix]

    def reload(self) -> None:
        """Read the catalog again, after a change of it was undone."""
        with self.lock:
            self.objects.clear()
            self._prefixes.clear()
            for item in standard_objects():
                self._register(item)
            self._load_components()

    def _register(self, item: ObjectDef) -> None:
        self.objects[item.name.lower()] = item
        self._prefixes[item.prefix] = item
        self.objects.pop(item.history_name.lower(), None)
        if item.history:
            self.objects[item.history_name.lower()] = history_object(item)

    def _keep(self, kind: str, item: ObjectDef) -> None:
        body = {
            "prefix": item.prefix,
            "label": item.label,
            "plural": item.plural,
            "auto_number": item.auto_number,
            "history": item.history,
            "fields": [one.to_dict() for one in item.fields.values()],
        }
        self.connection.execute(
            "insert or replace into component values (?, ?, ?)", (kind, item.name, orjson.dumps(body).decode())
        )

    def _load_components(self) -> None:
        for name, text in self.connection.execute("select name, body from component where kind = 'object'"):
            body = orjson.loads(text)
            known = self.find_object(name)
            item = known or ObjectDef(
                name, body["prefix"], body["label"], body["plural"], auto_number=body["auto_number"]
            )
            item.history = body.get("history", False)
            for one in body["fields"]:
                item.add(FieldDef.from_dict(one))
            self._register(item)

    def _ensure_table(self, item: ObjectDef) -> None:
        """Create the table or the columns it lacks. `_api` lists the fields that API clients wrote (",A,B,")."""
        self.connection.execute(
            f'create table if not exists "{item.table}" (_row integer primary key, "Id" text not null unique,'
            " \"IsDeleted\" integer not null default 0, _deleted_at text, _api text not null default '')"
        )
        have = {row[1] for row in self.connection.execute(f'pragma table_info("{item.table}")')}
        for one in item.fields.values():
            if one.name not in have:
                self.connection.execute(f'alter table "{item.table}" add column {_column(one)}')

    def build_indexes(self, item: ObjectDef) -> None:
        """The indexes that reads and lookups lean on."""
        wanted = {} if item.history_of else {"SystemModstamp": '"SystemModstamp", "Id"'}
        for one in item.fields.values():
            if one.external_id or one.unique or one.reference_to not in ("", "User"):
                wanted[one.name] = f'"{one.name}"'
        for name, columns in wanted.items():
            self.connection.execute(f'create index if not exists "i_{item.name}_{name}" on "{item.table}" ({columns})')

    # -- transactions --------------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """All or nothing. Nested use joins the outer transaction; effects leave when the outermost one commits."""
        with self.lock:
            if self._open is not None:
                yield self._open
                return
            current = self._open = Transaction(self.now())
            self.connection.execute("begin immediate")
            try:
                yield current
                if current.changes and self.before_commit is not None:
                    self.before_commit(current)
                self._keep_sequences(current.sequences)
            except BaseException:
                self.connection.execute("rollback")
                raise
            else:
                self.connection.execute("commit")
            finally:
                self._open = None
            if current.journal:
                self.journal.append_many(VENDOR, current.journal, request_id=current.request_id)

    @contextmanager
    def savepoint(self, current: Transaction) -> Iterator[None]:
        """Part of a transaction that can be undone alone: any exception undoes it and goes on."""
        mark = current.mark()
        self.connection.execute("savepoint part")
        try:
            yield
        except BaseException:
            self.connection.execute("rollback to part")
            current.forget_after(mark)
            raise
        finally:
            self.connection.execute("release part")

    def close(self) -> None:
        """Commit and close."""
        with self.lock:
            self.connection.close()


class Transaction:
    """What one transaction has done so far: journal entries and changes. `savepoint()` marks a place to go back to."""

    def __init__(self, now: str) -> None:
        self.now = now
        self.request_id = ""
        self.journal: list[tuple[str, str, str, dict[str, Any]]] = []
        self.changes: list[Change] = []
        self.sequences: set[str] = set()

    def mark(self) -> tuple[int, int]:
        """The place to which `forget_after` returns."""
        return len(self.journal), len(self.changes)

    def forget_after(self, mark: tuple[int, int]) -> None:
        """Forget what was done after `mark`."""
        del self.journal[mark[0] :]
        del self.changes[mark[1] :]


class Change:
    """One record's change, as an event will tell it."""

    __slots__ = ("entity", "kind", "origin", "record_id", "user_id", "values")

    def __init__(
        self, entity: str, kind: str, record_id: str, origin: str, user_id: str, values: dict[str, Any]
    ) -> None:
        self.entity = entity
        self.kind = kind
        self.record_id = record_id
        self.origin = origin
        self.user_id = user_id
        self.values = values


def _column(item: FieldDef) -> str:
    name = f'"{item.name}"'
    if item.type == "boolean":
        return f"{name} integer not null default {int(bool(item.default))}"
    if item.type == "int":
        return f"{name} integer"
    if item.type == "anyType":
        return name  # JSON, which no affinity may touch
    if item.type in NUMBERS:
        return f"{name} real"
    if item.type in TEXTS and not item.case_sensitive:
        return f"{name} text collate nocase"
    return f"{name} text"


def new_id(store: Store, item: ObjectDef) -> str:
    """A fresh id for a record that an API client makes."""
    return ids.make(item.prefix, store.next_number(f"id:{item.name}"))
