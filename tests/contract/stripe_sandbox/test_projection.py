"""What the world's processor records look like through the official SDK, and the events that changes leave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import stripe

from arsync_pipelines.sandbox.core.world.generator import Generator, Size
from arsync_pipelines.sandbox.core.world.records import (
    Delta,
    Payout,
    ProcessorCharge,
    ProcessorCustomer,
    ProcessorDispute,
    ProcessorRefund,
)

from .conftest import Server, serve

DAY = datetime(2026, 6, 24, 9, 0, tzinfo=UTC)

CUSTOMER = ProcessorCustomer(4, 1, 1, "C-1001", "Acme KK", "ap@acme.example", "JPY", DAY, DAY)
CHARGE = ProcessorCharge(11, 4, "INV-1", "PAY-1", 10_000, 330, "JPY", DAY, DAY, payout_id=3)
FAILED = ProcessorCharge(12, 4, "INV-2", "", 700, 0, "JPY", DAY, DAY, succeeded=False, failure_code="card_declined")
REFUND = ProcessorRefund(1, 11, 1_000, "JPY", DAY + timedelta(days=1), DAY + timedelta(days=1))
DISPUTE = ProcessorDispute(1, 11, 10_000, "JPY", "fraudulent", "needs_response", DAY, DAY)
MONDAY = datetime(2026, 6, 29, 8, 0, tzinfo=UTC)
PAYOUT = Payout(3, "JPY", 8_670, date(2026, 7, 1), "in_transit", MONDAY, MONDAY)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Server]:
    yield from serve(tmp_path)


def _types(client: stripe.StripeClient) -> list[str]:
    return [event.type for event in client.v1.events.list({"limit": 100}).data]


def test_charge_with_its_company(fresh: Server) -> None:
    client = fresh.client()
    fresh.sandbox.project(
        Delta(processor_customers=[CUSTOMER], processor_charges=[replace(CHARGE, refunded=1_000), FAILED])
    )
    fresh.sandbox.project(Delta(processor_refunds=[REFUND], payouts=[PAYOUT]))
    charge_id = fresh.sandbox.vendor_id("processor_charge", 11)
    charge = client.v1.charges.retrieve(charge_id, {"expand": ["customer", "balance_transaction"]}).to_dict()
    assert charge["created"] == int(DAY.timestamp()) and charge["amount_refunded"] == 1_000
    assert charge["metadata"] == {"invoice_number": "INV-1", "erp_payment": "PAY-1"}
    assert charge["customer"]["metadata"] == {"erp_customer": "C-1001"}
    entry = charge["balance_transaction"]
    assert (entry["amount"], entry["fee"], entry["net"], entry["status"]) == (10_000, 330, 9_670, "available")
    payout_id = fresh.sandbox.vendor_id("payout", 3)
    inside = client.v1.balance_transactions.list({"payout": payout_id}).data
    assert {item.type: item.net for item in inside} == {"charge": 9_670, "refund": -1_000, "payout": -8_670}
    failed = client.v1.charges.retrieve(fresh.sandbox.vendor_id("processor_charge", 12))
    assert (failed.status, failed.failure_code, failed.balance_transaction) == ("failed", "card_declined", None)
    invoices = client.v1.invoices.list().data
    assert {(item.status, item.amount_remaining) for item in invoices} == {("paid", 0), ("open", 700)}
    types = _types(client)
    for kind in (
        "customer.created",
        "charge.succeeded",
        "charge.failed",
        "payment_intent.succeeded",
        "invoice.paid",
        "invoice.payment_failed",
        "refund.created",
        "charge.refunded",
        "payout.created",
    ):
        assert types.count(kind) == 1, kind
    assert types[0] == "payout.created", "newest first"


def test_a_payout_made_on_a_later_day_still_closes_its_week(fresh: Server) -> None:
    late = replace(PAYOUT, created_at=MONDAY + timedelta(days=1), updated_at=MONDAY + timedelta(days=1))
    fresh.sandbox.project(Delta(processor_customers=[CUSTOMER], processor_charges=[CHARGE]))
    fresh.sandbox.project(Delta(processor_refunds=[REFUND], payouts=[late]))
    inside = fresh.client().v1.balance_transactions.list({"payout": fresh.sandbox.vendor_id("payout", 3)}).data
    assert sum(item.net for item in inside) == 0 and len(inside) == 3


def test_projecting_twice_changes_nothing(fresh: Server) -> None:
    client = fresh.client()
    delta = Delta(
        processor_customers=[CUSTOMER],
        processor_charges=[replace(CHARGE, refunded=1_000)],
        processor_refunds=[REFUND],
        processor_disputes=[DISPUTE],
        payouts=[replace(PAYOUT, amount=-1_330)],
    )
    fresh.sandbox.project(delta)
    before = [event.id for event in client.v1.events.list({"limit": 100}).data]
    fresh.sandbox.project(delta)
    assert [event.id for event in client.v1.events.list({"limit": 100}).data] == before
    assert not fresh.context.journal.entries("stripe")


def test_changes_leave_events_dated_by_the_change(fresh: Server) -> None:
    client = fresh.client()
    fresh.sandbox.project(Delta(processor_customers=[CUSTOMER], processor_charges=[replace(CHARGE, payment_number="")]))
    fresh.sandbox.project(Delta(processor_disputes=[DISPUTE], payouts=[PAYOUT]))
    later = datetime(2026, 7, 1, 5, 0, tzinfo=UTC)
    fresh.sandbox.project(
        Delta(
            processor_customers=[replace(CUSTOMER, name="Acme Kabushiki", updated_at=later)],
            processor_charges=[replace(CHARGE, disputed=True, updated_at=later)],
            processor_disputes=[replace(DISPUTE, status="won", updated_at=later)],
            payouts=[replace(PAYOUT, status="paid", updated_at=later)],
        )
    )
    recent = client.v1.events.list({"created": {"gte": int(later.timestamp())}, "limit": 100}).data
    by_type = {event.type: event.to_dict() for event in recent}
    assert set(by_type) == {
        "customer.updated",
        "charge.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
        "payout.paid",
        "payout.reconciliation_completed",
    }
    assert all(event["created"] == int(later.timestamp()) for event in by_type.values())
    assert by_type["customer.updated"]["data"]["previous_attributes"] == {"name": "Acme KK"}
    previous = by_type["charge.updated"]["data"]["previous_attributes"]
    assert previous == {"disputed": False, "metadata": {"erp_payment": None}}
    dispute = client.v1.disputes.retrieve(fresh.sandbox.vendor_id("processor_dispute", 1))
    assert [entry.amount for entry in dispute.balance_transactions] == [-10_000, 10_000]


def test_events_are_readable_for_thirty_days(fresh: Server) -> None:
    client = fresh.client()
    fresh.sandbox.project(Delta(processor_customers=[CUSTOMER]))
    event = client.v1.events.list().data[0]
    fresh.context.clock.advance(timedelta(days=31))
    assert client.v1.events.list().data == []
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.events.retrieve(event.id)
    assert client.v1.customers.retrieve(fresh.sandbox.vendor_id("processor_customer", 4)).name == "Acme KK"


def test_seeded_world_foots(fresh: Server) -> None:
    """Every payout is the sum of what the processor says is in it; sums over the API equal the world's."""
    charges: list[ProcessorCharge] = []
    payouts: list[Payout] = []
    for delta in Generator(Size(5, 60, 900)).deltas():
        fresh.sandbox.project(delta)
        charges += delta.processor_charges
        payouts += delta.payouts
    fresh.sandbox.finish_seeding()
    client = fresh.client()
    listed = list(client.v1.charges.list({"limit": 100}).auto_paging_iter())
    assert len(listed) == len(charges) > 0
    assert sum(item.amount for item in listed if item.paid) == sum(item.amount for item in charges if item.succeeded)
    assert [item.created for item in listed] == sorted((item.created for item in listed), reverse=True)
    sums: dict[str, int] = {}
    for number in payouts[:60]:
        payout_id = fresh.sandbox.vendor_id("payout", number.id)
        inside = client.v1.balance_transactions.list({"payout": payout_id, "limit": 100}).auto_paging_iter()
        sums[payout_id] = sum(item.net for item in inside)
    assert sums and set(sums.values()) == {0}, "the payout's own entry takes out what the others brought"


def test_state_survives_a_restart(tmp_path: Path) -> None:
    running = serve(tmp_path)
    first = next(running)
    first.sandbox.project(Delta(processor_customers=[CUSTOMER]))
    made = first.client().v1.customers.create({"name": "Kept"}, {"idempotency_key": "k-restart"})
    running.close()
    running = serve(tmp_path)
    second = next(running)
    assert second.client().v1.customers.retrieve(made.id).name == "Kept"
    again = second.client().v1.customers.create({"name": "Kept"}, {"idempotency_key": "k-restart"})
    assert again.id == made.id
    running.close()
