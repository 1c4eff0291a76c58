"""Findings: bad data is found, with its amount and its owner, and harms no other figure; what is put right closes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.integration.dbt import company
from tests.integration.dbt.raw import RawWarehouse

pytestmark = pytest.mark.slow

AMOUNTS = "select * exclude (as_of_date) from ar_customer_summary where customer_id <> 'erp:5' order by all"


@pytest.fixture
def books(copied_company: company.Books) -> company.Books:
    """The small company, built once with nothing wrong in it."""
    return copied_company


def documents(raw: RawWarehouse) -> dict[str, dict[str, Any]]:
    """Open findings about documents."""
    rows = raw.rows("select * from recon_finding where check_name = 'recon_document' and closed_at is null")
    return {row["finding_id"]: row for row in rows}


def test_bad_documents_are_found_and_leave_other_figures_alone(books: company.Books) -> None:
    raw = books.raw
    assert documents(raw) == {}
    before = raw.rows(AMOUNTS)
    books.document("901", "CustInvc", "2026-06-01", "5", "1", "1", "10.00", due="2026-05-01")
    books.document("902", "CustPymt", "2026-06-02", "5", "1", "1", "50.00")
    books.link("901", "902", "12.00")
    raw.add("raw_netsuite__currency", "erp", id="9", symbol="XXQ", name="XXQ", currencyprecision="2")
    books.document("903", "CustInvc", "2026-06-01", "1", "1", "9", "77.00", due="2026-07-01")
    for key, customer, currency in (("o1", "erp:404", "USD"), ("o2", "erp:1", "XXQ"), ("o3", "erp:1", "USD")):
        raw.add(
            "raw_files__order", "extracts", order_id=key, customer_id=customer, order_date="2026-06-30",
            unbilled_amount="5.00", currency=currency, released=key != "o3",
        )  # fmt: skip
    raw.rebuild()

    found = documents(raw)
    assert {key: (row["finding"], row["amount"], row["owner"]) for key, row in found.items()} == {
        "due_before_date:erp:901:1": ("different", 10, "accounts_receivable"),
        "over_applied:erp:901": ("different", 2, "cash_application"),
        "unknown_currency:erp:903": ("extra", 77, "finance_systems"),
        "uncounted_order:extracts:o1": ("extra", 5, "finance_systems"),
        "uncounted_order:extracts:o2": ("extra", 5, "finance_systems"),
    }
    assert "erp:404" in found["uncounted_order:extracts:o1"]["detail"]
    assert "XXQ" in found["unknown_currency:erp:903"]["detail"]
    assert raw.rows(AMOUNTS) == before
    (row,) = raw.rows("select open_balance_amount from ar_customer_summary where customer_id = 'erp:5'")
    assert row["open_balance_amount"] == 33 + 10 - 50, "an overpaid invoice and the rest of its payment, to the cent"

    books.link("901", "902", "10.00")
    books.document("901", "CustInvc", "2026-06-01", "5", "1", "1", "10.00", due="2026-06-01")
    raw.add(
        "raw_files__order", "extracts", order_id="o1", customer_id="erp:1", order_date="2026-06-30",
        unbilled_amount="5.00", currency="USD", released=True,
    )  # fmt: skip
    raw.rebuild()
    assert set(documents(raw)) == {"unknown_currency:erp:903", "uncounted_order:extracts:o2"}


def test_a_posting_without_a_document_blocks_and_is_named(books: company.Books) -> None:
    raw = books.raw
    before = raw.rows(AMOUNTS)
    stamps = {"createddate": company.STAMP, "lastmodifieddate": company.STAMP}
    raw.add(
        "raw_netsuite__transaction", "erp", id="905", tranid="DEP-905", type="Deposit", trandate="2026-06-03",
        subsidiary="1", status="A", currency="1", exchangerate="1", foreigntotal="42.00", voided="F", isreversal="F",
        **stamps,
    )  # fmt: skip
    raw.add(
        "raw_netsuite__transaction_line", "erp", transaction="905", id="0", linesequencenumber="0", mainline="T",
        taxline="F", foreignamount="42", netamount="42", subsidiary="1", transaction_lastmodified=company.STAMP,
    )  # fmt: skip
    raw.add(
        "raw_netsuite__transaction_accounting_line", "erp", transaction="905", transactionline="0",
        account=company.CONTROL["1"], amount="42", posting="T", transaction_lastmodified=company.STAMP,
    )  # fmt: skip
    with pytest.raises(AssertionError, match="assert_aging_foots_to_ledgers"):
        raw.rebuild()
    (row,) = documents(raw).values()
    assert (row["finding_id"], row["finding"], row["amount"]) == ("posted_only:erp:905", "extra", 42)
    assert (row["owner"], row["legal_entity_id"], row["currency"]) == ("finance_systems", "erp:1", "USD")
    differences = {r["gl_control_id"]: r["difference"] for r in raw.rows("select * from recon_gl_control")}
    assert differences.pop("erp:1:USD") == differences.pop("erp:1:USD:functional") == 42
    assert set(differences.values()) == {Decimal(0)}
    found = raw.rows("select * from recon_finding where check_name = 'recon_gl_control' and closed_at is null")
    ties = {(tie["amount"], tie["business_key"]) for tie in found}
    assert ties == {(42, "erp:1:USD"), (42, "erp:1:USD:functional")}
    assert raw.rows(AMOUNTS) == before

    raw.add("raw_netsuite__deleted_record", "erp", type="Deposit", recordid="905", deleteddate="2026-07-01 01:00:00")
    raw.rebuild()
    assert documents(raw) == {}


def test_an_invoice_whose_type_nobody_knows_blocks_and_is_named(books: company.Books) -> None:
    """Nothing is published until somebody says what it is."""
    raw = books.raw
    books.document("906", "CustInvc", "2026-06-01", "5", "1", "1", "10.00", due="2026-06-01")
    raw.rebuild()
    assert documents(raw) == {}
    (invoice,) = raw.rows("select * from raw_netsuite__transaction where id = '906'")
    fields = {name: value for name, value in invoice.items() if not name.startswith("_")}
    raw.add("raw_netsuite__transaction", "erp", **{**fields, "type": "CustFee"})
    with pytest.raises(AssertionError, match="assert_nothing_lost_to_canonical"):
        raw.rebuild()
    found = documents(raw)["posted_only:erp:906"]
    assert (found["finding"], found["severity"], found["amount"]) == ("extra", "critical", 10)
    assert "CustFee" in found["detail"]
    raw.add("raw_netsuite__transaction", "erp", **fields)
    raw.rebuild()
    assert documents(raw) == {}


def test_a_finding_keeps_when_it_was_first_seen_closes_and_opens_anew(books: company.Books) -> None:
    raw = books.raw

    def seen() -> list[dict[str, Any]]:
        return raw.rows("select * from recon_finding where finding_id = 'over_applied:erp:11' order by first_seen_at")

    books.document("902", "CustPymt", "2026-06-02", "1", "1", "1", "500.00")
    books.link("11", "902", "110.00")
    raw.rebuild()
    (first,) = seen()
    assert first["first_seen_at"] == first["last_seen_at"] and first["closed_at"] is None
    books.link("11", "902", "111.00")
    raw.rebuild()
    (still,) = seen()
    assert still["first_seen_at"] == first["first_seen_at"] < still["last_seen_at"]
    assert still["amount"] == first["amount"] + 1
    books.link("11", "902", "100.00")
    raw.rebuild()
    (closed,) = seen()
    assert closed["last_seen_at"] == still["last_seen_at"] < closed["closed_at"]
    books.link("11", "902", "110.00")
    raw.rebuild()
    assert seen()[0] == closed
    assert seen()[1]["closed_at"] is None and seen()[1]["first_seen_at"] > closed["closed_at"]
