"""ERP customers and their addresses; the party behind them gives name, address and tax registration."""

from __future__ import annotations

import sqlite3
from typing import Any

from ...core.world.records import MINOR_UNITS, Delta
from ..dates import instant_of
from ..ids import CURRENCIES, customer_id
from .tables import upsert

_COLUMNS = (
    "id subsidiary currency terms parent defaultbillingaddress entityid companyname altname fullname email phone"
    " creditholdoverride vatregnumber isinactive isperson url creditlimit representingsubsidiary datecreated"
    " lastmodifieddate party"
)


def project_customers(db: sqlite3.Connection, delta: Delta) -> None:
    db.executemany(
        "insert or replace into _party values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (p.id, p.legal_name, p.country, p.street, p.city, p.state, p.postal_code, p.phone, p.email, p.website,
             p.tax_id, instant_of(p.updated_at))
            for p in delta.parties
        ],
    )  # fmt: skip
    parties = _parties(db, {c.party_id for c in delta.erp_customers})
    rows = []
    for c in delta.erp_customers:
        party = parties[c.party_id]
        identity = customer_id(c.id)
        limit = None if c.credit_limit is None else c.credit_limit * 10 ** (2 - MINOR_UNITS[c.currency])
        parent = customer_id(c.parent_id) if c.parent_id is not None else None
        name = party["name"]
        rows.append(
            (
                identity, c.legal_entity_id, CURRENCIES[c.currency], c.terms_id, parent, identity, c.number, name, name,
                f"{c.number} {name}", party["email"] or None, party["phone"] or None, "ON" if c.credit_hold else "AUTO",
                party["tax_id"] or None, "T" if c.inactive else "F", "F", party["url"] or None, limit, c.represents,
                instant_of(c.created_at), max(instant_of(c.updated_at), party["updated"]), c.party_id,
            )
        )  # fmt: skip
    upsert(db, "customer", _COLUMNS, rows)
    upsert(
        db,
        "entityaddress",
        "nkey recordowner addressee addr1 city state zip country addrtext lastmodifieddate",
        [_address(row[0], row[-2], parties[row[-1]]) for row in rows],
    )
    done = {c.party_id for c in delta.erp_customers}
    _renew_parties(db, [p.id for p in delta.parties if p.id not in done])


def _renew_parties(db: sqlite3.Connection, ids: list[int]) -> None:
    """A party changed without its customer records: their shown fields follow it."""
    db.executemany(
        "update customer set companyname = p.name, altname = p.name, fullname = customer.entityid || ' ' || p.name,"
        " email = nullif(p.email, ''), phone = nullif(p.phone, ''), vatregnumber = nullif(p.tax_id, ''),"
        " url = nullif(p.url, ''), lastmodifieddate = max(lastmodifieddate, p.updated)"
        " from _party p where p.id = customer.party and customer.party = ?",
        [(identity,) for identity in ids],
    )
    addresses = []
    for identity, party in _parties(db, set(ids)).items():
        for customer, stamp in db.execute("select id, lastmodifieddate from customer where party = ?", (identity,)):
            addresses.append(_address(customer, stamp, party))
    upsert(
        db,
        "entityaddress",
        "nkey recordowner addressee addr1 city state zip country addrtext lastmodifieddate",
        addresses,
    )


def _address(customer: int, stamp: int, party: sqlite3.Row | dict[str, Any]) -> tuple[Any, ...]:
    parts = (party["street"], party["city"], party["state"], party["zip"], party["country"])
    full = "\n".join(part for part in (party["name"], *parts) if part)
    return (customer, customer, party["name"], *(part or None for part in parts), full, stamp)


def _parties(db: sqlite3.Connection, ids: set[int]) -> dict[int, dict[str, Any]]:
    names = [row[1] for row in db.execute("pragma table_info(_party)")]
    found = {}
    for identity in ids:
        row = db.execute("select * from _party where id = ?", (identity,)).fetchone()
        found[identity] = dict(zip(names, row, strict=True))
    return found
