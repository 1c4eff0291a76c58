"""Every query that the documentation shows runs on a published snapshot and finds something to show.

A query that finds nothing in a company with every kind of document has lost its meaning.
"""

from __future__ import annotations

import re
from datetime import datetime
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


def test_the_documented_path_is_the_snapshot(snapshot: Any) -> None:
    _warehouse, published = snapshot
    current: Path = published.path.parent.parent / "current" / "arsync.duckdb"
    assert current.resolve() == published.path.resolve()
