"""A real Tryton as the ERP, by configuration only: its own reports equal what is published and what the CRM shows.

The tests of this module share one installation and build upon each other. Long form: ARSYNC_TRYTON_INVOICES=400 and
ARSYNC_TRYTON_DATABASES="sqlite postgres".
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.fixtures.acceptance import crm
from tests.fixtures.acceptance_tryton import (
    BUCKETS,
    DATABASES,
    Buckets,
    Facts,
    Row,
    TrytonBooks,
    cents,
    placed,
    tryton_installation,
)
from tests.fixtures.postgres import postgres

__all__ = ["postgres"]
pytestmark = pytest.mark.slow

HORIZON = date(2025, 6, 30)
DAYS = [date(2024, 3, 31), date(2024, 7, 14), date(2024, 12, 31), date(2025, 3, 1), HORIZON, date(2025, 7, 31)]


@pytest.fixture(scope="module", params=DATABASES)
def books(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrytonBooks]:
    server = request.getfixturevalue("postgres") if request.param == "postgres" else None
    with tryton_installation(tmp_path_factory.mktemp("tryton"), server) as books:
        yield books


def assert_agrees_with_tryton(books: TrytonBooks) -> None:
    """For six days: our aging, item by item; the same told by Tryton's clock, per customer and bucket; balances."""
    facts, told, compared = books.facts(), books.oracle(DAYS), 0
    for day in DAYS:
        published = books.scene.published(f"select * from ar_aging(date '{day}')")
        ours = Counter((row["item_id"], row["due_date"], row["currency"], row["open_amount"]) for row in published)
        ledger = facts.aged(day, "application_date")
        assert ours == Counter((row["item_id"], row["due_date"], row["currency"], row["open"]) for row in ledger), day
        report = {facts.customers[f"erp:{party}"]: row for party, row in told[day]["aged"].items()}
        assert len(report) == len(told[day]["aged"]), "two parties are one customer"
        aged = {name: {b: cents(row[b]) for b in BUCKETS} for name, row in report.items()}
        aged = {name: row for name, row in aged.items() if any(row.values())}
        assert by_tryton_s_clock(facts, day) == aged, day
        compared += assert_directly_equal(facts, day, published, aged)
        assert_balances(facts, day, report, told[day])
    assert compared > 5, "hardly a customer whose figures need no translation"


def by_tryton_s_clock(facts: Facts, day: date) -> Buckets:
    """Our items aged by the dates of reconciliations, then told in the company's currency.

    Settled by that clock an item is open whole or not at all, line by line: its worth is that of its lines.
    """
    lines, worth = facts.standing(day), []
    amounts: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for line in lines:
        due = line["document_type"] == "invoice" and line["due_date"]
        amounts[line["document_id"], line["currency"], due] += line["amount"]
        worth.append((facts.customers[line["source_customer_id"]], line["due_date"], line["functional_amount"]))
    opened: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for item in facts.aged(day, "reconciled_date"):
        due = item["item_type"] == "invoice" and item["due_date"]
        opened[item["document_id"], item["currency"], due] += item["open"]
    assert opened == {key: amount for key, amount in amounts.items() if amount}, day
    return placed(worth, day)


def assert_directly_equal(facts: Facts, day: date, published: list[Row], report: Buckets) -> int:
    """Customers billed in the company's currency with nothing paid but not reconciled: equal as published.

    Unapplied payments and credits, which stand in a column of their own, are Tryton's by their own date; a credit note
    in instalments, of which Tryton knows a date each, takes its customer out.
    """
    dates = {line["document_id"]: line["due_date"] for line in facts.lines}
    translated = {facts.customers[line["source_customer_id"]] for line in facts.lines if line["currency"] != "USD"}
    for line in facts.lines:
        if line["document_type"] == "credit_memo" and line["due_date"] != dates[line["document_id"]]:
            translated.add(facts.customers[line["source_customer_id"]])
    for application in facts.applications:
        reconciled = application["reconciled_date"]
        if application["application_date"] <= day and not (reconciled and reconciled <= day):
            translated.add(facts.customers[application["source_customer_id"]])
    shown = [
        (
            row["customer_id"],
            row["due_date"] if row["bucket"] != "unapplied" else dates[row["document_id"]],
            row["open_amount"],
        )
        for row in published
        if row["customer_id"] not in translated
    ]
    ours = placed(shown, day)
    assert ours == {name: row for name, row in report.items() if name not in translated}, day
    return len(ours)


def assert_balances(facts: Facts, day: date, report: dict[str, Any], told: dict[str, Any]) -> None:
    """Balances per customer and the control account, whatever was applied to what."""
    balances: dict[str, Decimal] = defaultdict(Decimal)
    for line in facts.lines:
        if line["posted_date"] <= day:
            balances[facts.customers[line["source_customer_id"]]] += line["functional_amount"]
    expected = {name: cents(row["balance"]) for name, row in report.items()}
    assert {n: b for n, b in balances.items() if b} == {n: b for n, b in expected.items() if b}, day
    assert sum(balances.values()) == sum(cents(amount) for amount in told["ledger"].values()), day
    if all(line["posted_date"] <= day for line in facts.lines):
        receivable: dict[str, Decimal] = defaultdict(Decimal)
        for party, amount in told["receivable"].items():
            receivable[facts.customers[f"erp:{party}"]] += cents(amount)
        assert {n: b for n, b in receivable.items() if b} == {n: b for n, b in balances.items() if b}, day


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


def test_aging_and_balances_equal_tryton_s_own_reports(books: TrytonBooks) -> None:
    assert_agrees_with_tryton(books)


def test_after_business_and_a_merge_an_incremental_sync_agrees_again(books: TrytonBooks) -> None:
    told = books.tryton.script("life.py", "--seed", "11")
    last = DAYS[-1]
    report = books.scene.sync("--as-of", last.isoformat())
    assert report["checks"]["failed"] == []
    assert 0 < report["ingest"]["raw_tryton__move_line"]["rows_new"] < 60, "read anew instead of on"
    assert_foots(books)
    assert_dunned(books)
    assert_agrees_with_tryton(books)
    assert_crm_shows_tryton(books, last)
    merged = {
        row["source_customer_id"]: row["customer_id"]
        for row in books.scene.published("select * from bridge_customer_source")
    }
    assert merged[f"erp:{told['replaced']}"] == merged[f"erp:{told['replaced_by']}"]
