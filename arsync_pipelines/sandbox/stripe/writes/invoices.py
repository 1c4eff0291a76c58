"""Stripe's own invoices: draft -> open -> paid | void | uncollectible, their items and payments."""

from __future__ import annotations

from typing import Any

import orjson

from .. import objects
from ..errors import Declined, Invalid, NotAllowed
from ..params import boolean, check_precision, currency, integer, metadata, one_of, text
from .customers import adjust_balance
from .operation import Call, Operation, changed, merge_metadata
from .payments import confirm

Body = dict[str, Any]

_DAY = 86400


def _create(call: Call, _: tuple[str, ...], params: Body) -> Body:
    customer = call.load("customer", params["customer"], param="customer")
    code = params.get("currency") or customer["currency"] or "usd"
    method = params.get("collection_method", "charge_automatically")
    days, due = params.get("days_until_due"), params.get("due_date")
    if (days is not None or due is not None) and method != "send_invoice":
        raise Invalid("due_date and days_until_due need collection_method=send_invoice.", param="due_date")
    if method == "send_invoice" and days is None and due is None:
        raise Invalid("If collection_method is send_invoice, pass due_date or days_until_due.", param="days_until_due")
    body = objects.invoice(call.new_id("invoice"), call.now, code, customer["id"], collection_method=method)
    body.update(customer_email=customer["email"], customer_name=customer["name"])
    body = changed(body, {name: value for name, value in params.items() if name not in ("currency", "customer")})
    body["due_date"] = due if due is not None else call.now + days * _DAY if days is not None else None
    if params.get("pending_invoice_items_behavior") == "include":
        for text_body in call.store.select(
            "invoiceitem", " and customer = ? and parent is null", (customer["id"],), -1, ascending=True
        ):
            item = orjson.loads(text_body)
            if item["currency"] == code:
                call.store.put({**item, "invoice": body["id"]})
                _append(body, item)
    return call.create(body, "invoice.created")


def _append(invoice: Body, item: Body) -> None:
    """Adds an item's line and re-adds the totals."""
    line_id = item["id"].replace("ii_", "il_")
    line = objects.line(line_id, invoice["id"], item["amount"], item["currency"], item["description"])
    lines = [*invoice["lines"]["data"], line]
    invoice["lines"] = {**invoice["lines"], "data": lines}
    total = sum(entry["amount"] for entry in lines)
    invoice.update(subtotal=total, total=total, amount_due=max(total, 0), amount_remaining=max(total, 0))


def _create_item(call: Call, _: tuple[str, ...], params: Body) -> Body:
    customer = call.load("customer", params["customer"], param="customer")
    code = params.get("currency") or customer["currency"] or "usd"
    check_precision(params["amount"], code)
    item = {
        "id": call.new_id("invoiceitem"),
        "object": "invoiceitem",
        "amount": params["amount"],
        "created": call.now,
        "currency": code,
        "customer": customer["id"],
        "date": call.now,
        "description": params.get("description"),
        "invoice": params.get("invoice"),
        "livemode": False,
        "metadata": merge_metadata({}, params.get("metadata")),
        "quantity": 1,
    }
    if params.get("invoice"):
        invoice = call.load("invoice", params["invoice"], param="invoice")
        _expect(invoice, "draft")
        if invoice["currency"] != code:
            raise NotAllowed(f"The currency of the invoice is {invoice['currency']}.", param="currency")
        after = {**invoice}
        _append(after, item)
        call.update(after, "invoice.updated", before=invoice)
    return call.create(item, "invoiceitem.created")


def _expect(invoice: Body, *statuses: str) -> None:
    if invoice["status"] not in statuses:
        raise NotAllowed(
            f"Invoice {invoice['id']} is {invoice['status']}; this needs it to be {' or '.join(statuses)}.",
            code="invoice_not_editable" if statuses == ("draft",) else "invoice_unexpected_state",
        )


def finalize(call: Call, invoice: Body) -> Body:
    """Gives the invoice its number, uses the customer's credit, opens it; one of nothing left to pay is paid."""
    customer = call.load("customer", invoice["customer"], param="customer")
    number = f"{customer['invoice_prefix']}-{call.store.next_number('invoice:' + customer['id']):04d}"
    starting = customer["balance"] if invoice["total"] > 0 else 0
    due = max(invoice["total"] + starting, 0)
    after = {
        **invoice,
        **objects.hosted(invoice["id"]),
        "number": invoice["number"] or number,
        "status": "open",
        "effective_at": call.now,
        "starting_balance": starting,
        "ending_balance": min(starting + invoice["total"], 0),
        "amount_due": due,
        "amount_remaining": due,
        "status_transitions": {**invoice["status_transitions"], "finalized_at": call.now},
    }
    call.update(after, "invoice.finalized")
    if used := due - max(invoice["total"], 0):
        adjust_balance(call, customer["id"], -used, invoice["currency"], "applied_to_invoice", invoice=invoice["id"])
    return _paid(call, after) if due == 0 else after


def _paid(call: Call, invoice: Body) -> Body:
    transitions = {**invoice["status_transitions"], "paid_at": call.now}
    after = {**invoice, "status": "paid", "amount_remaining": 0, "status_transitions": transitions}
    call.update(after, "invoice.paid")
    if after["payments"]["data"]:
        call.emit("invoice.payment_succeeded", after)
    return after


def _finalize(call: Call, ids: tuple[str, ...], _: Body) -> Body:
    invoice = call.load("invoice", ids[0])
    _expect(invoice, "draft")
    return finalize(call, invoice)


def _send(call: Call, ids: tuple[str, ...], _: Body) -> Body:
    invoice = call.load("invoice", ids[0])
    _expect(invoice, "draft", "open")
    if invoice["status"] == "draft":
        invoice = finalize(call, invoice)
    call.emit("invoice.sent", invoice)
    return invoice


def _pay(call: Call, ids: tuple[str, ...], params: Body) -> Body:
    invoice = call.load("invoice", ids[0])
    if invoice["status"] == "paid":
        raise NotAllowed("Invoice is already paid", code="invoice_already_paid")
    _expect(invoice, "draft", "open", "uncollectible")
    if invoice["status"] == "draft":
        invoice = finalize(call, invoice)
    rest = invoice["amount_remaining"]
    if rest == 0:
        return invoice
    if params.get("paid_out_of_band"):
        return _paid(call, {**invoice, "amount_paid": invoice["amount_paid"] + rest, "amount_paid_off_stripe": rest})
    intent = objects.payment_intent(
        call.new_id("payment_intent"), call.now, rest, invoice["currency"], customer=invoice["customer"]
    )
    call.create(intent, "payment_intent.created")
    invoice = {**invoice, "attempted": True, "attempt_count": invoice["attempt_count"] + 1}
    try:
        confirm(call, intent, params.get("payment_method") or "pm_card_visa")
    except Declined:
        call.update(invoice, "invoice.payment_failed")
        raise
    payment = objects.invoice_payment(
        call.new_id("invoice_payment"), call.now, invoice["id"], rest, invoice["currency"], intent["id"], paid=True
    )
    call.create(payment, "invoice_payment.paid")
    payments = {**invoice["payments"], "data": [*invoice["payments"]["data"], payment]}
    return _paid(call, {**invoice, "payments": payments, "amount_paid": invoice["amount_paid"] + rest})


def _void(call: Call, ids: tuple[str, ...], _: Body) -> Body:
    invoice = call.load("invoice", ids[0])
    _expect(invoice, "open", "uncollectible")
    transitions = {**invoice["status_transitions"], "voided_at": call.now}
    return call.update({**invoice, "status": "void", "status_transitions": transitions}, "invoice.voided")


def _uncollectible(call: Call, ids: tuple[str, ...], _: Body) -> Body:
    invoice = call.load("invoice", ids[0])
    _expect(invoice, "open")
    transitions = {**invoice["status_transitions"], "marked_uncollectible_at": call.now}
    after = {**invoice, "status": "uncollectible", "status_transitions": transitions}
    return call.update(after, "invoice.marked_uncollectible")


def _update(call: Call, ids: tuple[str, ...], params: Body) -> Body:
    before = call.load("invoice", ids[0])
    if before["status"] != "draft" and set(params) - {"metadata", "auto_advance"}:
        raise NotAllowed("Finalized invoices can't be updated in this way.", code="invoice_not_editable")
    return call.update(changed(before, params), "invoice.updated", before=before)


def _delete(call: Call, ids: tuple[str, ...], _: Body) -> Body:
    body = call.load("invoice", ids[0])
    _expect(body, "draft")
    stub = objects.deleted("invoice", ids[0], body["created"])
    call.store.put(stub)
    call.journal.append(("delete", "invoice", ids[0], {"id": ids[0], "deleted": True}))
    call.emit("invoice.deleted", body)
    return stub


_FIELDS = {
    "auto_advance": boolean,
    "collection_method": one_of("charge_automatically", "send_invoice"),
    "description": text,
    "due_date": integer,
    "footer": text,
    "metadata": metadata,
    "number": text,
}
_CREATE = {
    **_FIELDS,
    "customer": text,
    "currency": currency,
    "days_until_due": integer,
    "pending_invoice_items_behavior": one_of("include", "exclude"),
}
_ITEM = {
    "customer": text,
    "amount": integer,
    "currency": currency,
    "invoice": text,
    "description": text,
    "metadata": metadata,
}
OPERATIONS = (
    Operation("POST", "/v1/invoices", _create, _CREATE, ("customer",)),
    Operation("POST", "/v1/invoices/*", _update, _FIELDS),
    Operation("DELETE", "/v1/invoices/*", _delete),
    Operation("POST", "/v1/invoices/*/finalize", _finalize, {"auto_advance": boolean}),
    Operation("POST", "/v1/invoices/*/send", _send),
    Operation("POST", "/v1/invoices/*/pay", _pay, {"paid_out_of_band": boolean, "payment_method": text}),
    Operation("POST", "/v1/invoices/*/void", _void),
    Operation("POST", "/v1/invoices/*/mark_uncollectible", _uncollectible),
    Operation("POST", "/v1/invoiceitems", _create_item, _ITEM, ("customer", "amount")),
)
