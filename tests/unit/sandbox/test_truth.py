"""The truth, worked out by hand on a company small enough to do so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest

from arsync_pipelines.sandbox.core.world.company import base_delta
from arsync_pipelines.sandbox.core.world.documents import Documents
from arsync_pipelines.sandbox.core.world.parties import Buyer, Ids
from arsync_pipelines.sandbox.core.world.positions import bucket, one_year_before, open_instalments
from arsync_pipelines.sandbox.core.world.records import CrmAccount, Deletion, ErpCustomer, Invoice, InvoiceLine, Party
from arsync_pipelines.sandbox.core.world.store import WorldStore
from arsync_pipelines.sandbox.core.world.truth import ACCOUNT_FIELDS, Truth, convert, half_up, money

D = date(2026, 7, 1)
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
US, JAPAN = 1, 4


class Company:
    """One party with ERP customers 1 (USD, Net 30) and 2 (JPY, instalments), its account 1 and a duplicate 2."""

    def __init__(self, path: Path, *, both: bool = True) -> None:
        self.store = WorldStore(path)
        self.documents = Documents(Random(1), Ids())
        delta = self.documents.delta = base_delta()
        at = EPOCH
        delta.parties.append(Party(1, "Acme Inc.", "US", "", "", "", "", "", "", "", "12-3456789", None, at, at))
        delta.erp_customers.append(
            ErpCustomer(1, "C1000001", 1, US, "USD", 1, 1_000_000, False, False, None, at, at),
        )
        if both:
            delta.erp_customers.append(
                ErpCustomer(2, "C1000002", 1, JAPAN, "JPY", 6, None, True, False, None, at, at),
            )
        for number, typed, primary in ((1, "C1000001", True), (2, "", False)):
            delta.crm_accounts.append(
                CrmAccount(number, 1, "Acme", None, 1, typed, "", primary, "US", "", "", "", "", "", "", "USD", at, at)
            )
        self.usd = Buyer(1, US, "USD", "US", 1, None, 0.0)
        self.yen = Buyer(2, JAPAN, "JPY", "US", 6, None, 0.0)

    def invoice(self, buyer: Buyer, on: date, total: int, *instalments: tuple[date, int]) -> Invoice:
        made = self.documents.invoice(buyer, on.toordinal())
        made.lines, made.total = (InvoiceLine("Goods", 1, total, 0),), total
        made.instalments = instalments or ((made.due_date, total),)
        made.due_date = made.instalments[-1][0]
        return made

    def pay(self, buyer: Buyer, on: date, amount: int, *applied: tuple[Invoice, int]) -> None:
        payment = self.documents.payment(buyer, on.toordinal(), amount, "wire")
        for invoice, part in applied:
            self.documents.apply(payment, invoice, part)

    def truth(self, as_of: date = D) -> Truth:
        self.store.append(self.documents.delta)
        self.store.finish()
        return Truth(self.store, as_of)


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    made = Company(tmp_path / "world.db")
    yield made
    made.store.close()


@pytest.fixture
def dollars(tmp_path: Path) -> Iterator[Company]:
    made = Company(tmp_path / "world.db", both=False)
    yield made
    made.store.close()


def primary(truth: Truth) -> dict[str, Any]:
    return truth.accounts[0]


def status(truth: Truth) -> list[tuple[str, str | None, str | None]]:
    return [(row["status"], row["open_amount"], row["aging_bucket"]) for row in truth.invoices]


def test_balances_of_each_bucket(dollars: Company) -> None:
    for due, amount in (
        (D, 100),
        (date(2026, 6, 30), 1),
        (date(2026, 6, 1), 20),
        (date(2026, 5, 31), 300),
        (date(2026, 5, 2), 4_000),
        (date(2026, 5, 1), 50_000),
        (date(2026, 4, 2), 600_000),
        (date(2026, 4, 1), 7_000_000),
    ):
        dollars.invoice(dollars.usd, date(2026, 3, 1), amount, (due, amount))
    account = primary(dollars.truth())
    assert {name: account[name] for name in ACCOUNT_FIELDS if name.startswith(("current", "days"))} == {
        "current": "1.00",
        "days_1_30": "0.21",
        "days_31_60": "43.00",
        "days_61_90": "6500.00",
        "days_91_plus": "70000.00",
    }
    assert account["open_balance"] == "76544.21"
    assert account["overdue_balance"] == "76543.21"
    assert account["oldest_due_date"] == "2026-04-01"
    assert account["credit_limit"] == "10000.00"
    assert account["credit_available"] == "-66544.21"


def test_instalments_are_settled_oldest_first(dollars: Company) -> None:
    first, second = (date(2026, 6, 20), 500), (date(2026, 7, 20), 500)
    invoice = dollars.invoice(dollars.usd, date(2026, 5, 20), 1000, first, second)
    dollars.pay(dollars.usd, date(2026, 6, 25), 600, (invoice, 600))
    truth = dollars.truth()
    assert status(truth) == [("partially_paid", "4.00", "current")]
    assert status(Truth(dollars.store, date(2026, 6, 24))) == [("overdue", "10.00", "1-30")]
    assert primary(truth)["oldest_due_date"] == "2026-07-20"


def test_a_void_counts_from_its_journals_date(dollars: Company) -> None:
    invoice = dollars.invoice(dollars.usd, date(2026, 6, 1), 1000)
    dollars.documents.void(invoice, date(2026, 6, 10).toordinal())
    assert status(dollars.truth()) == [("void", "0.00", None)]
    assert status(Truth(dollars.store, date(2026, 6, 9))) == [("open", "10.00", "current")]
    assert Truth(dollars.store, date(2026, 5, 31)).invoices == []


def test_a_write_off_and_the_order_of_statuses(dollars: Company) -> None:
    gone = dollars.invoice(dollars.usd, date(2026, 1, 1), 1000)
    dollars.pay(dollars.usd, date(2026, 2, 1), 900, (gone, 900))
    dollars.documents.write_off(gone, date(2026, 6, 1).toordinal(), 100)
    argued = dollars.invoice(dollars.usd, date(2026, 1, 2), 1000)
    argued.disputed_amount = 2_000
    paid = dollars.invoice(dollars.usd, date(2026, 1, 3), 1000)
    dollars.pay(dollars.usd, date(2026, 2, 2), 1000, (paid, 1000))
    truth = dollars.truth()
    assert status(truth) == [("written_off", "0.00", None), ("disputed", "10.00", "91+"), ("paid", "0.00", None)]
    # no more is disputed than is open
    assert primary(truth)["disputed"] == "10.00"
    # the written off one does not count as paid
    assert primary(truth)["average_days_to_pay"] == "30.0"


def test_unapplied_money_stands_apart_and_ends_with_a_refund(dollars: Company) -> None:
    invoice = dollars.invoice(dollars.usd, date(2026, 6, 1), 1000)
    dollars.pay(dollars.usd, date(2026, 6, 10), 1500, (invoice, 1000))
    memo = dollars.documents.credit_memo(dollars.usd, date(2026, 6, 12).toordinal(), 300)
    dollars.documents.refund(memo, date(2026, 6, 28).toordinal(), 300)
    truth = dollars.truth()
    assert (primary(truth)["unapplied"], primary(truth)["open_balance"]) == ("-5.00", "-5.00")
    assert primary(Truth(dollars.store, date(2026, 6, 27)))["unapplied"] == "-8.00"
    assert [row["difference"] for row in truth.tieout] == ["0.00"]


def test_an_application_counts_from_its_own_date(dollars: Company) -> None:
    payment = dollars.documents.payment(dollars.usd, date(2026, 6, 1).toordinal(), 1000, "wire")
    invoice = dollars.invoice(dollars.usd, date(2026, 6, 20), 1000)
    dollars.documents.apply(payment, invoice, 1000)
    assert status(dollars.truth()) == [("paid", "0.00", None)]
    assert primary(Truth(dollars.store, date(2026, 6, 19)))["unapplied"] == "-10.00"


def test_a_deleted_document_never_was(dollars: Company) -> None:
    dollars.pay(dollars.usd, date(2026, 6, 10), 1500)
    dollars.documents.delta.deletions.append(Deletion("payment", 1, "PMT", EPOCH))
    truth = dollars.truth()
    assert primary(truth)["unapplied"] == "0.00"
    assert primary(truth)["last_payment_date"] is None
    assert truth.tieout[0]["difference"] == "0.00"


def test_an_account_over_two_currencies_is_converted_part_by_part(company: Company) -> None:
    company.invoice(company.usd, date(2026, 6, 15), 10_050)
    company.invoice(company.yen, date(2026, 5, 1), 1_001, (date(2026, 5, 31), 500), (date(2026, 7, 30), 501))
    company.pay(company.usd, date(2026, 6, 20), 25)
    company.pay(company.yen, date(2026, 6, 21), 100)
    truth = company.truth()
    account = primary(truth)
    assert account["currency"] == "USD"
    # 500 yen = 3.35, 501 yen = 3.3567, 100 yen = 0.67
    assert (account["days_31_60"], account["current"], account["unapplied"]) == ("3.35", "103.86", "-0.92")
    assert account["open_balance"] == "106.29"
    assert (account["last_payment_date"], account["last_payment_amount"]) == ("2026-06-21", "0.67")
    assert account["payment_terms"] == "50/50 in 30 and 60; Net 30"
    assert account["credit_hold"] is True
    assert account["erp_customer_id"] == "C1000001"
    assert [(row["currency"], row["open_balance"], row["credit_limit"]) for row in truth.balances] == [
        ("USD", "100.25", "10000.00"),
        ("JPY", "901", None),
    ]
    assert [row["aging_bucket"] for row in truth.invoices] == ["current", "31-60"]


def test_only_the_primary_account_shows_anything(company: Company) -> None:
    truth = company.truth()
    assert truth.accounts[1] == {"world_id": 2, "name": "Acme", "party_id": 1, **dict.fromkeys(ACCOUNT_FIELDS)}
    assert truth.parties[0]["primary_account_id"] == 1
    assert truth.parties[0]["erp_numbers"] == ["C1000001", "C1000002"]


def test_days_to_pay_are_weighted_by_amount_over_twelve_months(dollars: Company) -> None:
    for on, paid_on, amount in (
        (date(2026, 6, 1), date(2026, 6, 11), 100),
        (date(2026, 5, 1), date(2026, 5, 31), 300),
        (date(2025, 5, 1), date(2025, 7, 1), 1_000_000),
    ):
        invoice = dollars.invoice(dollars.usd, on, amount)
        dollars.pay(dollars.usd, paid_on, amount, (invoice, amount))
    assert primary(dollars.truth())["average_days_to_pay"] == "25.0"


@pytest.mark.parametrize(
    ("days", "index"), [(-5, 0), (0, 0), (1, 1), (30, 1), (31, 2), (60, 2), (61, 3), (90, 3), (91, 4), (900, 4)]
)
def test_bucket_edges(days: int, index: int) -> None:
    assert bucket(days) == index


def test_small_parts() -> None:
    assert open_instalments([(2, 50), (1, 50)], 70) == [(2, 30)]
    assert one_year_before(date(2024, 2, 29)) == date(2023, 2, 28)
    assert [half_up(Fraction(n, 2)) for n in (1, -1, 3, 4)] == [1, -1, 2, 2]
    assert convert(1, "JPY", "USD") == 1
    assert convert(125, "EUR", "USD") == 135
    assert [money(-5, "USD"), money(-5, "JPY"), money(123456, "EUR"), money(None, "USD")] == [
        "-0.05",
        "-5",
        "1234.56",
        None,
    ]


def test_functional_balances_at_the_rates_of_the_documents(dollars: Company) -> None:
    """100.00 EUR at 1.08145, paid in three at 1.1, 1.07 and its own rate; and 50.00 EUR at 1.08 that stay open."""
    euros = Buyer(1, US, "EUR", "US", 1, None, 0.0)
    invoice = dollars.invoice(euros, date(2026, 5, 1), 10_000)
    invoice.exchange_rate = 1.08145
    for day, amount, rate in ((10, 3_333, 1.1), (12, 3_333, 1.07), (20, 3_334, 1.08145)):
        dollars.pay(euros, date(2026, 6, day), amount, (invoice, amount))
        dollars.documents.delta.payments[-1].exchange_rate = rate
    dollars.invoice(euros, date(2026, 6, 5), 5_000).exchange_rate = 1.08
    # realised 0.62 - 0.38, and a cent that rounding leaves when the first is paid whole
    assert dollars.truth().tieout_functional == [
        {"legal_entity": "Meridian Industries Inc.", "currency": "USD", "gl_control": "54.00", "realised": "0.23"}
    ]
    # after the first payment: 108.15 + 54.00 - 36.66 + 0.62
    (early,) = Truth(dollars.store, date(2026, 6, 11)).tieout_functional
    assert (early["gl_control"], early["realised"]) == ("126.11", "0.62")
