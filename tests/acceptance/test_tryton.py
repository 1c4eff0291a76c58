"""A real Tryton as the ERP, by configuration only: its own reports equal what is published and what the CRM shows.

On each kind of database the tests share one installation and build upon each other. The long form, four hundred
invoices, is `arsync bench tryton`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal

import pytest

from tests.conftest import told
from tests.fixtures.acceptance import crm
from tests.fixtures.acceptance_tryton import TrytonBooks, tryton_installation
from tests.fixtures.postgres import postgres
from tests.fixtures.tryton_reports import DAYS, HORIZON, compared

__all__ = ["postgres"]
pytestmark = pytest.mark.slow(shares="a company in Tryton")

Record = Callable[[str, object], None]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def books(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrytonBooks]:
    server = request.getfixturevalue("postgres") if request.param == "postgres" else None
    with tryton_installation(tmp_path_factory.mktemp("tryton"), server) as books:
        yield books


def assert_agrees_with_tryton(books: TrytonBooks, record_property: Record) -> None:
    """For six days: items, buckets per customer, balances; and of how many customers that needs no translation."""
    days = list(compared(books, DAYS))
    for day in days:
        record_property(told(f"Beside the reports of a real Tryton on {books.database}"), day.line)
    assert [difference for day in days for difference in day.differences] == []
    told_apart = ", ".join(day.line for day in days)
    assert all(day.direct_customers for day in days), f"a day without a figure as published: {told_apart}"
    share = sum(day.direct_customers for day in days) / sum(day.customers for day in days)
    assert share >= 0.2, f"hardly a customer whose figures need no translation: {told_apart}"


def assert_crm_shows_tryton(books: TrytonBooks, day: date) -> None:
    """Each customer's balance per currency as the server's own database has it, on the CRM's records."""
    expected = {key: amount for key, amount in books.open_by_currency(day).items() if amount}
    shown = {
        (row["erp_customer_id"], row["currency"]): Decimal(str(row["open_balance"]))
        for row in crm(books.scene, "ar_account_balance")
        if Decimal(str(row["open_balance"] or 0))
    }
    assert shown == expected and len(shown) > 5
    accounts = {row["erp_customer_id"]: row for row in crm(books.scene, "account") if row["open_balance"] is not None}
    by_customer: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for (code, currency), amount in expected.items():
        by_customer[code][currency] = amount
    alone = {code: each for code, each in by_customer.items() if set(each) == {accounts[code]["currency"]}}
    assert len(alone) > 5
    for code, each in alone.items():
        assert Decimal(str(accounts[code]["open_balance"])) == each[accounts[code]["currency"]], code


def assert_dunned(books: TrytonBooks) -> None:
    """Dunnings of the real ERP, each of an invoice that we know, and none running of one that is settled."""
    dunned = books.scene.published("select * from fct_dunning")
    assert dunned and {row["dunning_procedure"] for row in dunned} == {"Reminders"}
    known = {row["invoice_id"] for row in books.scene.published("select invoice_id from fct_invoice")}
    assert {row["invoice_id"] for row in dunned} <= known
    assert all(row["open_amount"] > 0 for row in dunned if row["paused_by"] != "settled")


def assert_foots(books: TrytonBooks) -> None:
    rows = books.scene.published("select * from recon_gl_control")
    assert {row["difference"] for row in rows} == {0}
    assert sum(1 for row in rows if row["gl_control"]) >= 2


def test_the_main_job_takes_tryton_for_the_erp(books: TrytonBooks) -> None:
    report = books.scene.sync("--as-of", HORIZON.isoformat())
    assert report["checks"]["failed"] == []
    assert all(pushed["planned"] == pushed["acknowledged"] for pushed in report["push"].values())
    assert {name.split("__", 1)[1]: pushed["planned"] > 10 for name, pushed in report["push"].items()}["invoice"]
    assert_foots(books)
    assert_crm_shows_tryton(books, HORIZON)


def test_aging_and_balances_equal_tryton_s_own_reports(books: TrytonBooks, record_property: Record) -> None:
    assert_agrees_with_tryton(books, record_property)


def test_after_business_and_a_merge_an_incremental_sync_agrees_again(
    books: TrytonBooks, record_property: Record
) -> None:
    told = books.tryton.script("life.py", "--seed", "11")
    last = DAYS[-1]
    report = books.scene.sync("--as-of", last.isoformat())
    assert report["checks"]["failed"] == []
    assert 0 < report["ingest"]["raw_tryton__move_line"]["rows_new"] < 60, "read anew instead of on"
    assert_foots(books)
    assert_dunned(books)
    assert_agrees_with_tryton(books, record_property)
    assert_crm_shows_tryton(books, last)
    merged = {
        row["source_customer_id"]: row["customer_id"]
        for row in books.scene.published("select * from bridge_customer_source")
    }
    assert merged[f"erp:{told['replaced']}"] == merged[f"erp:{told['replaced_by']}"]
