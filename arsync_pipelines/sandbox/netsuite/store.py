"""The account's SQLite file: opening, locking, seeding speed and the functions that SuiteQL needs in it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .dates import DAY, AccountTime, DateFormatError, to_char, to_wall
from .schema import STATUS_TEXTS, TABLES, TYPE_TEXTS

_EXTRA = """
create table if not exists _party (id integer primary key, name text, country text, street text, city text, state text,
    zip text, phone text, email text, url text, tax_id text, updated integer);
create table if not exists _terms (id integer primary key, instalments text);
create table if not exists _meta (name text primary key, value text);
create table if not exists _job (id integer primary key, idempotency_key text unique, state text, tasks text);
create table if not exists _application (nextdoc integer, previousdoc integer, id integer, previousline integer,
    nextline integer, previoustype text, nexttype text, amount integer, applied_on integer,
    primary key (nextdoc, previousdoc, id)) without rowid;
create table if not exists _revaluation (id integer primary key autoincrement, earlier integer, later integer,
    unique (earlier, later));
create index if not exists revaluation_later on _revaluation (later);
create index if not exists link_previous on nexttransactionlinelink (previousdoc);
create index if not exists application_previous on _application (previousdoc);
create index if not exists customer_party on customer (party);
"""
_INDEXES = """
create index if not exists transaction_modified on "transaction" (lastmodifieddate, id);
create index if not exists transaction_entity on "transaction" (entity);
create index if not exists transaction_external on "transaction" (externalid) where externalid is not null;
create index if not exists transaction_tranid on "transaction" (tranid);
create index if not exists customer_modified on customer (lastmodifieddate, id);
create index if not exists customer_external on customer (externalid) where externalid is not null;
create index if not exists customer_entityid on customer (entityid);
create index if not exists deletedrecord_date on deletedrecord (deleteddate);
"""


class Store:
    """One connection under one lock. `generation` counts committed changes, for caches to notice them."""

    def __init__(self, path: Path, time: AccountTime) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.time = time
        self.lock = threading.RLock()
        self.generation = 0
        self.function_error = ""
        self.db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, cached_statements=512)
        self.db.execute("pragma journal_mode = wal")
        self.db.execute("pragma cache_size = -131072")
        self.db.execute("pragma temp_store = memory")
        self.db.execute("pragma case_sensitive_like = on")
        for table in TABLES.values():
            self.db.execute(table.ddl())
        self.db.executescript(_EXTRA)
        self.db.execute("create temp table touched (id integer primary key, stamp integer)")
        self.seeded = bool(self.db.execute("select 1 from _meta where name = 'seeded'").fetchone())
        # a kill of the process loses nothing in either mode; until seeding is done even a power cut costs only a re-run
        self.db.execute(f"pragma synchronous = {'normal' if self.seeded else 'off'}")
        self._register_functions()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction; anything raised inside undoes it."""
        with self.lock:
            self.db.execute("begin immediate")
            try:
                yield self.db
            except BaseException:
                self.db.execute("rollback")
                raise
            self.db.execute("commit")
            self.generation += 1

    def finish_seeding(self) -> None:
        """Builds the indexes that reading needs; later writes keep them up to date. Safe to repeat."""
        with self.lock:
            self.db.executescript(_INDEXES)
            self.db.execute("pragma analysis_limit = 1000")
            self.db.execute("analyze")
            self.db.execute("insert or replace into _meta values ('seeded', '1')")
            self.db.execute("pragma wal_checkpoint(truncate)")
            self.db.execute("pragma synchronous = normal")
            self.seeded = True

    def close(self) -> None:
        with self.lock:
            self.db.close()

    def _register_functions(self) -> None:
        time = self.time

        def dated(function: Callable[..., Any]) -> Callable[..., Any]:
            """Null in, null out; SQLite swallows the text of an exception, so it is kept for the error body."""

            def call(*arguments: Any) -> Any:
                if any(argument is None for argument in arguments):
                    return None
                try:
                    return function(*arguments)
                except DateFormatError as error:
                    self.function_error = str(error)
                    raise

            return call

        functions: dict[str, tuple[int, Callable[..., Any]]] = {
            "ns_char": (2, dated(to_char)),
            "ns_parse": (2, dated(lambda text, model: to_wall(str(text), model))),
            "ns_read": (1, dated(lambda text: text if isinstance(text, int) else time.read(str(text)))),
            "ns_show": (1, dated(time.show)),
            "ns_wall": (1, dated(time.wall)),
            "ns_instant": (1, dated(time.instant)),
            "ns_trunc": (2, dated(_trunc)),
            "ns_add_months": (2, dated(_add_months)),
            "ns_last_day": (1, dated(lambda wall: _add_months(_trunc(wall, "MM"), 1) - DAY)),
            "ns_text": (1, dated(number_text)),
            "ns_status": (2, dated(_status)),
            "ns_type": (1, dated(lambda code: TYPE_TEXTS.get(code, code))),
        }
        for name, (arity, function) in functions.items():
            self.db.create_function(name, arity, function, deterministic=True)


def number_text(value: float | str) -> str:
    """A number as SuiteQL prints it: no exponent, no trailing zeros."""
    if isinstance(value, float):
        text = f"{value:.10f}".rstrip("0").rstrip(".")
        return "0" if text == "-0" else text
    return str(value)


def _status(kind: str, code: str) -> str:
    return f"{TYPE_TEXTS.get(kind, kind)} : {STATUS_TEXTS.get((kind, code), code)}"


def _trunc(wall: int, unit: str) -> int:
    day = wall - wall % DAY
    unit = unit.upper()
    if unit in {"MM", "MONTH", "MON"}:
        return to_wall(to_char(day, "YYYY-MM"), "YYYY-MM")
    if unit in {"YYYY", "YEAR", "YY"}:
        return to_wall(to_char(day, "YYYY"), "YYYY")
    if unit == "Q":
        year, month = to_char(day, "YYYY"), int(to_char(day, "MM"))
        return to_wall(f"{year}-{(month - 1) // 3 * 3 + 1}", "YYYY-MM")
    if unit in {"DD", "DDD", "J"}:
        return day
    raise DateFormatError(f"ORA-01898: {unit!r} is not a unit that TRUNC knows here")


def _add_months(wall: int, months: int) -> int:
    total = int(to_char(wall, "YYYY")) * 12 + int(to_char(wall, "MM")) - 1 + int(months)
    year, month = divmod(total, 12)
    for day in range(int(to_char(wall, "DD")), 27, -1):
        try:
            return to_wall(f"{year:04d}-{month + 1}-{day}", "YYYY-MM-DD") + wall % DAY
        except DateFormatError:
            continue
    return to_wall(f"{year:04d}-{month + 1}-{to_char(wall, 'DD')}", "YYYY-MM-DD") + wall % DAY
