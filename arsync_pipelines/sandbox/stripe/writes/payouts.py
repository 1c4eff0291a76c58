"""Payouts that somebody orders by hand. The automatic ones come from the world."""

from __future__ import annotations

from typing import Any

from .. import objects
from ..errors import NotAllowed
from ..params import amount, currency, metadata, text
from ..store import Store
from .operation import Call, Operation, merge_metadata, updating
from .payments import book

Body = dict[str, Any]


def balance(store: Store, now: int) -> Body:
    """The account's balance by currency: sums of the net of balance transactions, available or not yet."""
    rows = store.execute(
        "select json_extract(body, '$.currency'), json_extract(body, '$.available_on') <= ?,"
        " sum(json_extract(body, '$.net')) from object where kind = 'balance_transaction' group by 1, 2",
        (now,),
    )
    result: Body = {"object": "balance", "available": [], "livemode": False, "pending": []}
    for code in sorted({row[0] for row in rows}):
        for name, flag in (("available", 1), ("pending", 0)):
            value = sum(row[2] for row in rows if row[0] == code and row[1] == flag)
            result[name].append({"amount": value, "currency": code, "source_types": {"card": value}})
    return result


def _create(call: Call, _: tuple[str, ...], params: Body) -> Body:
    available = {item["currency"]: item["amount"] for item in balance(call.store, call.now)["available"]}
    if params["amount"] > available.get(params["currency"], 0):
        raise NotAllowed("You have insufficient funds in your Stripe account.", code="balance_insufficient")
    body = objects.payout(
        call.new_id("payout"), call.now, params["amount"], params["currency"], call.now + 2 * 86400, automatic=False
    )
    body.update(status="pending", reconciliation_status="not_applicable", description=params.get("description"))
    body["metadata"] = merge_metadata({}, params.get("metadata"))
    body["balance_transaction"] = book(call, body, -params["amount"], 0, "payout")
    return call.create(body, "payout.created")


def _cancel(call: Call, ids: tuple[str, ...], _: Body) -> Body:
    body = call.load("payout", ids[0])
    if body["status"] != "pending":
        raise NotAllowed(f"Payout {ids[0]} cannot be canceled: its status is {body['status']}.")
    book(call, body, body["amount"], 0, "payout_cancel", available_on=call.now)
    return call.update({**body, "status": "canceled"}, "payout.canceled")


OPERATIONS = (
    Operation(
        "POST",
        "/v1/payouts",
        _create,
        {"amount": amount, "currency": currency, "description": text, "metadata": metadata},
        ("amount", "currency"),
    ),
    updating("payout", "/v1/payouts/*", {}, "payout.updated"),
    Operation("POST", "/v1/payouts/*/cancel", _cancel),
)
