"""Promises, disputes and credit exposure: their states at the as-of date, and what was known of them before."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.integration.dbt import company
from tests.integration.dbt.raw import RawWarehouse

CHOSEN = (
    "--select", "+ar_credit_exposure", "+ar_promise_monthly", "+ar_dispute_aging", "+fct_promise_to_pay_history",
    "--exclude-resource-type", "test",
)  # fmt: skip


@pytest.fixture
def books(tmp_path: Path) -> company.Books:
    raw = RawWarehouse(tmp_path / "warehouse.duckdb")
    raw.create(company.AS_OF)
    return company.write(raw)


def promise(raw: RawWarehouse, key: str, invoice: str | None, made: str, by: str, amount: str, **more: Any) -> None:
    raw.add(
        "raw_files__promise", "extracts", promise_id=key, customer_id="erp:1", invoice_id=invoice, made_date=made,
        promised_date=by, amount=amount, currency="USD", **more,
    )  # fmt: skip


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
    raw.dbt("build", *CHOSEN)
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
    june, july = raw.rows("select * from ar_promise_monthly order by month")
    assert (june["promises"], june["kept"], june["broken"]) == (6, 2, 4)
    kept = Decimal("1050.00") / (Decimal("1050.00") + 400 + Decimal("400.01") + 400 + Decimal("100.01")) * 100
    assert abs(june["kept_rate"] - kept) <= Decimal("0.05")
    assert (july["promises"], july["kept_rate"]) == (1, None)


def test_states_of_promises_and_disputes_keep_their_history(books: company.Books) -> None:
    raw = books.raw
    promise(raw, "p", "erp:11", "2026-06-15", "2026-06-30", "100.01")
    raw.dbt("build", *CHOSEN)
    books.document("907", "CustPymt", "2026-06-28", "1", "1", "1", "100.01")
    books.link("11", "907", "100.01")
    books.document("60", "CustInvc", "2026-06-10", "1", "1", "1", "210.00", due="2026-07-10", disputed="50.00")
    raw.dbt("build", *CHOSEN)
    states = raw.rows("select * from fct_promise_to_pay_history order by known_at")
    assert [row["status"] for row in states] == ["broken", "kept"]
    assert states[0]["known_until"] == states[1]["known_at"]
    disputes = raw.rows("select * from fct_dispute_history where dispute_id = 'invoice:erp:60' order by known_at")
    assert [row["disputed_amount"] for row in disputes] == [120, 50]
    promise(raw, "p", "erp:11", "2026-06-15", "2026-06-30", "100.01", _deleted=True)
    raw.dbt("build", *CHOSEN)
    assert status(raw) == {}
    (gone,) = raw.rows("select known_until from fct_promise_to_pay_history where status = 'kept'")
    assert gone["known_until"].year < 9999, "withdrawn at the source: its last state ends, and stays readable"


def test_exposure_is_what_is_owed_and_what_is_released(books: company.Books) -> None:
    raw = books.raw
    for key, amount, released in (("o1", "8619.92", True), ("o2", "5000.00", False)):
        raw.add(
            "raw_files__order", "extracts", order_id=key, customer_id="erp:1", legal_entity="erp:1",
            order_date="2026-06-30", unbilled_amount=amount, currency="USD", released=released,
        )  # fmt: skip
    raw.dbt("build", *CHOSEN)

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
    raw.dbt("build", *CHOSEN)
    over = exposure()
    assert (over["credit_available_amount"], over["is_over_limit"]) == (Decimal("-0.01"), True)
    (held,) = raw.rows("select * from ar_credit_exposure where is_on_credit_hold")
    assert (held["customer_id"], held["credit_limit_amount"], held["is_over_limit"]) == ("erp:3", None, False)
