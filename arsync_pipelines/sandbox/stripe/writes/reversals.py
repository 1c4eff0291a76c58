"""Money going back: refunds and disputes. Credit notes are in billing.py."""

from __future__ import annotations

from typing import Any

from .. import objects
from ..errors import Invalid, NotAllowed
from ..params import amount, boolean, check_precision, mapping, metadata, one_of, text
from .operation import Call, Operation, merge_metadata, updating
from .payments import book

Body = dict[str, Any]


def give_back(call: Call, charge: Body, value: int | None, **fields: Any) -> Body:
    """Refunds `value` (default: the rest) of a captured charge."""
    rest = charge["amount_captured"] - charge["amount_refunded"]
    if charge["refunded"] or rest <= 0:
        raise NotAllowed(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if charge["disputed"]:
        raise NotAllowed(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
    value = rest if value is None else value
    if value > rest:
        given, left = objects.decimal_text(value, charge["currency"]), objects.decimal_text(rest, charge["currency"])
        raise NotAllowed(
            f"Refund amount ({given}) is greater than unrefunded amount on charge ({left})", param="amount"
        )
    check_precision(value, charge["currency"])
    body = objects.refund(call.new_id("refund"), call.now, value, charge["currency"], charge["id"], **fields)
    body["payment_intent"] = charge["payment_intent"]
    body["balance_transaction"] = book(call, body, -value, 0, "refund")
    refunded = charge["amount_refunded"] + value
    after = {**charge, "amount_refunded": refunded, "refunded": refunded >= charge["amount_captured"]}
    call.create(body, "refund.created")
    call.update(after, "charge.refunded")
    return body


def _create_refund(call: Call, _: tuple[str, ...], params: Body) -> Body:
    charge_id = params.get("charge")
    if params.get("payment_intent"):
        charge_id = call.load("payment_intent", params["payment_intent"], param="payment_intent")["latest_charge"]
    if not charge_id:
        raise Invalid("One of the following params should be provided for this request: payment_intent or charge.")
    charge = call.load("charge", charge_id, param="charge")
    if charge["status"] != "succeeded" or not charge["captured"]:
        raise NotAllowed(f"Charge {charge_id} does not have a successful, captured payment to refund.", param="charge")
    fields = {"reason": params.get("reason"), "metadata": merge_metadata({}, params.get("metadata"))}
    return give_back(call, charge, params.get("amount"), **fields)


def _update_dispute(call: Call, ids: tuple[str, ...], params: Body) -> Body:
    before = call.load("dispute", ids[0])
    if before["status"] not in ("needs_response", "warning_needs_response"):
        raise NotAllowed(f"Dispute {ids[0]} can no longer be updated: its status is {before['status']}.")
    details = dict(before["evidence_details"])
    evidence = {**before["evidence"], **(params.get("evidence") or {})}
    details["has_evidence"] = bool(evidence)
    after = {**before, "evidence": evidence, "evidence_details": details}
    after["metadata"] = merge_metadata(before, params.get("metadata"))
    if params.get("submit", True) and params.get("evidence"):
        details["submission_count"] += 1
        after["status"] = "under_review"
    return call.update(after, "charge.dispute.updated", before=before)


def _close_dispute(call: Call, ids: tuple[str, ...], _: Body) -> Body:
    before = call.load("dispute", ids[0])
    if before["status"] in ("won", "lost"):
        raise NotAllowed(f"Dispute {ids[0]} is already closed.")
    return call.update({**before, "status": "lost"}, "charge.dispute.closed")


OPERATIONS = (
    Operation(
        "POST",
        "/v1/refunds",
        _create_refund,
        {
            "charge": text,
            "payment_intent": text,
            "amount": amount,
            "reason": one_of("duplicate", "fraudulent", "requested_by_customer"),
            "metadata": metadata,
        },
    ),
    updating("refund", "/v1/refunds/*", {}, "refund.updated"),
    Operation(
        "POST", "/v1/disputes/*", _update_dispute, {"evidence": mapping, "metadata": metadata, "submit": boolean}
    ),
    Operation("POST", "/v1/disputes/*/close", _close_dispute),
)
