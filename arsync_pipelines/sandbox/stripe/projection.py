"""The world's processor records as Stripe objects, with the events and balance transactions that they entail.

Amounts are taken as they are: fees and nets foot to the payouts because the world's do. Nothing is journalled here;
the journal is for what came in through the API.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time
from itertools import combinations
from typing import Any

import orjson

from ..core.world.records import (
    Delta,
    Payout,
    ProcessorCharge,
    ProcessorCustomer,
    ProcessorDispute,
    ProcessorRefund,
)
from . import objects
from .events import RETENTION_SECONDS, Events
from .ids import world_id
from .store import Store

Body = dict[str, Any]

# every fourth customer is billed through Stripe invoices too
INVOICED_EVERY = 4

DAY = 86400
# how far a stamp may lie outside its business week, in seconds
STRAY = 7 * DAY


class Projection:
    """Upserts by id. What changed, compared with what is stored, decides which events there are."""

    def __init__(self, store: Store, events: Events, now: Callable[[], int]) -> None:
        self._store = store
        self._emitter = events
        self._now = now
        self._pending: list[tuple[int, str, Body, Body | None]] = []
        self._seeding = not store.execute("select 1 from object limit 1")
        if self._seeding:
            store.synchronous("off")

    def project(self, delta: Delta) -> None:
        """One delta in one transaction. A record that is equal to what is stored leaves no trace."""
        with self._store:
            self._pending.clear()
            addresses = (_party(party) for party in delta.parties)
            self._store.put_many(addresses)
            self._customers(delta.processor_customers)
            self._charges(delta.processor_charges)
            self._refunds(delta.processor_refunds)
            self._disputes(delta.processor_disputes)
            self._payouts(delta.payouts)
            self._emit()

    def finish_seeding(self) -> None:
        """Forget the events that a client could no longer see, and make writes durable again."""
        with self._store:
            self._emitter.prune(self._now())
        self._store.synchronous("normal")

    def _emit(self) -> None:
        oldest = self._now() - RETENTION_SECONDS
        for created, kind, body, before in sorted(self._pending, key=lambda entry: entry[0]):
            if created >= oldest:
                mark = hashlib.sha256(f"{kind}{created}".encode() + orjson.dumps(body)).hexdigest()[:22]
                self._emitter.emit(kind, body, created, before=before, event_id=f"evt_0{mark}")

    def _event(self, created: int, kind: str, body: Body, before: Body | None = None) -> None:
        self._pending.append((created, kind, body, before))

    def _stored(self, kind: str, ids: Iterable[str]) -> dict[str, Body]:
        return self._store.get_many(kind, list(ids))

    def _customers(self, records: list[ProcessorCustomer]) -> None:
        before = self._stored("customer", (world_id("customer", record.id) for record in records))
        parties = self._stored("party", {_party_id(record.party_id) for record in records})
        for record in records:
            object_id = world_id("customer", record.id)
            old, party = before.get(object_id), parties.get(_party_id(record.party_id), {})
            if old and old.get("deleted"):
                continue
            body = old or objects.customer(object_id, stamp(record.created_at))
            body = {**body, "name": record.name, "email": record.email or None, "currency": record.currency.lower()}
            body["metadata"] = _metadata(old, erp_customer=record.erp_number)
            if old is None:
                body.update(address=party.get("address"), phone=party.get("phone"))
                self._event(stamp(record.created_at), "customer.created", body)
            elif body != old:
                self._event(stamp(record.updated_at), "customer.updated", body, old)
            if body != old:
                self._store.put(body)

    def _charges(self, records: list[ProcessorCharge]) -> None:
        before = self._stored("charge", (world_id("charge", record.id) for record in records))
        written: list[Body] = []
        for record in records:
            old = before.get(world_id("charge", record.id))
            body = _charge(record, old)
            if record.succeeded:
                written.append(_charge_transaction(record))
            if old is None:
                written.extend((body, *self._charge_company(record, body)))
            elif body != old:
                written.append(body)
                at = stamp(record.updated_at)
                if body["amount_refunded"] != old["amount_refunded"]:
                    self._event(at, "charge.refunded", body)
                if any(body[name] != old[name] for name in ("metadata", "disputed")):
                    self._event(at, "charge.updated", body, old)
        self._store.put_many(written)

    def _charge_company(self, record: ProcessorCharge, charge: Body) -> list[Body]:
        """The payment intent of a new charge and, for some customers, its invoice; and the events of them all."""
        at = charge["created"]
        intent = _intent(record, charge)
        company = [intent]
        word = "succeeded" if record.succeeded else "payment_failed"
        self._event(at, "payment_intent.created", intent)
        self._event(at, f"charge.{'succeeded' if record.succeeded else 'failed'}", charge)
        self._event(at, f"payment_intent.{word}", intent)
        if record.processor_customer_id % INVOICED_EVERY == 0 and record.invoice_number:
            invoice, payment = _invoice(record, charge)
            company.extend((invoice, payment))
            self._event(at, "invoice.created", invoice)
            self._event(at, "invoice.finalized", invoice)
            self._event(at, "invoice.paid" if record.succeeded else "invoice.payment_failed", invoice)
            if record.succeeded:
                self._event(at, "invoice_payment.paid", payment)
        if charge["amount_refunded"]:
            self._event(stamp(record.updated_at), "charge.refunded", charge)
        return company

    def _refunds(self, records: list[ProcessorRefund]) -> None:
        known = self._stored("refund", (world_id("refund", record.id) for record in records))
        for record in records:
            object_id, charge = world_id("refund", record.id), world_id("charge", record.charge_id)
            if object_id in known:
                continue
            code, at = record.currency.lower(), stamp(record.created_at)
            entry = objects.balance_transaction(
                world_id("balance_transaction", record.id, "r"), at, -record.amount, 0, code, "refund", object_id
            )
            entry["_payout"] = _loose(code)
            body = objects.refund(object_id, at, record.amount, code, charge, balance_transaction=entry["id"])
            body.update(payment_intent=world_id("payment_intent", record.charge_id), reason="requested_by_customer")
            self._store.put_many([entry, body])
            self._event(at, "refund.created", body)

    def _disputes(self, records: list[ProcessorDispute]) -> None:
        before = self._stored("dispute", (world_id("dispute", record.id) for record in records))
        for record in records:
            object_id = world_id("dispute", record.id)
            old = before.get(object_id)
            created, updated = stamp(record.created_at), stamp(record.updated_at)
            entries = _dispute_transactions(record, object_id)
            code, charge = record.currency.lower(), world_id("charge", record.charge_id)
            body = old or objects.dispute(object_id, created, record.amount, code, charge)
            shown = [{name: value for name, value in entry.items() if name != "_payout"} for entry in entries]
            body = {**body, "reason": record.reason, "status": record.status, "balance_transactions": shown}
            body["payment_intent"] = world_id("payment_intent", record.charge_id)
            if body == old:
                continue
            held = self._stored("balance_transaction", (entry["id"] for entry in entries))
            self._store.put_many([body, *(entry for entry in entries if entry["id"] not in held)])
            if old is None:
                self._event(created, "charge.dispute.created", body)
                self._event(created, "charge.dispute.funds_withdrawn", body)
            closed = record.status in ("won", "lost")
            if closed and (old is None or old["status"] != record.status):
                self._event(updated, "charge.dispute.closed", body)
                if record.status == "won":
                    self._event(updated, "charge.dispute.funds_reinstated", body)
            elif old is not None:
                self._event(updated, "charge.dispute.updated", body, old)

    def _payouts(self, records: list[Payout]) -> None:
        before = self._stored("payout", (world_id("payout", record.id) for record in records))
        for record in sorted(records, key=lambda payout: payout.created_at):
            object_id = world_id("payout", record.id)
            old = before.get(object_id)
            created, updated, code = stamp(record.created_at), stamp(record.updated_at), record.currency.lower()
            paid = record.status == "paid"
            body = old or objects.payout(object_id, created, record.amount, code, stamp(record.arrival_date))
            body = {
                **body,
                "amount": record.amount,
                "status": record.status,
                "arrival_date": stamp(record.arrival_date),
            }
            body["reconciliation_status"] = "completed" if paid else "in_progress"
            entry = objects.balance_transaction(
                world_id("balance_transaction", record.id, "p"), created, -record.amount, 0, code, "payout", object_id
            )
            entry["_payout"] = object_id
            body["balance_transaction"] = entry["id"]
            self._join(object_id, record.amount, code, created)
            if body == old:
                continue
            self._store.put_many([entry, body])
            if old is None:
                self._event(created, "payout.created", body)
            if paid and (old is None or old["status"] != "paid"):
                self._event(updated, "payout.paid", body)
                self._event(updated, "payout.reconciliation_completed", body)
            elif old is not None:
                self._event(updated, "payout.updated", body, old)

    def _join(self, payout_id: str, amount: int, code: str, created: int) -> None:
        """Puts the loose refunds and dispute moves of the payout's week into it, so that its nets sum to `amount`."""
        nets = self._store.execute(
            "select coalesce(sum(json_extract(body, '$.net')), 0) from object where kind = 'balance_transaction'"
            " and parent = ? and json_extract(body, '$.type') <> 'payout'",
            (payout_id,),
        )
        week_end = monday_before(created)
        texts = self._store.select(
            "balance_transaction",
            " and parent = ? and created >= ? and created < ?",
            (_loose(code), week_end - 7 * DAY - STRAY, week_end + STRAY),
            -1,
            ascending=True,
        )
        chosen = choose([orjson.loads(text) for text in texts], amount - int(nets[0][0]), week_end)
        self._store.put_many({**entry, "_payout": payout_id} for entry in chosen)


def monday_before(moment: int) -> int:
    """Midnight UTC of the Monday on or before `moment`; payouts close weeks there."""
    days = moment // DAY
    return (days - (days + 3) % 7) * DAY


def choose(loose: list[Body], missing: int, week_end: int) -> list[Body]:
    """Those of `loose` (in time order) that sum to `missing`: the week's own, give or take three strays at its edges.

    A business date is local and a stamp is UTC, so the edges are not sharp. Nothing when nothing fits.
    """
    week = [entry for entry in loose if week_end - 7 * DAY <= entry["created"] < week_end]
    own = {entry["id"] for entry in week}
    total = sum(entry["net"] for entry in week)
    edges = sorted(
        loose, key=lambda entry: min(abs(entry["created"] - week_end), abs(entry["created"] - week_end + 7 * DAY))
    )
    for changes in range(4):
        for flipped in combinations(edges[:24], changes):
            if total + sum(-item["net"] if item["id"] in own else item["net"] for item in flipped) == missing:
                ids = own.symmetric_difference(item["id"] for item in flipped)
                return [entry for entry in loose if entry["id"] in ids]
    return []


def stamp(value: datetime | date) -> int:
    """Unix seconds; a date is its midnight UTC."""
    if isinstance(value, datetime):
        return int((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())
    return int(datetime.combine(value, time(), UTC).timestamp())


def _loose(code: str) -> str:
    return f"loose:{code}"


def _party_id(number: int) -> str:
    return f"party_{number}"


def _party(party: Any) -> Body:
    address = {
        "city": party.city,
        "country": party.country,
        "line1": party.street,
        "line2": None,
        "postal_code": party.postal_code,
        "state": party.state or None,
    }
    return {"object": "party", "id": _party_id(party.id), "address": address, "phone": party.phone or None}


def _metadata(old: Body | None, **fields: str) -> dict[str, str]:
    return {**(old["metadata"] if old else {}), **{name: value for name, value in fields.items() if value}}


def _charge(record: ProcessorCharge, old: Body | None) -> Body:
    code = record.currency.lower()
    body = old or objects.charge(
        world_id("charge", record.id),
        stamp(record.created_at),
        record.amount,
        code,
        failure_code="" if record.succeeded else record.failure_code or "card_declined",
        customer=world_id("customer", record.processor_customer_id),
        payment_intent=world_id("payment_intent", record.id),
        balance_transaction=world_id("balance_transaction", record.id, "c") if record.succeeded else None,
    )
    refunded = max(record.refunded, body["amount_refunded"])
    return {
        **body,
        "amount_refunded": refunded,
        "refunded": record.succeeded and refunded >= record.amount,
        "disputed": record.disputed or body["disputed"],
        "metadata": _metadata(old, invoice_number=record.invoice_number, erp_payment=record.payment_number),
    }


def _charge_transaction(record: ProcessorCharge) -> Body:
    object_id, charge = world_id("balance_transaction", record.id, "c"), world_id("charge", record.id)
    code = record.currency.lower()
    at = stamp(record.created_at)
    body = objects.balance_transaction(object_id, at, record.amount, record.fee, code, "charge", charge)
    if record.payout_id is not None:
        body["_payout"] = world_id("payout", record.payout_id)
    return body


def _intent(record: ProcessorCharge, charge: Body) -> Body:
    fields: Body = {"customer": charge["customer"], "latest_charge": charge["id"], "metadata": charge["metadata"]}
    if record.succeeded:
        fields.update(status="succeeded", amount_received=record.amount, payment_method="pm_card_visa")
    else:
        error = {"code": "card_declined", "charge": charge["id"], "type": "card_error"}
        fields.update(status="requires_payment_method", last_payment_error=error)
    intent_id = world_id("payment_intent", record.id)
    return objects.payment_intent(intent_id, charge["created"], record.amount, charge["currency"], **fields)


def _invoice(record: ProcessorCharge, charge: Body) -> tuple[Body, Body]:
    """The Stripe-side invoice that this charge pays (or failed to), and its invoice payment."""
    at, code, invoice_id = charge["created"], charge["currency"], world_id("invoice", record.id)
    payment = objects.invoice_payment(
        world_id("invoice_payment", record.id),
        at,
        invoice_id,
        record.amount,
        code,
        charge["payment_intent"],
        paid=record.succeeded,
    )
    body = objects.invoice(invoice_id, at, code, charge["customer"], **objects.hosted(invoice_id))
    line = objects.line(f"il_{record.id:014d}", invoice_id, record.amount, code, f"Invoice {record.invoice_number}")
    body["lines"]["data"].append(line)
    body["payments"]["data"].append(payment)
    body["status_transitions"].update(finalized_at=at, paid_at=at if record.succeeded else None)
    body.update(
        number=f"STR-{record.id:07d}",
        status="paid" if record.succeeded else "open",
        attempted=True,
        attempt_count=1,
        effective_at=at,
        ending_balance=0,
        subtotal=record.amount,
        total=record.amount,
        amount_due=record.amount,
        amount_paid=record.amount if record.succeeded else 0,
        amount_remaining=0 if record.succeeded else record.amount,
        metadata={"erp_invoice": record.invoice_number},
    )
    return body, payment


def _dispute_transactions(record: ProcessorDispute, dispute_id: str) -> list[Body]:
    """The withdrawal and, when the dispute was won, its return."""
    code = record.currency.lower()
    moves = [("d", stamp(record.created_at), -record.amount, "Chargeback withdrawal")]
    if record.status == "won":
        moves.append(("w", stamp(record.updated_at), record.amount, "Chargeback reversal"))
    return [
        {
            **objects.balance_transaction(
                world_id("balance_transaction", record.id, part), at, amount, 0, code, "adjustment", dispute_id
            ),
            "description": text,
            "reporting_category": "dispute" if amount < 0 else "dispute_reversal",
            "_payout": _loose(code) if record.payout_id is None else world_id("payout", record.payout_id),
        }
        for part, at, amount, text in moves
    ]
