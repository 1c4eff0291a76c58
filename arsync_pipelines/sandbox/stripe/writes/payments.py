"""Payment intents and charges: money coming in by card, its balance transaction, and declines."""

from __future__ import annotations

from typing import Any

from .. import objects
from ..errors import Declined, Invalid, NotAllowed
from ..money import card_fee, minimum
from ..params import amount, boolean, check_precision, currency, mapping, metadata, one_of, strings, text
from .operation import Call, Operation, changed, updating

Body = dict[str, Any]

DECLINING = ("pm_card_chargeDeclined", "pm_card_visa_chargeDeclined", "tok_chargeDeclined")
_NO_METHOD = "You cannot confirm this PaymentIntent because it's missing a payment method."
DISPUTED = ("pm_card_createDispute", "tok_createDispute")


def check_amount(value: int, code: str) -> None:
    if value < minimum(code):
        least = objects.decimal_text(minimum(code), code)
        raise Invalid(f"Amount must be at least {least}", code="amount_too_small", param="amount")
    check_precision(value, code)


def book(call: Call, source: Body, value: int, fee: int, kind: str, **fields: Any) -> str:
    """A balance transaction for `source`; returns its id."""
    transaction = objects.balance_transaction(
        call.new_id("balance_transaction"), call.now, value, fee, source["currency"], kind, source["id"], **fields
    )
    call.create(transaction)
    return str(transaction["id"])


def settle(call: Call, charge: Body, captured: int) -> Body:
    """Captures `captured` of an authorised charge and books it."""
    charge = {**charge, "captured": True, "amount_captured": captured, "amount_refunded": charge["amount"] - captured}
    fee = card_fee(captured, charge["currency"])
    charge["balance_transaction"] = book(call, charge, captured, fee, "charge")
    return charge


def take(call: Call, value: int, code: str, method: str, *, capture: bool = True, **fields: Any) -> Body:
    """A charge on a test card. A declined one is stored with status failed; the caller raises Declined."""
    declined = method in DECLINING
    charge = objects.charge(
        call.new_id("charge"), call.now, value, code, failure_code="card_declined" if declined else "", **fields
    )
    charge["payment_method"] = method
    if declined:
        return call.create(charge, "charge.failed")
    if capture:
        charge = settle(call, charge, value)
    else:
        charge.update(captured=False, amount_captured=0)
    call.create(charge, "charge.succeeded")
    if method in DISPUTED:
        open_dispute(call, charge)
        charge = call.load("charge", charge["id"])
    return charge


def open_dispute(call: Call, charge: Body) -> Body:
    """The customer's bank takes the money back."""
    body = objects.dispute(call.new_id("dispute"), call.now, charge["amount"], charge["currency"], charge["id"])
    body.update(payment_intent=charge["payment_intent"], reason="fraudulent")
    entry = book(
        call, body, -charge["amount"], 0, "adjustment", description=f"Chargeback withdrawal for {charge['id']}"
    )
    body["balance_transactions"] = [call.load("balance_transaction", entry)]
    call.update({**charge, "disputed": True}, "charge.updated", before=charge)
    call.create(body, "charge.dispute.created")
    call.emit("charge.dispute.funds_withdrawn", body)
    return body


def confirm(call: Call, intent: Body, method: str) -> Body:
    """Charges the intent's card. Raises Declined after the failure is recorded."""
    manual = intent["capture_method"] == "manual"
    fields = {"customer": intent["customer"], "payment_intent": intent["id"], "metadata": dict(intent["metadata"])}
    charge = take(call, intent["amount"], intent["currency"], method, capture=not manual, **fields)
    after = {**intent, "latest_charge": charge["id"], "payment_method": method}
    if charge["status"] == "failed":
        error = {"code": "card_declined", "charge": charge["id"], "type": "card_error"}
        after.update(status="requires_payment_method", payment_method=None, last_payment_error=error)
        call.update(after, "payment_intent.payment_failed")
        raise Declined(charge["id"], after)
    if manual:
        after.update(status="requires_capture", amount_capturable=intent["amount"])
        return call.update(after, "payment_intent.amount_capturable_updated")
    after.update(status="succeeded", amount_received=intent["amount"], last_payment_error=None)
    return call.update(after, "payment_intent.succeeded")


def _create_intent(call: Call, _: tuple[str, ...], params: Body) -> Body:
    check_amount(params["amount"], params["currency"])
    if params.get("customer"):
        call.load("customer", params["customer"], param="customer")
    method = params.get("payment_method")
    if params.get("confirm") and not method:
        raise NotAllowed(_NO_METHOD)
    intent = objects.payment_intent(call.new_id("payment_intent"), call.now, params["amount"], params["currency"])
    intent = changed(intent, params)
    intent["status"] = "requires_confirmation" if method else "requires_payment_method"
    call.create(intent, "payment_intent.created")
    return confirm(call, intent, method) if params.get("confirm") and method else intent


def _confirm_intent(call: Call, ids: tuple[str, ...], params: Body) -> Body:
    intent = call.load("payment_intent", ids[0])
    _expect(intent, "requires_payment_method", "requires_confirmation")
    method = params.get("payment_method") or intent["payment_method"]
    if not method:
        raise NotAllowed(_NO_METHOD)
    return confirm(call, intent, method)


def _capture_intent(call: Call, ids: tuple[str, ...], params: Body) -> Body:
    intent = call.load("payment_intent", ids[0])
    _expect(intent, "requires_capture")
    value = params["amount_to_capture"] if "amount_to_capture" in params else intent["amount_capturable"]
    if value > intent["amount_capturable"]:
        raise NotAllowed("The amount to capture is greater than the capturable amount.", param="amount_to_capture")
    charge = call.load("charge", intent["latest_charge"])
    call.update(settle(call, charge, value), "charge.captured")
    after = {**intent, "status": "succeeded", "amount_capturable": 0, "amount_received": value}
    return call.update(after, "payment_intent.succeeded")


def _cancel_intent(call: Call, ids: tuple[str, ...], params: Body) -> Body:
    intent = call.load("payment_intent", ids[0])
    _expect(intent, "requires_payment_method", "requires_confirmation", "requires_capture")
    after = {**intent, "status": "canceled", "canceled_at": call.now, "amount_capturable": 0}
    after["cancellation_reason"] = params.get("cancellation_reason")
    return call.update(after, "payment_intent.canceled")


def _expect(intent: Body, *statuses: str) -> None:
    if intent["status"] not in statuses:
        raise NotAllowed(
            f"This PaymentIntent's status is {intent['status']}; it must be {' or '.join(statuses)}.",
            code="payment_intent_unexpected_state",
        )


def _create_charge(call: Call, _: tuple[str, ...], params: Body) -> Body:
    check_amount(params["amount"], params["currency"])
    customer = params.get("customer")
    if customer:
        call.load("customer", customer, param="customer")
    fields = {"customer": customer, "metadata": params.get("metadata") or {}, "description": params.get("description")}
    method = params.get("source") or "tok_visa"
    charge = take(call, params["amount"], params["currency"], method, capture=params.get("capture", True), **fields)
    if charge["status"] == "failed":
        raise Declined(charge["id"], None)
    return charge


def _capture_charge(call: Call, ids: tuple[str, ...], params: Body) -> Body:
    charge = call.load("charge", ids[0])
    if charge["captured"] or charge["status"] != "succeeded":
        raise NotAllowed(f"Charge {ids[0]} has already been captured.", code="charge_already_captured")
    value = params["amount"] if "amount" in params else charge["amount"]
    if value > charge["amount"]:
        raise NotAllowed("You cannot capture more than the authorized amount.", param="amount")
    return call.update(settle(call, charge, value), "charge.captured")


_TEXTS = {"description": text, "metadata": metadata}
OPERATIONS = (
    Operation(
        "POST",
        "/v1/payment_intents",
        _create_intent,
        {
            "amount": amount,
            "currency": currency,
            "customer": text,
            "confirm": boolean,
            "payment_method": text,
            "payment_method_types": strings,
            "automatic_payment_methods": mapping,
            "capture_method": one_of("automatic", "automatic_async", "manual"),
            **_TEXTS,
        },
        ("amount", "currency"),
    ),
    updating("payment_intent", "/v1/payment_intents/*", {"description": text}, ""),
    Operation("POST", "/v1/payment_intents/*/confirm", _confirm_intent, {"payment_method": text}),
    Operation("POST", "/v1/payment_intents/*/capture", _capture_intent, {"amount_to_capture": amount}),
    Operation("POST", "/v1/payment_intents/*/cancel", _cancel_intent, {"cancellation_reason": text}),
    Operation(
        "POST",
        "/v1/charges",
        _create_charge,
        {"amount": amount, "currency": currency, "customer": text, "source": text, "capture": boolean, **_TEXTS},
        ("amount", "currency"),
    ),
    updating("charge", "/v1/charges/*", {"description": text, "receipt_email": text}, "charge.updated"),
    Operation("POST", "/v1/charges/*/capture", _capture_charge, {"amount": amount}),
)
