"""Deposits through the record API: money into a bank account from whatever accounts the sublist `other` names.

Nothing keeps a deposit off a receivables control account, where it is no document of any customer.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import date
from typing import Any

from ..dates import day_of, wall_of
from ..ids import role_of
from ..projection.postings import Part
from ..projection.reference import period_of
from ..projection.settlement import remove
from ..projection.tables import upsert
from ..schema import TYPE_TEXTS
from .fields import amount, reference, user_error
from .transactions import rate_of, write_lines
from .types import RecordType, next_id, refuse_duplicate, values_of


def create(db: sqlite3.Connection, record: RecordType, body: Mapping[str, Any], now: int, today: date) -> int:
    values = {key: value for key, value in values_of(db, record, body).items() if value is not None}
    refuse_duplicate(db, record, "externalid", values.get("externalid"), None)
    bank = values.pop("account", None)
    if bank is None:
        raise user_error("Please enter value(s) for: Account.", "account")
    subsidiary, currency = db.execute(
        "select s.id, s.currency from account a join subsidiary s on s.id = a.subsidiary where a.id = ?", (bank,)
    ).fetchone()
    identity = next_id(db, record)
    row: dict[str, Any] = {
        "subsidiary": subsidiary, "currency": currency, "trandate": wall_of(today), "tranid": f"DEP{identity}",
        **values,
    }  # fmt: skip
    row.setdefault("exchangerate", rate_of(db, row["subsidiary"], row["currency"]))
    row.setdefault("postingperiod", period_of(day_of(row["trandate"])))
    parts = _parts(db, body, bank)
    row |= {
        "id": identity, "type": record.type, "recordtype": record.name, "foreigntotal": parts[0].amount, "posting": "T",
        "voided": "F", "isreversal": "F", "trandisplayname": f"{TYPE_TEXTS[record.type]} #{row['tranid']}",
        "createddate": now, "lastmodifieddate": now, "status": "A",
    }  # fmt: skip
    upsert(db, "transaction", " ".join(row), [tuple(row.values())])
    write_lines(db, identity, row | {"entity": None}, parts)
    return identity


def update(db: sqlite3.Connection, record: RecordType, identity: int, body: Mapping[str, Any], now: int) -> None:
    """`other`, where given, replaces all its lines."""
    values = values_of(db, record, body)
    bank = values.pop("account", None)
    sets = ", ".join(f'"{column}" = ?' for column in ("lastmodifieddate", *values))
    db.execute(f'update "transaction" set {sets} where id = ?', (now, *values.values(), identity))
    if "other" not in body:
        return
    if bank is None:
        bank = db.execute(
            'select account from transactionaccountingline where "transaction" = ? and transactionline = 0', (identity,)
        ).fetchone()[0]
    names = ("subsidiary", "exchangerate")
    found = db.execute(f'select {", ".join(names)} from "transaction" where id = ?', (identity,)).fetchone()
    parts = _parts(db, body, bank)
    db.execute('update "transaction" set foreigntotal = ? where id = ?', (parts[0].amount, identity))
    for table in ("transactionline", "transactionaccountingline"):
        db.execute(f'delete from {table} where "transaction" = ?', (identity,))
    write_lines(db, identity, {"entity": None, **dict(zip(names, found, strict=True))}, parts)


def delete(db: sqlite3.Connection, identity: int, now: int) -> None:
    name = db.execute('select tranid from "transaction" where id = ?', (identity,)).fetchone()[0]
    remove(db, identity, "Deposit", now, name)


def _parts(db: sqlite3.Connection, body: Mapping[str, Any], bank: int) -> list[Part]:
    items = (body.get("other") or {}).get("items") or []
    if not items:
        raise user_error("You must enter at least one line item for this transaction.", "other")
    parts = []
    for number, item in enumerate(items):
        path = f"other.items[{number}]"
        account = reference(db, "account", item.get("account"), f"{path}.account")
        if account // 10 != bank // 10:
            raise user_error("The account does not belong to the subsidiary of the deposit.", f"{path}.account")
        parts.append(Part(role_of(account), -amount(item.get("amount"), f"{path}.amount"), item.get("memo")))
    return [Part(role_of(bank), -sum(part.amount for part in parts)), *parts]
