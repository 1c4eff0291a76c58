"""Ids as Stripe writes them: a prefix that tells the kind, and an opaque rest. No storage here."""

from __future__ import annotations

import secrets

PREFIXES = {
    "customer": "cus",
    "invoice": "in",
    "invoiceitem": "ii",
    "invoice_payment": "inpay",
    "payment_intent": "pi",
    "charge": "ch",
    "refund": "re",
    "credit_note": "cn",
    "dispute": "du",
    "balance_transaction": "txn",
    "customer_balance_transaction": "cbtxn",
    "payout": "po",
    "event": "evt",
    "webhook_endpoint": "we",
}
KINDS = {prefix: kind for kind, prefix in PREFIXES.items()}

WORLD_KINDS = {
    "processor_customer": "customer",
    "processor_charge": "charge",
    "processor_refund": "refund",
    "processor_dispute": "dispute",
    "payout": "payout",
}


def world_id(kind: str, number: int, part: str = "") -> str:
    """Id of an object that comes from the world's record `number`; `part` tells apart several made from one record.

    Deterministic, so that the same seed gives the same ids in every stand-in.
    """
    return f"{PREFIXES[kind]}_{part}{number:014d}"


def new_id(kind: str) -> str:
    """Id of an object made through the API; random, so never one of the world's."""
    return f"{PREFIXES[kind]}_1{secrets.token_hex(11)}"


def kind_of(object_id: str) -> str | None:
    """The kind that an id's prefix announces, or None."""
    return KINDS.get(object_id.partition("_")[0])
