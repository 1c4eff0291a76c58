"""Every query that the documentation shows runs on a published snapshot and finds something to show.

A query that finds nothing in a company with every kind of document has lost its meaning.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arsync_pipelines.bootstrap import PROJECT_ROOT
from arsync_pipelines.services.publish import functions
from arsync_pipelines.warehouse.duckdb import DuckDbWarehouse
from tests.integration.dbt import company
from tests.integration.dbt.raw import RawWarehouse

pytestmark = pytest.mark.slow

PAGES = [
    PROJECT_ROOT / "docs" / "howto" / "query-receivables.md",
    PROJECT_ROOT / "docs" / "howto" / "connect-stripe.md",
    PROJECT_ROOT / "docs" / "howto" / "prove-receivables.md",
]
BLOCK = re.compile(r"^## (?P<heading>.+?)$|^```sql\n(?P<sql>.*?)^```", re.MULTILINE | re.DOTALL)


USD, JPY, BHD, EUR = "USD", "JPY", "BHD", "EUR"
INC, KK, WLL = "Acme Inc", "Acme KK", "Acme WLL"
ANSWERS: list[tuple[str, int, str, list[tuple[Any, ...]]]] = [
    ("Who owes what", 0, "currency open_balance_amount overdue_balance_amount unapplied_amount", [
        # 1,392.08 USD and 123,457 JPY at 0.0065; sister companies owe nothing that anybody collects
        (USD, "2194.55", "1664.54", -60), (USD, 33, 33, 0), (BHD, "10.125", 0, 0), (EUR, 0, 0, 0), (EUR, 0, 0, 0),
        (USD, 0, 0, 0),
    ]),
    ("Who owes what", 1, "legal_entity currency current_amount days_1_30_amount days_31_60_amount days_61_90_amount "
     "days_91_plus_amount unapplied_amount open_balance_amount", [
        (INC, USD, "590.01", "350.02", "200.02", "212.02", "100.01", -60, "1392.08"), (INC, USD, 0, 33, 0, 0, 0, 0, 33),
        (KK, JPY, 0, 123457, 0, 0, 0, 0, 123457), (WLL, BHD, "10.125", 0, 0, 0, 0, 0, "10.125"),
    ]),
    ("Aging of the company", 0, "legal_entity currency bucket items open_amount", [
        (INC, USD, "unapplied", 2, -60), (INC, USD, "current", 3, "590.01"), (INC, USD, "1-30", 4, "383.02"),
        (INC, USD, "31-60", 2, "200.02"), (INC, USD, "61-90", 3, "212.02"), (INC, USD, "91+", 1, "100.01"),
        (KK, JPY, "1-30", 1, 123457), (WLL, BHD, "current", 1, "10.125"), (INC, EUR, "intercompany", 1, 200),
        ("Eliminations", USD, "intercompany", 1, -150),
    ]),
    ("The oldest overdue invoices", 0, "number item_number days_past_due open_amount", [
        ("CustInvc-18", 1, 91, "100.01"), ("CustInvc-17", 1, 90, "100.01"), ("CustInvc-97", 1, 72, 12),
        ("CustInvc-16", 1, 61, "100.01"), ("CustInvc-15", 1, 60, "100.01"), ("CustInvc-14", 1, 31, "100.01"),
        ("CustInvc-13", 1, 30, "100.01"), ("CustInvc-95", 1, 29, 33), ("CustInvc-20", 2, 16, 150),
        ("CustInvc-70", 1, 1, 123457), ("CustInvc-12", 1, 1, "100.01"),
    ]),
    ("The life of one invoice", 0, "business_date amount counter_document_id", [
        (date(2026, 5, 1), 1000, None), (date(2026, 6, 20), -400, "erp:21"), (date(2026, 6, 21), -50, "erp:22"),
    ]),
    # an invoice that was written off in June, and eight that fell due from April on; not the one that came in July
    ("What did a customer owe us on 31 March, and what did we know on 2 April?", 1,
     "document_id days_past_due open_amount", [
        ("erp:50", 59, 70), *((f"erp:{n}", past, "100.01") for n, past in zip(
            range(11, 19), (-92, -91, -62, -61, -32, -31, -2, -1), strict=True
        )),
    ]),
    ("What have we learned of that day since?", 0, "document_id currency as_known_then as_known_now", [
        ("erp:97", USD, 0, 12),
    ]),
    ("Cash that is not applied", 2, "month currency items unapplied older_than_90_days", [
        (date(2026, 6, 1), USD, 2, -60, 0), (date(2026, 7, 1), USD, 2, -60, 0),
    ]),
    # (40 days x 1,000 + 10 days x 500) / 1,500
    ("How long customers take", 0, "average_days_to_pay last_payment_date last_payment_amount currency", [
        (30, date(2026, 6, 11), 500, EUR), (10, date(2026, 6, 20), 400, USD),
    ]),
    ("A group of companies", 0, "currency group_open_balance", [
        (BHD, "10.125"), (USD, "2194.55"), (USD, "2194.55"), (USD, 33),
    ]),
    ("Promises, disputes, credit", 0,
     "currency credit_limit_amount open_balance_amount is_over_limit is_on_credit_hold", [
        (EUR, None, 0, False, True),
    ]),
]  # fmt: skip
"""Heading, which of its queries, columns, and the rows that the small company's books come to, worked out by hand."""


def queries() -> list[tuple[str, str]]:
    """(heading, SQL) of every block of SQL, in order."""
    found, heading = [], ""
    for page in PAGES:
        for match in BLOCK.finditer(page.read_text(encoding="utf-8")):
            heading = match["heading"] or heading
            if match["sql"]:
                found.append((f"{page.stem}: {heading}", match["sql"]))
    return found


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The small company, built and published: published_tables decides what a reader sees."""
    folder = tmp_path_factory.mktemp("queries")
    raw = RawWarehouse(folder / "warehouse.duckdb")
    raw.create(company.AS_OF)
    raw.loaded_at = datetime(2026, 4, 1, 12)
    books = company.write(raw)
    # in July, March gets an invoice that nobody knew of in April
    raw.loaded_at = datetime(2026, 7, 1, 5)
    books.document("97", "CustInvc", "2026-03-20", "1", "1", "1", "12.00", due="2026-04-20")
    # a CRM hierarchy, and a charge that the ERP does not know
    company.account(raw, "001A", erp="C0001", parent_id="001D")
    raw.add(
        "raw_stripe__charge", "card", id="ch_2", amount=500, amount_captured=500, amount_refunded=0, currency="usd",
        status="succeeded", paid=True, captured=True, created=1782000000,
    )  # fmt: skip
    raw.execute(
        "insert into raw_arsync__push_attempt values (1, 1, 'crm', 'invoice', 'erp:97', 'deliver', 'acknowledged', "
        "null, '', '2026-07-01 05:10:00', '2026-07-01 05:10:01', '2026-07-01 05:10:02')"
    )
    raw.execute(
        "insert into raw_arsync__sync values ('r', 'erp', 'term', 'begun', null, 0, 0, '2026-07-01 05:00:00'), "
        "('r', 'erp', 'term', 'failed', 'SourceUnreachable', 0, 0, '2026-07-01 05:00:09')"
    )
    raw.execute(
        "insert into raw_arsync__case values ('c1', 'f', 'push', 'open', 'business', 'DUP', 'salesforce', 'crm', "
        "'invoice', 'erp:97', null, 'erp:1', null, 'US', 'INV-97', 'USD', 'sales_operations', null, 'x', '12.00', 1, "
        "'2026-07-01', '2026-07-01', '2026-07-01', '2026-07-02', null)"
    )
    raw.dbt("build", "--resource-type", "model", "--resource-type", "seed")
    warehouse = DuckDbWarehouse(raw.path, folder / "snapshots")
    with warehouse.writing():
        tables = [
            row["table_name"]
            for row in warehouse.query("select table_name from information_schema.tables where table_schema = 'main'")
            if re.match(r"(dim|fct|bridge|ar|recon|sync)_", row["table_name"]) and "__seen" not in row["table_name"]
        ]
        return warehouse, warehouse.publish(tables, {}, functions(warehouse, tables))


def test_there_are_queries() -> None:
    assert len(queries()) > 10


@pytest.mark.parametrize(("heading", "sql"), queries(), ids=[heading for heading, _ in queries()])
def test_a_documented_query_finds_something(heading: str, sql: str, snapshot: Any) -> None:
    warehouse, published = snapshot
    assert warehouse.query_snapshot(published, sql), f"{heading} finds nothing"


@pytest.mark.parametrize(("heading", "number", "columns", "rows"), ANSWERS, ids=[f"{a[0]} {a[1]}" for a in ANSWERS])
def test_the_answer_is_what_the_books_come_to(
    heading: str, number: int, columns: str, rows: list[tuple[Any, ...]], snapshot: Any
) -> None:
    warehouse, published = snapshot
    sql = [sql for found, sql in queries() if found == f"query-receivables: {heading}"][number]
    answer = [tuple(row[column] for column in columns.split()) for row in warehouse.query_snapshot(published, sql)]
    assert sorted(map(_plain, answer)) == sorted(map(_plain, rows))


def _plain(row: tuple[Any, ...]) -> tuple[str, ...]:
    """A row as text, numbers without zeros at their end."""
    numbers = [Decimal(v) if re.fullmatch(r"-?\d+\.\d+", str(v)) else v for v in row]
    return tuple(
        format(Decimal(v).normalize(), "f") if isinstance(v, int | Decimal) and not isinstance(v, bool) else str(v)
        for v in numbers
    )


def test_the_documented_path_is_the_snapshot(snapshot: Any) -> None:
    _warehouse, published = snapshot
    current: Path = published.path.parent.parent / "current" / "arsync.duckdb"
    assert current.resolve() == published.path.resolve()
