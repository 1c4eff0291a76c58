"""What happens to receivables now and then, from the sandbox to the CRM: each in the ledger, and everything agrees."""

from __future__ import annotations

from decimal import Decimal

import pytest

from arsync_pipelines.sandbox.core.world.rare_documents import FIRST_ID
from tests.fixtures.acceptance import Scene, assert_agreed

pytestmark = pytest.mark.slow


def test_each_is_in_the_ledger(synced: Scene) -> None:
    found = {
        row["event_type"]: row
        for row in synced.published(
            "select event_type, count(*) as times, min(amount) as least, max(amount) as most"
            " from fct_receivable_event group by 1"
        )
    }
    for kind in ("discount_taken", "recovered"):
        assert found[kind]["times"] >= 3, kind
        assert found[kind]["most"] < 0, f"{kind} lowers what is owed"
    assert found["charged_back"]["times"] == 3
    assert found["charged_back"]["least"] > 0, "a chargeback is owed again"


def test_a_deposit_lowers_nothing_before_it_is_applied(synced: Scene) -> None:
    deposits = synced.published(
        "select amount, applied_amount, open_amount from fct_customer_deposit order by applied_amount"
    )
    assert len(deposits) == 3
    assert deposits[0]["applied_amount"] == 0, "one waits for its invoice"
    assert any(0 < row["open_amount"] < row["amount"] for row in deposits), "one was more than its invoice"
    applied = synced.published(
        "select sum(event.amount) as amount, count(*) as times from fct_receivable_event as event"
        " join fct_receivable_item as item using (document_id)"
        " where item.item_type = 'deposit' and event.event_type = 'applied'"
    )
    assert applied == [{"amount": sum(row["applied_amount"] for row in deposits), "times": 2}]


def test_what_the_group_owes_itself_is_kept_apart(synced: Scene) -> None:
    rows = synced.published(
        "select bucket, sum(open_amount) as amount from fct_ar_aging where is_intercompany group by bucket"
    )
    assert [(row["bucket"], row["amount"] > 0) for row in rows] == [("intercompany", True)]
    summed = synced.published("select sum(intercompany_amount) as amount from ar_customer_summary")
    assert summed == [{"amount": rows[0]["amount"]}]
    sisters = "select customer_id from dim_customer where is_intercompany"
    own = synced.published(f"select invoice_id from fct_invoice where customer_id in ({sisters})")
    assert len(own) == 15
    shown = synced.published("select external_id from int_salesforce__invoice_desired")
    assert not {row["invoice_id"] for row in own} & {row["external_id"] for row in shown}


def test_everything_agrees_and_foots(synced: Scene) -> None:
    assert_agreed(synced)
    said = synced.expect("prove", "--json").data
    assert said["holds"] is True and said["critical"] == []
    assert {Decimal(row["difference"]) for row in said["tie_out"] + said["tie_out_functional"]} == {Decimal(0)}
    held = {row["legal_entity"]: Decimal(row["gl_control"]) for row in said["tie_out_functional"]}
    truth = synced.world.truth("tieout_functional")
    assert held == {row["legal_entity"]: Decimal(row["gl_control"]) for row in truth}


def test_the_processor_and_the_erp_agree_on_what_was_charged_back(synced: Scene) -> None:
    """Of the other lost disputes, which nobody entered in the ERP, there are findings."""
    named = synced.published("select business_key from recon_payment_processor where object = 'dispute'")
    charged_back = {f"du_{FIRST_ID + turn:014d}" for turn in (1, 2, 3)}
    assert not charged_back & {row["business_key"] for row in named}


def test_it_agrees_on_the_days_before_and_after(synced: Scene) -> None:
    synced.sandbox.advance(2)
    synced.sync()
    assert_agreed(synced)
