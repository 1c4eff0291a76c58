"""Customers and their credit balance (negative: we owe the customer)."""

from __future__ import annotations

from typing import Any

from .. import objects
from ..params import currency, integer, mapping, metadata, one_of, text
from .operation import Call, Operation, changed, updating

Body = dict[str, Any]

_FIELDS = {
    "address": mapping,
    "balance": integer,
    "business_name": text,
    "description": text,
    "email": text,
    "individual_name": text,
    "name": text,
    "phone": text,
    "shipping": mapping,
    "tax_exempt": one_of("none", "exempt", "reverse"),
}


def _create(call: Call, _: tuple[str, ...], params: Body) -> Body:
    body = objects.customer(call.new_id("customer"), call.now)
    return call.create(changed(body, params), "customer.created")


def _delete(call: Call, ids: tuple[str, ...], _: Body) -> Body:
    body = call.load("customer", ids[0])
    stub = objects.deleted("customer", ids[0], body["created"])
    call.store.put(stub)
    call.journal.append(("delete", "customer", ids[0], {"id": ids[0], "deleted": True}))
    call.emit("customer.deleted", body)
    return stub


def adjust_balance(call: Call, customer_id: str, amount: int, code: str, kind: str, **fields: Any) -> Body:
    """Books `amount` on the customer's balance and returns the customer balance transaction."""
    before = call.load("customer", customer_id, param="customer")
    after = {**before, "balance": before["balance"] + amount, "currency": before["currency"] or code}
    call.update(after, "customer.updated", before=before)
    entry = {
        "id": call.new_id("customer_balance_transaction"),
        "object": "customer_balance_transaction",
        "amount": amount,
        "created": call.now,
        "credit_note": None,
        "currency": code,
        "customer": customer_id,
        "description": None,
        "ending_balance": after["balance"],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "type": kind,
        **fields,
    }
    return call.create(entry)


def _adjust(call: Call, ids: tuple[str, ...], params: Body) -> Body:
    call.load("customer", ids[0])
    fields = {"description": params.get("description"), "metadata": params.get("metadata") or {}}
    return adjust_balance(call, ids[0], params["amount"], params["currency"], "adjustment", **fields)


OPERATIONS = (
    Operation("POST", "/v1/customers", _create, {"metadata": metadata, **_FIELDS}),
    updating("customer", "/v1/customers/*", _FIELDS, "customer.updated"),
    Operation("DELETE", "/v1/customers/*", _delete),
    Operation(
        "POST",
        "/v1/customers/*/balance_transactions",
        _adjust,
        {"amount": integer, "currency": currency, "description": text, "metadata": metadata},
        ("amount", "currency"),
    ),
)
