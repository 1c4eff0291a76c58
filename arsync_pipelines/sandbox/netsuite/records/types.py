"""What the record types have in common: names, tables, values read from a body, uniqueness, ids."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import ApiError
from . import fields
from .fields import Field


@dataclass(frozen=True)
class RecordType:
    """`sublists` may appear in bodies; `type` is the transaction type, "" for customers."""

    name: str
    table: str
    fields: Mapping[str, Field]
    sublists: frozenset[str]
    type: str = ""
    kind: str = ""


TYPES: dict[str, RecordType] = {
    record.name: record
    for record in (
        RecordType("customer", "customer", fields.CUSTOMER, frozenset({"addressBook"})),
        RecordType("invoice", "transaction", fields.INVOICE, frozenset({"item"}), "CustInvc"),
        RecordType("creditmemo", "transaction", fields.CREDIT_MEMO, frozenset({"item", "apply"}), "CustCred"),
        RecordType("customerpayment", "transaction", fields.PAYMENT, frozenset({"apply"}), "CustPymt"),
        RecordType("deposit", "transaction", fields.DEPOSIT, frozenset({"other"}), "Deposit"),
    )
}


def record_type(name: str) -> RecordType:
    found = TYPES.get(name.lower())
    if found is None:
        raise ApiError(404, "NONEXISTENT_ID", f"Record type '{name}' does not exist or is not simulated.")
    return found


def resolve(db: sqlite3.Connection, record: RecordType, key: str) -> int | None:
    """The internal id of `123` or `eid:ABC`; None when there is no such record."""
    where, value = ("externalid = ?", key[4:]) if key.startswith("eid:") else ("id = ?", key)
    typed = " and type = ?" if record.type else ""
    values = (value, record.type) if record.type else (value,)
    row = db.execute(f'select id from "{record.table}" where {where}{typed}', values).fetchone()
    return None if row is None else int(row[0])


def existing(db: sqlite3.Connection, record: RecordType, key: str) -> int:
    found = resolve(db, record, key)
    if found is None:
        raise ApiError(404, "NONEXISTENT_ID", "The record instance does not exist. Provide a valid record instance ID.")
    return found


def values_of(db: sqlite3.Connection, record: RecordType, body: Mapping[str, Any]) -> dict[str, Any]:
    """Columns and values of the body's scalar fields and references. Unknown names were dealt with before."""
    values = {}
    for name, value in body.items():
        field = record.fields.get(name)
        if field is not None and field.writable:
            values[field.column] = fields.read(db, field, value, name)
    return values


def unknown_names(record: RecordType, body: Mapping[str, Any]) -> list[str]:
    known = {*record.fields, *record.sublists, "id", "links", "customForm"}
    return [name for name in body if name not in known]


def refuse_duplicate(db: sqlite3.Connection, record: RecordType, column: str, value: Any, own: int | None) -> None:
    if value is None:
        return
    query = f'select id from "{record.table}" where "{column}" = ? and id is not ?'
    if db.execute(query, (value, own)).fetchone():
        what = "ID" if column == "entityid" else "external ID"
        raise fields.user_error(
            f"A {record.name} record with this {what} already exists. You must enter a unique {what} for each record"
            " you create. (DUP_ENTITY)",
            "externalId" if column == "externalid" else "entityId",
        )


def next_id(db: sqlite3.Connection, record: RecordType) -> int:
    """Ids of the API: odd customers, transactions that are multiples of 8. Never reused, also not after a deletion."""
    name = f"next_{record.table}"
    saved = db.execute("select value from _meta where name = ?", (name,)).fetchone()
    number = int(saved[0]) if saved else 1
    db.execute("insert or replace into _meta values (?, ?)", (name, str(number + 1)))
    return number * 8 if record.type else number * 2 - 1


def next_application(db: sqlite3.Connection) -> int:
    saved = db.execute("select value from _meta where name = 'next_application'").fetchone()
    number = int(saved[0]) if saved else 1
    db.execute("insert or replace into _meta values ('next_application', ?)", (str(number + 1),))
    return number * 4 + 3
