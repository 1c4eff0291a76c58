"""Invoices, credit memos and customer payments through the record API, with their lines, postings and applications."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import date
from typing import Any

from ..dates import day_of, wall_of
from ..ids import role_of
from ..projection.postings import LINE_COLUMNS, POSTING_COLUMNS, Head, Part, lines_of
from ..projection.reference import period_of
from ..projection.settlement import rebuild_links, remove, settle
from ..projection.tables import upsert
from ..schema import TYPE_TEXTS
from .fields import amount, invalid, reference, user_error
from .types import RecordType, next_application, next_id, refuse_duplicate, values_of

_APPLY_LINE = {"CustPymt": 1, "CustCred": 0}


def create(db: sqlite3.Connection, record: RecordType, body: Mapping[str, Any], now: int, today: date) -> int:
    values = {key: value for key, value in values_of(db, record, body).items() if value is not None}
    refuse_duplicate(db, record, "externalid", values.get("externalid"), None)
    if "entity" not in values:
        raise user_error("Please enter value(s) for: Customer.", "customer" if record.type == "CustPymt" else "entity")
    customer = db.execute(
        "select subsidiary, currency, terms from customer where id = ?", (values["entity"],)
    ).fetchone()
    identity = next_id(db, record)
    account = values.pop("account", None)
    row: dict[str, Any] = {
        "subsidiary": customer[0],
        "currency": customer[1],
        "trandate": wall_of(today),
        "tranid": f"{record.name[:3].upper()}{identity}",
        **values,
    }
    row.setdefault("exchangerate", rate_of(db, row["subsidiary"], row["currency"]))
    row.setdefault("postingperiod", period_of(day_of(row["trandate"])))
    if record.type == "CustInvc":
        row.setdefault("terms", customer[2])
        row.setdefault("duedate", _due(db, row.get("terms"), row["trandate"]))
    parts = _parts(record, body, row, account)
    total = row["foreigntotal"] = _total(parts)
    row |= {
        "id": identity, "type": record.type, "recordtype": record.name,
        "posting": "T", "voided": "F", "isreversal": "F",
        "trandisplayname": f"{TYPE_TEXTS[record.type]} #{row['tranid']}", "createddate": now, "lastmodifieddate": now,
        "status": {"CustInvc": "A", "CustCred": "A", "CustPymt": "B"}[record.type],
    }  # fmt: skip
    if record.type == "CustInvc":
        row |= {"foreignamountpaid": 0, "foreignamountunpaid": total}
    else:
        row |= {"foreignpaymentamountused": 0, "foreignpaymentamountunused": abs(total)}
    upsert(db, "transaction", " ".join(row), [tuple(row.values())])
    write_lines(db, identity, row, parts)
    _apply(db, record, identity, body, now)
    return identity


def update(db: sqlite3.Connection, record: RecordType, identity: int, body: Mapping[str, Any], now: int) -> None:
    values = values_of(db, record, body)
    refuse_duplicate(db, record, "externalid", values.get("externalid"), identity)
    account = values.pop("account", None)
    amounts = "foreigntotal" in values or "item" in body or account is not None
    sets = ", ".join(f'"{column}" = ?' for column in ("lastmodifieddate", *values))
    db.execute(f'update "transaction" set {sets} where id = ?', (now, *values.values(), identity))
    if amounts:
        names = ("entity", "subsidiary", "currency", "exchangerate", "foreigntotal")
        found = db.execute(f'select {", ".join(names)} from "transaction" where id = ?', (identity,)).fetchone()
        row = dict(zip(names, found, strict=True))
        parts = _parts(record, body, row, account)
        db.execute('update "transaction" set foreigntotal = ? where id = ?', (_total(parts), identity))
        for table in ("transactionline", "transactionaccountingline"):
            db.execute(f'delete from {table} where "transaction" = ?', (identity,))
        write_lines(db, identity, row, parts)
    _apply(db, record, identity, body, now)


def delete(db: sqlite3.Connection, record: RecordType, identity: int, now: int) -> None:
    if db.execute("select 1 from nexttransactionlinelink where previousdoc = ?", (identity,)).fetchone():
        raise user_error("This transaction cannot be deleted because it is linked to by one or more transactions.")
    name = db.execute('select tranid from "transaction" where id = ?', (identity,)).fetchone()[0]
    remove(db, identity, record.type, now, name)
    settle(db)


def _parts(record: RecordType, body: Mapping[str, Any], row: dict[str, Any], account: int | None) -> list[Part]:
    if record.type == "CustPymt":
        total = row.get("foreigntotal")
        if not total or total < 0:
            raise user_error("Please enter value(s) for: Payment Amount.", "payment")
        role = role_of(account) if account is not None else "clearing"
        return [Part(role, total), Part("receivable", -total)]
    items = (body.get("item") or {}).get("items") or []
    if not items:
        raise user_error("You must enter at least one line item for this transaction.", "item")
    sign = 1 if record.type == "CustInvc" else -1
    parts = []
    for number, item in enumerate(items):
        path = f"item.items[{number}]"
        quantity = float(item.get("quantity", 1))
        value = item.get("amount")
        cents = amount(value, f"{path}.amount") if value is not None else None
        if cents is None:
            if "rate" not in item:
                raise invalid(
                    f"{path}.amount", "Invalid content in the request body: a line needs an amount or a rate."
                )
            cents = round(amount(item["rate"], f"{path}.rate") * quantity)
        chosen = item.get("item")
        article = chosen.get("id") if isinstance(chosen, dict) else chosen
        if not str(article or "").isdigit():
            raise invalid(f"{path}.item", "Please choose an item to add.")
        parts.append(Part("revenue", -sign * cents, item.get("description"), int(str(article)), -sign * quantity))
    return [Part("receivable", -sum(part.amount for part in parts)), *parts]


def _total(parts: list[Part]) -> int:
    """Main line: the bank side of a payment, the receivable side of sales documents (negative for credit memos)."""
    return parts[0].amount


def write_lines(db: sqlite3.Connection, identity: int, row: dict[str, Any], parts: list[Part]) -> None:
    functional = db.execute(
        "select c.currencyprecision from subsidiary s join currency c on c.id = s.currency where s.id = ?",
        (row["subsidiary"],),
    ).fetchone()[0]
    head = Head(identity, row["entity"], row["subsidiary"], row["exchangerate"], 10 ** (2 - functional))
    lines, postings = lines_of(head, parts)
    upsert(db, "transactionline", LINE_COLUMNS, lines)
    upsert(db, "transactionaccountingline", POSTING_COLUMNS, postings)


def _apply(db: sqlite3.Connection, record: RecordType, identity: int, body: Mapping[str, Any], now: int) -> None:
    """The apply sublist: each line sets the whole amount applied to its document; `apply: false` or 0 unapplies."""
    items = (body.get("apply") or {}).get("items") or []
    db.execute("insert or ignore into touched values (?, ?)", (identity, now))
    for number, item in enumerate(items):
        path = f"apply.items[{number}]"
        document = reference(db, "transaction", item.get("doc"), f"{path}.doc")
        facts = db.execute(
            'select type, entity, currency, trandate from "transaction" where id = ?', (document,)
        ).fetchone()
        own = db.execute(
            'select entity, currency, trandate, foreigntotal from "transaction" where id = ?', (identity,)
        ).fetchone()
        if facts[0] != "CustInvc" or facts[1:3] != own[0:2]:
            raise user_error(
                "The transaction cannot be applied: it is no open invoice of this customer and currency.", path
            )
        db.execute("delete from _application where nextdoc = ? and previousdoc = ?", (identity, document))
        due = _open(db, document)
        free = abs(own[3]) - _used(db, identity)
        wanted = min(due, free) if "amount" not in item else amount(item["amount"], f"{path}.amount")
        if item.get("apply", True) and wanted:
            if wanted < 0 or wanted > due:
                raise user_error("The amount to apply cannot exceed the amount due.", f"{path}.amount")
            if wanted > free:
                raise user_error("The amount applied cannot exceed the amount of the payment.", f"{path}.amount")
            day = max(facts[3], own[2])
            line = _APPLY_LINE[record.type]
            values = (identity, document, next_application(db), 0, line, "CustInvc", record.type, wanted, day)
            db.execute("insert into _application values (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        db.execute("insert or ignore into touched values (?, ?)", (document, now))
    if items:
        rebuild_links(db, [(identity,)])
    settle(db)


def _open(db: sqlite3.Connection, document: int) -> int:
    return int(
        db.execute(
            "select foreigntotal - coalesce((select sum(amount) from _application where previousdoc = t.id), 0)"
            ' from "transaction" t where id = ?',
            (document,),
        ).fetchone()[0]
    )


def _used(db: sqlite3.Connection, identity: int) -> int:
    query = "select coalesce(sum(amount), 0) from _application where nextdoc = ? or previousdoc = ?"
    return int(db.execute(query, (identity, identity)).fetchone()[0])


def rate_of(db: sqlite3.Connection, subsidiary: int, currency: int) -> float:
    row = db.execute(
        "select r.exchangerate from currencyrate r join subsidiary s on s.currency = r.basecurrency"
        " where s.id = ? and r.transactioncurrency = ? order by r.effectivedate desc",
        (subsidiary, currency),
    ).fetchone()
    # at the eight decimals that documents are posted with
    return round(float(row[0]), 8) if row else 1.0


def _due(db: sqlite3.Connection, terms: int | None, trandate: int) -> int:
    row = db.execute("select daysuntilnetdue from term where id = ?", (terms,)).fetchone()
    return trandate + 86_400 * int(row[0] if row else 0)
