"""Promises, disputes and credit exposure: their states at the as-of date, and what was known of them before."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.dbt import company
from tests.integration.dbt.raw import RawWarehouse

pytestmark = pytest.mark.slow


@pytest.fixture
def books(copied_company: company.Books) -> company.Books:
    return copied_company


def promise(raw: RawWarehouse, key: str, invoice: str | None, made: str, by: str, amount: str, **more: Any) -> None:
    raw.add(
        "raw_files__promise", "extracts", promise_id=key, customer_id="erp:1", invoice_id=invoice, made_date=made,
        promised_date=by, amount=amount, currency="USD", **more,
    )  # fmt: skip


def shown(raw: RawWarehouse, key: str = "001A", object_name: str = "account") -> dict[str, Any]:
    """What a CRM record should show."""
    (row,) = raw.rows(f"select payload from sync_salesforce__{object_name} where business_key = '{key}'")
    return dict(json.loads(row["payload"]))


def collections(raw: RawWarehouse, key: str = "001A") -> tuple[str | None, str | None]:
    """Collections status and promise date of an account."""
    account = shown(raw, key)
    return account["collections_status"], account["promise_date"]


def status(raw: RawWarehouse) -> dict[str, str]:
    return {r["promise_id"].split(":")[1]: r["status"] for r in raw.rows("select * from fct_promise_to_pay")}


def test_a_promise_is_kept_broken_or_open(books: company.Books) -> None:
    """Invoice 20 got 400.00 on 2026-06-20; nothing came for invoice 11; 650.00 came from the customer in June."""
    raw = books.raw
    promise(raw, "on-the-day", "erp:20", "2026-06-15", "2026-06-20", "400.00")
    promise(raw, "a-day-late", "erp:20", "2026-06-15", "2026-06-19", "400.00")
    promise(raw, "a-cent-short", "erp:20", "2026-06-15", "2026-06-20", "400.01")
    promise(raw, "paid-before-it", "erp:20", "2026-06-21", "2026-06-25", "400.00")
    promise(raw, "due-today", "erp:11", "2026-06-15", "2026-07-01", "100.01")
    promise(raw, "due-yesterday", "erp:11", "2026-06-15", "2026-06-30", "100.01")
    promise(raw, "withdrawn", "erp:11", "2026-06-15", "2026-06-16", "100.01", cancelled=True)
    promise(raw, "any-invoice", None, "2026-06-01", "2026-06-30", "650.00")
    raw.rebuild()
    assert status(raw) == {
        "on-the-day": "kept",
        "a-day-late": "broken",
        "a-cent-short": "broken",
        "paid-before-it": "broken",
        "due-today": "open",
        "due-yesterday": "broken",
        "withdrawn": "cancelled",
        "any-invoice": "kept",
    }
    assert collections(raw) == ("broken_promise", "2026-07-01"), "the last one about 20 was not kept; 11 has till today"
    june, customers, july = raw.rows("select * from ar_promise_monthly order by month, legal_entity_id nulls last")
    assert (june["legal_entity_id"], june["promises"], june["kept"], june["broken"]) == ("erp:1", 5, 1, 4)
    kept = Decimal("400.00") / (Decimal("400.00") + 400 + Decimal("400.01") + 400 + Decimal("100.01")) * 100
    assert abs(june["kept_rate"] - kept) <= Decimal("0.05")
    assert (customers["legal_entity_id"], customers["promises"], customers["kept_rate"]) == (None, 1, 100)
    assert (july["promises"], july["kept_rate"]) == (1, None)


def test_states_of_promises_and_disputes_keep_their_history(books: company.Books) -> None:
    raw = books.raw
    promise(raw, "p", "erp:11", "2026-06-15", "2026-06-30", "100.01")
    raw.rebuild()
    assert collections(raw) == ("broken_promise", None)
    books.document("907", "CustPymt", "2026-06-28", "1", "1", "1", "100.01")
    books.link("11", "907", "100.01")
    books.document("60", "CustInvc", "2026-06-10", "1", "1", "1", "210.00", due="2026-07-10", disputed="50.00")
    raw.rebuild()
    states = raw.rows("select * from fct_promise_to_pay_history order by known_at")
    assert [row["status"] for row in states] == ["broken", "kept"]
    assert collections(raw) == (None, None), "kept: nothing stands behind a status any more"
    assert states[0]["known_until"] == states[1]["known_at"]
    disputes = raw.rows("select * from fct_dispute_history where dispute_id = 'invoice:erp:60' order by known_at")
    assert [row["disputed_amount"] for row in disputes] == [120, 50]
    promise(raw, "p", "erp:11", "2026-06-15", "2026-06-30", "100.01", _deleted=True)
    raw.rebuild()
    assert status(raw) == {}
    (gone,) = raw.rows("select known_until from fct_promise_to_pay_history where status = 'kept'")
    assert gone["known_until"].year < 9999, "withdrawn at the source: its last state ends, and stays readable"


def test_exposure_is_what_is_owed_and_what_is_released(books: company.Books) -> None:
    raw = books.raw
    for key, amount, released in (("o1", "7619.92", True), ("o2", "5000.00", False)):
        raw.add(
            "raw_files__order", "extracts", order_id=key, customer_id="erp:1", legal_entity="erp:1",
            order_date="2026-06-30", unbilled_amount=amount, currency="USD", released=released,
        )  # fmt: skip
    raw.rebuild()

    def exposure() -> dict[str, Any]:
        (row,) = raw.rows("select * from ar_credit_exposure where customer_id = 'erp:1' and currency = 'USD'")
        return row

    at_limit = exposure()
    assert at_limit["open_balance_amount"] == Decimal("1380.08")
    assert (at_limit["exposure_amount"], at_limit["credit_available_amount"]) == (10000, 0)
    assert at_limit["is_over_limit"] is False
    raw.add(
        "raw_files__order", "extracts", order_id="o3", customer_id="erp:1", order_date="2026-06-30",
        unbilled_amount="0.01", currency="USD",
    )  # fmt: skip
    raw.rebuild()
    over = exposure()
    assert shown(raw)["over_limit"] is False, "the account's limits together are not exceeded"
    assert (over["credit_available_amount"], over["is_over_limit"]) == (Decimal("-0.01"), True)
    (held,) = raw.rows("select * from ar_credit_exposure where is_on_credit_hold")
    assert (held["customer_id"], held["credit_limit_amount"], held["is_over_limit"]) == ("erp:3", None, False)


def duns(raw: RawWarehouse, level: str, *, blocked: bool = False, **invoice_line: Any) -> None:
    """One invoice of a Tryton company that duns, with account 001T in the CRM, at a level of its procedure."""
    raw.add(
        "raw_tryton__move_line", "books", id="11", move="11", account="1", party="7", debit="50.00", credit="0.00",
        maturity_date="2026-05-01", state="valid", **invoice_line,
    )  # fmt: skip
    raw.add(
        "raw_tryton__dunning", "books", id="1", company="1", line="11", procedure="1", level=level, date="2026-06-01",
        blocked=blocked, state="waiting",
    )  # fmt: skip


def test_a_dunning_level_follows_the_erp_and_leaves_with_the_debt(books: company.Books) -> None:
    raw = books.raw
    raw.execute("insert into raw_arsync__connection values ('books', 'tryton', 'erp')")
    raw.add("raw_tryton__company", "books", id="1", name="Acme SARL", currency="1", timezone="UTC")
    raw.add("raw_tryton__currency", "books", id="1", code="EUR", name="Euro", digits=2)
    raw.add("raw_tryton__account", "books", id="1", company="1", code="411", name="Customers", receivable=True)
    raw.add("raw_tryton__party", "books", id="7", name="Party 7", code="P7")
    raw.add("raw_tryton__move", "books", id="11", number="M11", company="1", date="2026-04-01", state="posted")
    raw.add(
        "raw_tryton__invoice", "books", id="5", company="1", number="INV5", state="posted", party="7", currency="1",
        invoice_date="2026-04-01", move="11", total_amount="50.00",
    )  # fmt: skip
    for number in (1, 2):
        raw.add(
            "raw_tryton__dunning_level", "books", id=str(number), procedure="1", procedure_name="Reminders",
            sequence=number, overdue="0",
        )  # fmt: skip
    company.account(raw, "001T", erp="P7")
    duns(raw, "1")
    raw.rebuild()
    assert shown(raw, "books:5", "invoice")["dunning_level"] == "1"
    assert collections(raw, "001T") == ("dunning", None)
    assert shown(raw, "erp:11", "invoice")["dunning_level"] is None

    duns(raw, "2", blocked=True)
    raw.rebuild()
    assert shown(raw, "books:5", "invoice")["dunning_level"] == "2", "nothing but the level moved"
    assert collections(raw, "001T") == ("dunning_block", None)

    raw.add("raw_tryton__move", "books", id="12", number="M12", company="1", date="2026-06-20", state="posted")
    raw.add(
        "raw_tryton__move_line", "books", id="12", move="12", account="1", party="7", debit="0.00", credit="50.00",
        state="valid", reconciliation="3",
    )  # fmt: skip
    raw.add("raw_tryton__reconciliation", "books", id="3", date="2026-06-20")
    duns(raw, "2", reconciliation="3")
    raw.rebuild()
    paid = shown(raw, "books:5", "invoice")
    assert (paid["status"], paid["open_amount"], paid["dunning_level"]) == ("paid", "0.00", None)
    assert collections(raw, "001T") == (None, None)
