"""Customers through the record API."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from ..projection.settlement import log_deletion
from ..projection.tables import upsert
from .fields import user_error
from .types import TYPES, next_id, refuse_duplicate, values_of

_TYPE = TYPES["customer"]


def create(db: sqlite3.Connection, body: Mapping[str, Any], now: int) -> int:
    values = values_of(db, _TYPE, body)
    missing = [
        label
        for name, label in (("companyname", "Company Name"), ("subsidiary", "Primary Subsidiary"))
        if not values.get(name)
    ]
    if missing:
        raise user_error(f"Please enter value(s) for: {', '.join(missing)}.")
    refuse_duplicate(db, _TYPE, "externalid", values.get("externalid"), None)
    refuse_duplicate(db, _TYPE, "entityid", values.get("entityid"), None)
    identity = next_id(db, _TYPE)
    base = db.execute("select currency from subsidiary where id = ?", (values["subsidiary"],)).fetchone()[0]
    defaults = {
        "entityid": f"CUS{identity}",
        "currency": base,
        "creditholdoverride": "AUTO",
        "isinactive": "F",
        "isperson": "F",
    }
    row = {**defaults, **{k: v for k, v in values.items() if v is not None}, "id": identity, "datecreated": now}
    _write(db, row, now)
    _write_address(db, identity, body, now)
    return identity


def update(db: sqlite3.Connection, identity: int, body: Mapping[str, Any], now: int) -> None:
    values = values_of(db, _TYPE, body)
    if "companyname" in values and not values["companyname"]:
        raise user_error("Please enter value(s) for: Company Name.", "companyName")
    for column in ("externalid", "entityid"):
        refuse_duplicate(db, _TYPE, column, values.get(column), identity)
    entity, company = db.execute("select entityid, companyname from customer where id = ?", (identity,)).fetchone()
    _write(db, {"entityid": entity, "companyname": company, **values, "id": identity}, now)
    _write_address(db, identity, body, now)


def delete(db: sqlite3.Connection, identity: int, now: int) -> None:
    if db.execute('select 1 from "transaction" where entity = ?', (identity,)).fetchone():
        raise user_error("This record cannot be deleted because it has dependent records.")
    name, external = db.execute("select fullname, externalid from customer where id = ?", (identity,)).fetchone()
    db.execute("delete from entityaddress where recordowner = ?", (identity,))
    db.execute("delete from customer where id = ?", (identity,))
    log_deletion(db, identity, "Customer", now, name, external)


def _write(db: sqlite3.Connection, row: dict[str, Any], now: int) -> None:
    names = {"altname": row["companyname"], "fullname": f"{row['entityid']} {row['companyname']}"}
    row = {**row, **names, "lastmodifieddate": now}
    if "datecreated" in row:
        upsert(db, "customer", " ".join(row), [tuple(row.values())])
    else:
        sets = ", ".join(f'"{column}" = ?' for column in row)
        db.execute(f"update customer set {sets} where id = ?", (*row.values(), row["id"]))


def _write_address(db: sqlite3.Connection, identity: int, body: Mapping[str, Any], now: int) -> None:
    """The first default billing (else the first) entry of the address book; one address is kept per customer."""
    items = (body.get("addressBook") or {}).get("items") or []
    if not items:
        return
    chosen = next((item for item in items if item.get("defaultBilling")), items[0])
    address = chosen.get("addressBookAddress") or {}
    country = address.get("country")
    code = country.get("id") if isinstance(country, dict) else country
    parts = [address.get(name) for name in ("addr1", "city", "state", "zip")]
    text = "\n".join(str(part) for part in (*parts, code) if part)
    upsert(
        db,
        "entityaddress",
        "nkey recordowner addressee addr1 city state zip country addrtext lastmodifieddate",
        [(identity, identity, address.get("addressee"), *parts, code, text, now)],
    )
    db.execute("update customer set defaultbillingaddress = ? where id = ?", (identity, identity))
