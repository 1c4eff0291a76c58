"""Credit notes: what an invoice is reduced by, before it is paid (less to pay) or after (refund or credit)."""

from __future__ import annotations

from typing import Any

from .. import objects
from ..errors import NotAllowed
from ..params import amount, integer, metadata, one_of, text
from .customers import adjust_balance
from .operation import Call, Operation, merge_metadata, updating
from .reversals import give_back

Body = dict[str, Any]


def _create(call: Call, _: tuple[str, ...], params: Body) -> Body:
    invoice = call.load("invoice", params["invoice"], param="invoice")
    if invoice["status"] not in ("open", "paid", "uncollectible"):
        raise NotAllowed(f"You cannot create a credit note for a {invoice['status']} invoice.", param="invoice")
    value = params["amount"]
    credited = invoice["pre_payment_credit_notes_amount"] + invoice["post_payment_credit_notes_amount"]
    if value > invoice["total"] - credited:
        raise NotAllowed("The sum of credit amounts must not exceed the invoice's total.", param="amount")
    pre = min(value, invoice["amount_remaining"])
    post = value - pre
    parts = {name: params.get(name, 0) for name in ("refund_amount", "credit_amount", "out_of_band_amount")}
    if sum(parts.values()) != post:
        raise NotAllowed(
            f"The sum of refund, credit and out of band amounts ({sum(parts.values())}) must equal the post payment"
            f" amount ({post}).",
            param="amount",
        )
    body = _note(call, invoice, value, pre, post)
    body.update(memo=params.get("memo"), reason=params.get("reason"), out_of_band_amount=parts["out_of_band_amount"])
    body["metadata"] = merge_metadata({}, params.get("metadata"))
    if parts["refund_amount"]:
        body["refunds"] = [{"amount_refunded": parts["refund_amount"], "refund": _refund(call, invoice, parts)}]
    if parts["credit_amount"]:
        links = {"credit_note": body["id"], "invoice": invoice["id"]}
        entry = adjust_balance(
            call, invoice["customer"], -parts["credit_amount"], invoice["currency"], "credit_note", **links
        )
        body["customer_balance_transaction"] = entry["id"]
    call.create(body, "credit_note.created")
    _apply(call, invoice, pre, post)
    return body


def _note(call: Call, invoice: Body, value: int, pre: int, post: int) -> Body:
    object_id = call.new_id("credit_note")
    sequence = call.store.next_number("credit_note:" + invoice["id"])
    return {
        "id": object_id,
        "object": "credit_note",
        "amount": value,
        "amount_shipping": 0,
        "created": call.now,
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "customer_balance_transaction": None,
        "discount_amount": 0,
        "effective_at": call.now,
        "invoice": invoice["id"],
        "lines": objects.list_object(f"/v1/credit_notes/{object_id}/lines", []),
        "livemode": False,
        "memo": None,
        "metadata": {},
        "number": f"{invoice['number']}-CN-{sequence:02d}",
        "out_of_band_amount": 0,
        "pdf": f"https://pay.stripe.com/credit_notes/{object_id}/pdf",
        "post_payment_amount": post,
        "pre_payment_amount": pre,
        "reason": None,
        "refunds": [],
        "status": "issued",
        "subtotal": value,
        "total": value,
        "type": "mixed" if pre and post else "pre_payment" if pre else "post_payment",
        "voided_at": None,
    }


def _refund(call: Call, invoice: Body, parts: dict[str, int]) -> str:
    for payment in invoice["payments"]["data"]:
        intent = call.load("payment_intent", payment["payment"]["payment_intent"])
        charge = call.load("charge", intent["latest_charge"])
        if charge["amount_captured"] - charge["amount_refunded"] >= parts["refund_amount"]:
            return str(give_back(call, charge, parts["refund_amount"])["id"])
    raise NotAllowed("The invoice has no payment with this amount left to refund.", param="refund_amount")


def _apply(call: Call, invoice: Body, pre: int, post: int) -> None:
    """Moves the invoice by the note's parts; negative ones undo."""
    after = {**invoice}
    after["pre_payment_credit_notes_amount"] += pre
    after["post_payment_credit_notes_amount"] += post
    after["amount_due"] -= pre
    after["amount_remaining"] -= pre
    if invoice["status"] == "open" and pre > 0 and after["amount_remaining"] == 0:
        after["status"] = "paid"
        after["status_transitions"] = {**invoice["status_transitions"], "paid_at": call.now}
    call.update(after, "invoice.updated", before=invoice)
    if after["status"] != invoice["status"]:
        call.emit("invoice.paid", after)


def _void(call: Call, ids: tuple[str, ...], _: Body) -> Body:
    note = call.load("credit_note", ids[0])
    invoice = call.load("invoice", note["invoice"])
    if note["status"] == "void" or note["post_payment_amount"] or invoice["status"] != "open":
        raise NotAllowed("Only an issued credit note of an open invoice can be voided.")
    _apply(call, invoice, -note["pre_payment_amount"], 0)
    return call.update({**note, "status": "void", "voided_at": call.now}, "credit_note.voided")


OPERATIONS = (
    Operation(
        "POST",
        "/v1/credit_notes",
        _create,
        {
            "invoice": text,
            "amount": amount,
            "refund_amount": integer,
            "credit_amount": integer,
            "out_of_band_amount": integer,
            "memo": text,
            "reason": one_of("duplicate", "fraudulent", "order_change", "product_unsatisfactory"),
            "metadata": metadata,
        },
        ("invoice", "amount"),
    ),
    updating("credit_note", "/v1/credit_notes/*", {"memo": text}, "credit_note.updated"),
    Operation("POST", "/v1/credit_notes/*/void", _void),
)
