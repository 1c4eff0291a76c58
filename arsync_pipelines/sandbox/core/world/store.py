"""world.db: every record of the world in one SQLite file, one table per record type, written generically.

Columns are the dataclass fields (codec.py). `open_item` and `open_credit` are kept beside them so that a day's business
finds what is unpaid without reading the past.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any, TypeVar

from .codec import codecs
from .parties import Ids
from .records import Delta

Record = TypeVar("Record")

_INDEXES = {
    "crm_accounts": ("party_id",),
    "erp_customers": ("party_id",),
    "processor_customers": ("erp_customer_id",),
    "invoices": ("number", "erp_customer_id"),
    "applications": ("invoice_id", "source_id"),
    "deposit_applications": ("invoice_id",),
    "debt_applications": ("payment_id",),
    "customer_refunds": ("source_id",),
    "processor_charges": ("payout_id", "invoice_number"),
}
_SCHEMA = """
create table if not exists meta (key text primary key, value text);
create table if not exists open_item (
    invoice_id integer primary key, erp_customer_id integer, due_date integer, open integer
);
create table if not exists open_credit (
    source_type text, source_id integer, erp_customer_id integer, open integer, touched integer,
    primary key (source_type, source_id)
);
"""
_BY_DEPOSIT = "(select sum(d.amount) from deposit_applications d where d.invoice_id = i.id)"
_SETTLED = f"(coalesce(sum(a.amount), 0) + coalesce({_BY_DEPOSIT}, 0))"
_OPEN_ITEMS = f"""
insert into open_item (invoice_id, erp_customer_id, due_date, open)
select i.id, i.erp_customer_id, i.due_date, i.total - {_SETTLED}
from invoices i left join applications a on a.invoice_id = i.id
{{where}} group by i.id having i.total - {_SETTLED} > 0
"""
_OPEN_CREDITS = """
insert into open_credit (source_type, source_id, erp_customer_id, open, touched)
select '{kind}', id, max(erp_customer_id), sum(open), max(touched) from (
    select id, erp_customer_id, {amount} as open, 0 as touched from {table} {own}
    union all
    select source_id, null, -amount, 1 from applications where source_type = '{kind}'{used}
    union all
    select source_id, null, -amount, 1 from customer_refunds where source_type = '{kind}'{used}
    union all
    select payment_id, null, -amount, 1 from debt_applications where '{kind}' = 'payment'{used_by_debt}
)
where id not in (select record_id from deletions where record_type = '{kind}')
group by id having sum(open) > 0
"""
_CREDITS = (("payment", "payments", "amount + discount"), ("credit_memo", "credit_memos", "total"))
_ALL = {"own": "", "used": "", "used_by_debt": ""}
_ONE = {"own": "where id = :id", "used": " and source_id = :id", "used_by_debt": " and payment_id = :id"}


class WorldStore:
    """One connection under one lock; `save` is one transaction."""

    def __init__(self, path: Path) -> None:
        self.lock = threading.RLock()
        self._codecs = codecs()
        self._by_record = {codec.record: codec for codec in self._codecs.values()}
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = normal")
        for codec in self._codecs.values():
            self._db.execute(codec.create)
            held = {row[1] for row in self._db.execute(f"pragma table_info({codec.kind})")}
            for added in codec.added(held):
                self._db.execute(added)
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        with self.lock:
            self._db.close()

    # -- meta

    def get(self, key: str, default: Any = None) -> Any:
        with self.lock:
            row = self._db.execute("select value from meta where key = ?", (key,)).fetchone()
        return json.loads(row[0]) if row else default

    def put(self, **values: Any) -> None:
        with self.lock:
            self._db.executemany(
                "insert or replace into meta values (?, ?)", [(key, json.dumps(value)) for key, value in values.items()]
            )

    # -- writing

    def append(self, delta: Delta) -> None:
        """Saves a chunk of the seeded past; `finish` makes it complete."""
        with self.lock:
            self._db.execute("begin")
            self._write(delta)
            self._db.execute("commit")

    def finish(self) -> None:
        """Builds what only a complete past can have: indexes and the open items."""
        with self.lock:
            for table, columns in _INDEXES.items():
                for column in columns:
                    self._db.execute(f"create index if not exists {table}_{column} on {table} ({column})")
            self._db.execute("begin")
            self._db.execute("delete from open_item")
            self._db.execute("delete from open_credit")
            self._db.execute(_OPEN_ITEMS.format(where=""))
            for kind, table, amount in _CREDITS:
                self._db.execute(_OPEN_CREDITS.format(kind=kind, table=table, amount=amount, **_ALL))
            self._db.execute("commit")
            self._db.execute("create index if not exists open_item_customer on open_item (erp_customer_id)")
            self._db.execute("create index if not exists open_credit_customer on open_credit (erp_customer_id)")
            self._db.execute("analyze")

    def save(self, delta: Delta, ids: Ids, **meta: Any) -> None:
        """Saves one day's delta, the ids given out and `meta` together."""
        with self.lock:
            self._db.execute("begin")
            self._write(delta)
            self._refresh_open(delta)
            self.put(ids=ids.last, **meta)
            self._db.execute("commit")

    def _write(self, delta: Delta) -> None:
        for kind, codec in self._codecs.items():
            items = getattr(delta, kind)
            if items:
                self._db.executemany(codec.upsert, codec.encode(items))

    def _refresh_open(self, delta: Delta) -> None:
        invoices = {item.id for item in delta.invoices} | {item.invoice_id for item in delta.applications}
        invoices |= {item.invoice_id for item in delta.deposit_applications}
        for number in sorted(invoices):
            self._db.execute("delete from open_item where invoice_id = ?", (number,))
            self._db.execute(_OPEN_ITEMS.format(where="where i.id = :id"), {"id": number})
        touched: set[tuple[str, int]] = {("payment", item.id) for item in delta.payments} | {
            ("credit_memo", item.id) for item in delta.credit_memos
        }
        touched |= {(item.source_type, item.source_id) for item in delta.applications if item.source_type != "journal"}
        touched |= {(item.source_type, item.source_id) for item in delta.customer_refunds}
        touched |= {("payment", item.payment_id) for item in delta.debt_applications}
        touched |= {(item.record_type, item.record_id) for item in delta.deletions}
        for kind, table, amount in _CREDITS:
            sql = _OPEN_CREDITS.format(kind=kind, table=table, amount=amount, **_ONE)
            for number in sorted(source_id for source, source_id in touched if source == kind):
                self._db.execute("delete from open_credit where source_type = ? and source_id = ?", (kind, number))
                self._db.execute(sql, {"id": number})

    # -- reading

    def all(self, record: type[Record], where: str = "", parameters: tuple[Any, ...] = ()) -> list[Record]:
        """Records in id order; `where` continues `select ... from <table> t`, joins allowed."""
        codec = self._by_record[record]
        order = "" if "order by" in where or codec.kind == "deletions" else " order by t.id"
        with self.lock:
            rows = self._db.execute(f"{codec.select} {where}{order}", parameters).fetchall()
        return [codec.decode(row) for row in rows]

    def one(self, record: type[Record], number: int) -> Record:
        """Raises KeyError when there is no such record."""
        found = self.all(record, "where t.id = ?", (number,))
        if not found:
            raise KeyError(f"the world has no {record.__name__} {number}")
        return found[0]

    def rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self.lock:
            return self._db.execute(sql, parameters).fetchall()

    def changed_after(self, second: int) -> Delta:
        """Every record stamped later than the Unix second; for projecting again what may not have arrived."""
        delta = Delta()
        for kind, codec in self._codecs.items():
            stamp = "deleted_at" if kind == "deletions" else "updated_at"
            if stamp in codec.names:
                getattr(delta, kind).extend(self.all(codec.record, f"where t.{stamp} > ?", (second,)))
        return delta
