"""The streams of a Stripe account: raw columns, keys, cursors and how deletes are seen.

How a stream is kept current (events, re-list) is `source.py`. Amounts are integers in the currency's smallest unit,
times are unix seconds.
"""

from __future__ import annotations

from datetime import timedelta

from arsync_pipelines.ports.source import CursorSpec, Field, FieldKind, StreamSpec

PAGE_SIZE = 100
"""Largest `limit` of a Stripe list."""

OVERLAP = timedelta(minutes=10)
"""How far back of the newest known object or event a read starts, for those that became visible late."""

_KINDS: dict[str, FieldKind] = {"int": "integer", "bool": "boolean", "json": "json"}


def _stream(
    name: str, columns: str, required: str, description: str, *, cursor: str = "", deleted_flag: str = ""
) -> StreamSpec:
    needed = {"id", *required.split()}
    fields = []
    for column in columns.split():
        column_name, _, kind = column.partition(":")
        fields.append(Field(column_name, kind=_KINDS.get(kind, "text"), required=column_name in needed))
    return StreamSpec(
        system="stripe",
        name=name,
        primary_key=("id",),
        fields=tuple(fields),
        cursor=CursorSpec(cursor, timedelta(seconds=1), OVERLAP) if cursor else None,
        page_size=PAGE_SIZE,
        delete_detection="flag" if deleted_flag else "none",
        deleted_flag=deleted_flag,
        description=description,
    )


CUSTOMER = _stream(
    "customer",
    "id name email phone currency balance:int delinquent:bool metadata:json address:json created:int deleted:bool",
    "deleted",
    "Customers of the processor; `balance` below zero is credit owed to the customer.",
    deleted_flag="deleted",
)
INVOICE = _stream(
    "invoice",
    "id number status customer currency amount_due:int amount_paid:int amount_remaining:int total:int due_date:int "
    "created:int metadata:json payments:json status_transitions:json",
    "status currency created",
    "Invoices issued by the processor, with the payments made on them.",
)
CHARGE = _stream(
    "charge",
    "id amount:int amount_captured:int amount_refunded:int currency customer payment_intent balance_transaction "
    "paid:bool captured:bool refunded:bool disputed:bool status failure_code metadata:json created:int",
    "amount currency status created",
    "Attempts to collect money, successful or not.",
)
REFUND = _stream(
    "refund",
    "id amount:int currency charge payment_intent status reason balance_transaction metadata:json created:int",
    "amount currency created",
    "Money given back on a charge.",
)
DISPUTE = _stream(
    "dispute",
    "id amount:int currency charge payment_intent reason status evidence_details:json created:int",
    "amount currency status created",
    "Chargebacks and inquiries.",
)
PAYOUT = _stream(
    "payout",
    "id amount:int currency arrival_date:int status automatic:bool created:int",
    "amount currency status created",
    "Transfers of settled money to the company's bank.",
    cursor="created",
)
BALANCE_TRANSACTION = _stream(
    "balance_transaction",
    "id amount:int fee:int net:int currency type reporting_category source status available_on:int created:int",
    "amount currency type created",
    "Everything that moved the processor's balance: gross, fee and net.",
    cursor="created",
)
PAYOUT_TRANSACTION = _stream(
    "payout_transaction",
    "id payout type currency amount:int fee:int net:int source created:int",
    "payout type currency amount created",
    "Which balance transactions a payout pays out; they do not say so themselves, so each payout is asked.",
)
EVENT = _stream(
    "event",
    "id type created:int object_id object_type",
    "type created",
    "What happened to which object; never its body, since an event is a hint and the object is read again.",
    cursor="created",
)

STREAMS: tuple[StreamSpec, ...] = (
    CUSTOMER,
    INVOICE,
    CHARGE,
    REFUND,
    DISPUTE,
    PAYOUT,
    BALANCE_TRANSACTION,
    PAYOUT_TRANSACTION,
    EVENT,
)
