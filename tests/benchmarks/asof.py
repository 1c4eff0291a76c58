"""Receivables of past days as known at past times, asked of a published snapshot: for all customers and for one.

The small company is built by dbt, so that tables, views and functions are the real ones; then the ledger's rows are
made by SQL: two thirds of the invoices paid in full or in half, one in twenty on three instalments, one in a hundred
posted back and corrected later, a few customers merged into one. Three ledger lines an invoice.

    arsync bench asof
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from arsync_pipelines.ports.warehouse import Snapshot
from arsync_pipelines.services.publish import functions
from arsync_pipelines.warehouse.duckdb import DuckDbWarehouse
from tests.benchmarks.report import Target, main
from tests.integration.dbt import company
from tests.integration.dbt.asking import ASKED
from tests.integration.dbt.raw import RawWarehouse

SIZES = {"100k": 100_000, "1m": 1_000_000, "3m": 3_000_000}
TARGETS = (Target("all_customers_s_1m", at_most=2), Target("one_customer_ms_1m", at_most=200))
QUESTIONS: Sequence[tuple[date | None, datetime | None]] = (
    (None, None),
    (date(2026, 6, 30), datetime(2026, 7, 2)),
    (date(2026, 3, 31), datetime(2026, 4, 2)),
    (date(2026, 3, 31), None),
    (date(2025, 12, 31), datetime(2026, 1, 15)),
    (date(2025, 6, 30), datetime(2025, 7, 1)),
)
CUSTOMERS_ASKED = 12
_EVER, _NEVER, _MERGED = "timestamp '0001-01-01'", "timestamp '9999-12-31'", "timestamp '2026-02-01'"


def run(scale: float = 1.0) -> dict[str, Any]:
    """For each size: invoices, ledger lines, seconds of the publish and of the slowest question of each kind."""
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as text:
        raw = RawWarehouse(Path(text) / "warehouse.duckdb")
        raw.create(company.AS_OF)
        company.write(raw)
        raw.dbt("build", "--resource-type", "model", "--resource-type", "seed", "--select", *(f"+{t}" for t in ASKED))
        for name, invoices in SIZES.items():
            figures |= {f"{k}_{name}": v for k, v in measured(raw.path, max(1000, int(invoices * scale))).items()}
    return figures


def measured(path: Path, invoices: int) -> dict[str, Any]:
    """The figures of one size. `path`: a built warehouse, whose ledger is replaced by one of that many invoices."""
    lines = _fill(path, invoices)
    warehouse = DuckDbWarehouse(path, path.parent / "snapshots", keep=2, memory_limit="4GB")
    started = time.perf_counter()
    with warehouse.writing():
        snapshot = warehouse.publish(ASKED, {}, functions(warehouse, ASKED))
    published = time.perf_counter() - started
    return {"invoices": invoices, "events": lines, "publish_s": round(published, 1), **_ask(snapshot, invoices)}


def _ask(snapshot: Snapshot, invoices: int) -> dict[str, Any]:
    """The slowest of all questions of a kind; the first of them reads the file for the first time."""
    with duckdb.connect(snapshot.path, read_only=True, config={"threads": 2}) as db:
        one = [
            _seconds(db, "select * from ar_aging_of_customer(?, ?, ?)", [f"netsuite:{customer}", *question])
            for customer in range(1, _customers(invoices), _customers(invoices) // CUSTOMERS_ASKED)
            for question in QUESTIONS
        ]
        every = "create or replace temp table answer as from {}(?, ?)"
        items = [_seconds(db, every.format("ar_aging"), question) for question in QUESTIONS]
        totals = [_seconds(db, every.format("ar_aging_by_customer"), question) for question in QUESTIONS]
        balances = [_seconds(db, every.format("ar_balance"), question) for question in QUESTIONS]
    return {
        "all_customers_s": round(max(*items, *totals), 2),
        "by_customer_s": round(max(totals), 2),
        "balance_s": round(max(balances), 2),
        "one_customer_ms": round(max(one) * 1000),
        "one_customer_median_ms": round(sorted(one)[len(one) // 2] * 1000),
    }


def _seconds(db: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any]) -> float:
    started = time.perf_counter()
    db.execute(sql, list(parameters)).fetchall()
    return time.perf_counter() - started


def _customers(invoices: int) -> int:
    return max(10, invoices // 20)


def _fill(path: Path, invoices: int) -> int:
    """Replace the ledger and the histories by those of `invoices` invoices; lines of the ledger."""
    customers = _customers(invoices)
    with duckdb.connect(path, config={"storage_compatibility_version": "latest"}) as db:
        for table in ("fct_receivable_event", "fct_receivable_item_history", "bridge_customer_history"):
            db.execute(f"truncate {table}")
        db.execute("update dim_legal_entity set time_zone = 'America/New_York'")
        # an invoice in a hundred is posted back by a quarter: known 90 days after its date
        db.execute(
            "create or replace temp table inv as select i, 'netsuite:' || i as document_id, "
            f"'netsuite:' || ((i % {customers}) + 1) as source_customer_id, date '2025-01-01' + (i % 540)::int as day, "
            "(((i * 7919) % 100000 + 100) / 100.0)::decimal(18, 2)::decimal(18, 4) as amount, "
            "day + interval 20 hour + if(i % 100 = 7, interval 90 day, interval 0 day) as known_at "
            f"from range(1, {invoices} + 1) t(i)"
        )
        db.execute(
            f"create or replace temp table pay as select 'netsuite:' || (i + {invoices}) as document_id, "
            "document_id as invoice_id, source_customer_id, day + 20 + (i % 40)::int as day, "
            "if(i % 10 = 0, (amount / 2)::decimal(18, 2)::decimal(18, 4), amount) as amount, "
            "greatest(day + interval 44 hour, known_at) as known_at from inv where i % 3 < 2"
        )
        line = "'erp:1' as legal_entity_id, 'USD' as currency, 0 as correction_number"
        posted = "document_id, 'posted:' || document_id as event_key, 'posted' as event_type, source_customer_id"
        applied = "'applied' as event_type, source_customer_id, day as business_date, known_at"
        db.execute(
            "insert into fct_receivable_event by name select event_key || ':0' as event_id, * from ("
            f"select {posted}, day as business_date, amount, known_at, {line} from inv "
            f"union all by name select {posted}, day as business_date, -amount as amount, known_at, {line} from pay "
            "union all by name select invoice_id as document_id, document_id as counter_document_id, "
            f"'debit:' || document_id as event_key, -amount as amount, {applied}, {line} from pay "
            "union all by name select document_id, invoice_id as counter_document_id, "
            f"'credit:' || document_id as event_key, amount, {applied}, {line} from pay)"
        )
        # and one in a hundred turned out to be half of what it was
        for kind, amount in (("reversed", "-amount"), ("posted", "(amount / 2)::decimal(18, 2)")):
            db.execute(
                "insert into fct_receivable_event by name select event_id || '!' as event_id, event_key, document_id, "
                f"'{kind}' as event_type, business_date, {amount} as amount, currency, legal_entity_id, "
                "source_customer_id, known_at + interval 30 day as known_at, 1 as correction_number "
                "from fct_receivable_event where event_type = 'posted' and correction_number = 0 and amount > 0 "
                "and hash(document_id) % 100 = 0"
            )
        common = (
            f"'erp:1' as legal_entity_id, 'USD' as currency, day as document_date, {_EVER} as known_at, "
            f"{_NEVER} as known_until, source_customer_id, document_id, document_id || ':' || n as item_id, "
            "document_id || ':' || n || '@0' as item_version_id, n::int as item_number"
        )
        db.execute(
            f"insert into fct_receivable_item_history by name select {common}, 'invoice' as item_type, "
            "parts::int as item_count, day + 30 * n::int as due_date, amount as document_amount, "
            "if(n < parts, third, amount - third * (parts - 1))::decimal(18, 4) as amount, "
            "(third * (n - 1))::decimal(18, 4) as amount_before from ("
            "select *, if(i % 20 = 3, 3, 1) as parts, if(i % 20 = 3, floor(amount / 3), 0)::decimal(18, 4) as third "
            "from inv), range(1, 4) x(n) where n <= parts"
        )
        db.execute(
            f"insert into fct_receivable_item_history by name select {common}, 'payment' as item_type, "
            "1 as item_count, day as due_date, -amount as document_amount, -amount as amount, 0 as amount_before "
            "from pay, range(1, 2) x(n)"
        )
        people = (
            "from (select 'netsuite:' || i as key, i % 100 = 50 and i < 500 as merged "
            f"from range(1, {customers} + 1) t(i))"
        )
        for version, customer, since, until, who in (
            ("0", "key", _EVER, f"if(merged, {_MERGED}, {_NEVER})", "true"),
            ("1", "'netsuite:1'", _MERGED, _NEVER, "merged"),
        ):
            db.execute(
                "insert into bridge_customer_history by name "
                f"select key || '@{version}' as source_customer_version_id, key as source_customer_id, "
                f"{customer} as customer_id, false as is_intercompany, "
                f"{since} as known_at, {until} as known_until {people} where {who}"
            )
        found = db.execute("select count(*) from fct_receivable_event").fetchone()
    return int(found[0]) if found else 0


if __name__ == "__main__":
    main("asof", run, TARGETS)
