"""The streams of a folder of extracts, in the connector's own normalised shape."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from arsync_pipelines.ports.source import Field, FieldKind, StreamSpec

Entity = Literal["customers", "invoices", "payments", "promises", "orders"]
ValueKind = Literal["text", "date", "amount", "currency", "boolean"]


@dataclass(frozen=True, slots=True)
class Canonical:
    """One canonical field: how its text is understood, and whether a row without it is set aside."""

    kind: ValueKind = "text"
    required: bool = False


FIELDS: dict[Entity, dict[str, Canonical]] = {
    "customers": {
        "customer_id": Canonical(required=True),
        "name": Canonical(),
        "country": Canonical(),
        "email": Canonical(),
        "phone": Canonical(),
        "tax_registration": Canonical(),
        "currency": Canonical("currency"),
    },
    "invoices": {
        "invoice_id": Canonical(required=True),
        "number": Canonical(),
        "customer_id": Canonical(required=True),
        "legal_entity": Canonical(),
        "invoice_date": Canonical("date", required=True),
        "due_date": Canonical("date", required=True),
        "amount": Canonical("amount", required=True),
        "currency": Canonical("currency", required=True),
        "disputed": Canonical("boolean"),
        "disputed_amount": Canonical("amount"),
        "settled_date": Canonical("date"),
        "settled_amount": Canonical("amount"),
    },
    "payments": {
        "payment_id": Canonical(required=True),
        "customer_id": Canonical(required=True),
        "invoice_id": Canonical(),
        "payment_date": Canonical("date", required=True),
        "amount": Canonical("amount", required=True),
        "currency": Canonical("currency", required=True),
        "legal_entity": Canonical(),
    },
    "promises": {
        "promise_id": Canonical(required=True),
        "customer_id": Canonical(required=True),
        "invoice_id": Canonical(),
        "made_date": Canonical("date", required=True),
        "promised_date": Canonical("date", required=True),
        "amount": Canonical("amount", required=True),
        "currency": Canonical("currency", required=True),
        "cancelled": Canonical("boolean"),
    },
    "orders": {
        "order_id": Canonical(required=True),
        "customer_id": Canonical(required=True),
        "legal_entity": Canonical(),
        "order_date": Canonical("date", required=True),
        "unbilled_amount": Canonical("amount", required=True),
        "currency": Canonical("currency", required=True),
        "released": Canonical("boolean"),
    },
}
"""Per entity of arsync.toml; `currency` may come from the connection's default."""

KEYS: dict[Entity, str] = {
    "customers": "customer_id",
    "invoices": "invoice_id",
    "payments": "payment_id",
    "promises": "promise_id",
    "orders": "order_id",
}
STREAM_ENTITY: dict[str, Entity] = {
    "customer": "customers",
    "invoice": "invoices",
    "payment": "payments",
    "promise": "promises",
    "order": "orders",
}


def _stream(name: str, description: str) -> StreamSpec:
    entity = STREAM_ENTITY[name]
    kinds: dict[ValueKind, FieldKind] = {"boolean": "boolean"}
    fields = [
        Field(column, kind=kinds.get(canonical.kind, "text"), required=canonical.required)
        for column, canonical in FIELDS[entity].items()
    ]
    return StreamSpec(
        system="files",
        name=name,
        primary_key=(KEYS[entity],),
        fields=(*fields, Field("file_name"), Field("file_line", kind="integer")),
        page_size=2000,
        delete_detection="full",
        description=description,
    )


STREAMS: tuple[StreamSpec, ...] = (
    _stream("customer", "Customers of the extracts; taken from the invoices where they have no extract of their own."),
    _stream("invoice", "Invoices of the extracts, settled or not. Dates ISO 8601, amounts plain decimals."),
    _stream("payment", "Payments of the extracts. Dates ISO 8601, amounts plain decimals."),
    _stream("promise", "Promises to pay, of any ERP's customers. Dates ISO 8601, amounts plain decimals."),
    _stream("order", "Orders with what of them is not billed yet, of any ERP's customers. Amounts plain decimals."),
)


def for_extracts(spec: StreamSpec, *, full: bool) -> StreamSpec:
    """The stream as one connection has it: rows vanish only where its extracts are complete."""
    return spec if full else replace(spec, delete_detection="none")
