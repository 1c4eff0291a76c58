"""Shapes of the objects, as of API version 2026-10-28.endive. Pure: arguments in, dicts out; no storage, no rules.

Field names follow the official SDK of that version. Fields of products that have nothing to do with receivables
(Connect, Radar, Issuing, ...) are left out.
"""

from __future__ import annotations

from typing import Any

from .ids import PREFIXES
from .money import decimals

Body = dict[str, Any]
API_VERSION = "2026-10-28.endive"


def list_object(url: str, data: list[Body], *, has_more: bool = False) -> Body:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def customer(object_id: str, created: int, **fields: Any) -> Body:
    return {
        "id": object_id,
        "object": "customer",
        "address": None,
        "balance": 0,
        "business_name": None,
        "created": created,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "email": None,
        "individual_name": None,
        "invoice_prefix": object_id[-8:].upper(),
        "invoice_settings": {"custom_fields": None, "default_payment_method": None, "footer": None},
        "livemode": False,
        "metadata": {},
        "name": None,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        **fields,
    }


def payment_intent(object_id: str, created: int, amount: int, currency: str, **fields: Any) -> Body:
    return {
        "id": object_id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": 0,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": f"{object_id}_secret_{object_id[-8:]}",
        "confirmation_method": "automatic",
        "created": created,
        "currency": currency,
        "customer": None,
        "description": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "payment_details": None,
        "payment_method": None,
        "payment_method_types": ["card"],
        "status": "requires_payment_method",
        **fields,
    }


def charge(object_id: str, created: int, amount: int, currency: str, *, failure_code: str = "", **fields: Any) -> Body:
    failed = bool(failure_code)
    return {
        "id": object_id,
        "object": "charge",
        "amount": amount,
        "amount_captured": 0 if failed else amount,
        "amount_refunded": 0,
        "balance_transaction": None,
        "billing_details": {"address": None, "email": None, "name": None, "phone": None},
        "captured": not failed,
        "created": created,
        "currency": currency,
        "customer": None,
        "description": None,
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": failure_code or None,
        "failure_message": "Your card was declined." if failed else None,
        "livemode": False,
        "metadata": {},
        "outcome": {
            "network_status": "declined_by_network" if failed else "approved_by_network",
            "reason": failure_code or None,
            "risk_level": "normal",
            "seller_message": "The bank declined the payment." if failed else "Payment complete.",
            "type": "issuer_declined" if failed else "authorized",
        },
        "paid": not failed,
        "payment_intent": None,
        "payment_method": "pm_card_visa",
        "payment_method_details": {"card": {"brand": "visa", "funding": "credit"}, "type": "card"},
        "receipt_email": None,
        "refunded": False,
        "status": "failed" if failed else "succeeded",
        **fields,
    }


def refund(object_id: str, created: int, amount: int, currency: str, charge_id: str, **fields: Any) -> Body:
    return {
        "id": object_id,
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge_id,
        "created": created,
        "currency": currency,
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "metadata": {},
        "payment_intent": None,
        "reason": None,
        "receipt_number": None,
        "status": "succeeded",
        **fields,
    }


def dispute(object_id: str, created: int, amount: int, currency: str, charge_id: str, **fields: Any) -> Body:
    return {
        "id": object_id,
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge_id,
        "created": created,
        "currency": currency,
        "evidence": {},
        "evidence_details": {
            "due_by": created + 9 * 86400,
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": None,
        "reason": "general",
        "status": "needs_response",
        **fields,
    }


def balance_transaction(
    object_id: str, created: int, amount: int, fee: int, currency: str, kind: str, source: str, **fields: Any
) -> Body:
    """`kind`: charge, refund, adjustment (dispute) or payout. `status` follows from `available_on` when it is read."""
    details = [{"amount": fee, "currency": currency, "description": "Stripe processing fees", "type": "stripe_fee"}]
    return {
        "id": object_id,
        "object": "balance_transaction",
        "amount": amount,
        "available_on": created if kind == "payout" else created + 2 * 86400,
        "balance_type": "payments",
        "created": created,
        "currency": currency,
        "description": None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": details if fee else [],
        "net": amount - fee,
        "reporting_category": "dispute" if kind == "adjustment" else kind,
        "source": source,
        "status": "pending",
        "type": kind,
        **fields,
    }


def payout(object_id: str, created: int, amount: int, currency: str, arrival_date: int, **fields: Any) -> Body:
    return {
        "id": object_id,
        "object": "payout",
        "amount": amount,
        "arrival_date": arrival_date,
        "automatic": True,
        "balance_transaction": None,
        "created": created,
        "currency": currency,
        "description": "STRIPE PAYOUT",
        "destination": f"ba_{currency}_main",
        "failure_code": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "reconciliation_status": "in_progress",
        "source_type": "card",
        "statement_descriptor": None,
        "status": "in_transit",
        "trace_id": None,
        "type": "bank_account",
        **fields,
    }


def invoice(object_id: str, created: int, currency: str, customer_id: str, **fields: Any) -> Body:
    """A draft without lines. `payments` replaces the former `charge` and `payment_intent`, which no longer exist."""
    return {
        "id": object_id,
        "object": "invoice",
        "account_country": "US",
        "amount_due": 0,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_paid_off_stripe": 0,
        "amount_remaining": 0,
        "amount_shipping": 0,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": False,
        "billing_reason": "manual",
        "collection_method": "charge_automatically",
        "created": created,
        "currency": currency,
        "customer": customer_id,
        "customer_email": None,
        "customer_name": None,
        "description": None,
        "due_date": None,
        "effective_at": None,
        "ending_balance": None,
        "footer": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "lines": list_object(f"/v1/invoices/{object_id}/lines", []),
        "livemode": False,
        "metadata": {},
        "number": None,
        "parent": None,
        "payments": list_object("/v1/invoice_payments", []),
        "period_end": created,
        "period_start": created,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "starting_balance": 0,
        "status": "draft",
        "status_transitions": {
            "finalized_at": None,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        "subtotal": 0,
        "total": 0,
        **fields,
    }


def line(object_id: str, invoice_id: str, amount: int, currency: str, description: str | None) -> Body:
    return {
        "id": object_id,
        "object": "line_item",
        "amount": amount,
        "currency": currency,
        "description": description,
        "discountable": True,
        "invoice": invoice_id,
        "livemode": False,
        "metadata": {},
        "quantity": 1,
        "subtotal": amount,
    }


def invoice_payment(
    object_id: str, created: int, invoice_id: str, amount: int, currency: str, payment_intent_id: str, *, paid: bool
) -> Body:
    return {
        "id": object_id,
        "object": "invoice_payment",
        "amount_paid": amount if paid else None,
        "amount_requested": amount,
        "created": created,
        "currency": currency,
        "invoice": invoice_id,
        "is_default": True,
        "livemode": False,
        "payment": {"payment_intent": payment_intent_id, "type": "payment_intent"},
        "status": "paid" if paid else "open",
        "status_transitions": {"canceled_at": None, "paid_at": created if paid else None},
    }


def hosted(invoice_id: str) -> Body:
    """What finalizing adds."""
    page = f"https://invoice.stripe.com/i/{invoice_id}"
    return {"hosted_invoice_url": page, "invoice_pdf": f"{page}/pdf"}


def deleted(kind: str, object_id: str, created: int) -> Body:
    """What remains of a deleted object. `created` is kept inside for the order and is not shown."""
    if kind not in PREFIXES:
        raise KeyError(kind)
    return {"id": object_id, "object": kind, "deleted": True, "_created": created}


def decimal_text(amount: int, currency: str) -> str:
    """Amount for people: 1234 usd -> "12.34 USD"."""
    places = decimals(currency)
    if not places:
        return f"{amount} {currency.upper()}"
    whole, part = divmod(abs(amount), 10**places)
    return f"{'-' if amount < 0 else ''}{whole}.{part:0{places}d} {currency.upper()}"
