"""Legal entities, currencies and rates, terms, accounts, periods, employees."""

from __future__ import annotations

import calendar
import json
import sqlite3
from datetime import date, datetime

from ...core.world.records import MINOR_UNITS, Delta
from ..dates import day_of, wall_of
from ..ids import ACCOUNTS, CURRENCIES, CURRENCY_NAMES, account_id
from .tables import upsert

# reference records have no stamp of their own in the world; the account was set up before its first document
SETUP = 1_672_531_200
FIRST_YEAR, LAST_YEAR = 2023, 2028


def period_of(day: date) -> int:
    return (day.year - FIRST_YEAR) * 12 + day.month


def period_of_wall(wall: int) -> int:
    return period_of(day_of(wall))


def project_reference(db: sqlite3.Connection, delta: Delta, now: datetime) -> None:
    if delta.legal_entities:
        _subsidiaries(db, delta)
    if delta.payment_terms:
        _terms(db, delta)
    if delta.exchange_rates or delta.legal_entities:
        _rates(db, delta)
    if delta.employees:
        people = [(e.id, e.name, e.name.partition(" ")[0], e.name.rpartition(" ")[2], e.email) for e in delta.employees]
        upsert(
            db,
            "employee",
            "id entityid firstname lastname email isinactive lastmodifieddate",
            [(*row, "F", SETUP) for row in people],
        )
    _periods(db, now.date())


def _subsidiaries(db: sqlite3.Connection, delta: Delta) -> None:
    upsert(
        db,
        "subsidiary",
        "id currency name fullname legalname country iselimination isinactive timezone functional lastmodifieddate",
        [
            (e.id, CURRENCIES[e.currency], e.name, e.name, e.name, e.country, "F", "F", e.time_zone, e.currency, SETUP)
            for e in delta.legal_entities
        ],
    )
    accounts = []
    for entity in delta.legal_entities:
        for role, (_, number, kind, name) in ACCOUNTS.items():
            full = f"{name} {entity.name}"
            shown = f"{number}-{entity.id} {full}"
            currency = CURRENCIES[entity.currency]
            accounts.append(
                (account_id(entity.id, role), currency, entity.id, f"{number}-{entity.id}", kind, full, shown)
            )
    upsert(
        db,
        "account",
        "id currency subsidiary acctnumber accttype fullname accountsearchdisplayname issummary isinactive"
        " lastmodifieddate",
        [(*row, "F", "F", SETUP) for row in accounts],
    )


def _terms(db: sqlite3.Connection, delta: Delta) -> None:
    rows = []
    for term in delta.payment_terms:
        discount = term.discount_percent or None
        instalments = "T" if term.instalments else "F"
        rows.append(
            (term.id, term.net_days, term.discount_days or None, term.name, "F", instalments, "F", discount, SETUP)
        )
    upsert(
        db,
        "term",
        "id daysuntilnetdue daysuntilexpiry name datedriven installment isinactive discountpercent lastmodifieddate",
        rows,
    )
    db.executemany(
        "insert or replace into _terms values (?, ?)", [(t.id, json.dumps(t.instalments)) for t in delta.payment_terms]
    )


def _rates(db: sqlite3.Connection, delta: Delta) -> None:
    if delta.exchange_rates:
        db.execute("insert or replace into _meta values ('rates', ?)", (json.dumps(delta.exchange_rates),))
    saved = db.execute("select value from _meta where name = 'rates'").fetchone()
    rates: dict[str, float] = json.loads(saved[0]) if saved else {}
    upsert(
        db,
        "currency",
        "id currencyprecision symbol name displaysymbol isbasecurrency isinactive exchangerate lastmodifieddate",
        [
            (
                number,
                MINOR_UNITS[code],
                code,
                CURRENCY_NAMES[code],
                code,
                "T" if code == "USD" else "F",
                "F",
                rates.get(code),
                SETUP,
            )
            for code, number in CURRENCIES.items()
        ],
    )
    functional = [code for (code,) in db.execute("select distinct functional from subsidiary")]
    pairs = [(base, code) for base in functional for code in CURRENCIES if base in rates and code in rates]
    start = wall_of(date(FIRST_YEAR, 1, 1))
    upsert(
        db,
        "currencyrate",
        "id basecurrency transactioncurrency exchangerate effectivedate lastmodifieddate",
        [
            (
                CURRENCIES[base] * 100 + CURRENCIES[code],
                CURRENCIES[base],
                CURRENCIES[code],
                rates[code] / rates[base],
                start,
                SETUP,
            )
            for base, code in pairs
        ],
    )


def _periods(db: sqlite3.Connection, today: date) -> None:
    """Months; a month closes when the next but one begins."""
    open_from = period_of(today) - 1
    latest = db.execute("select count(*), coalesce(sum(closed = 'T'), 0) from accountingperiod").fetchone()
    if latest == ((LAST_YEAR - FIRST_YEAR + 1) * 12, max(0, open_from - 1)):
        return
    rows = []
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        for month in range(1, 13):
            first, last = date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
            number = period_of(first)
            closed = "T" if number < open_from else "F"
            name = f"{calendar.month_abbr[month]} {year}"
            rows.append((number, name, closed, wall_of(first), wall_of(last), "T", "F", "F", "F", "F", SETUP))
    upsert(
        db,
        "accountingperiod",
        "id periodname closed startdate enddate isposting isquarter isyear isadjust isinactive lastmodifieddate",
        rows,
    )
