"""The month's end: open receivables in foreign currencies are revalued, and the next day takes that back.

A sum per subsidiary, currency and control account of (closing rate - rate of the document) x what is open of it, each
rounded, booked against Unrealized Gain/Loss. It is done once, with the first business after the month, at the rates of
the table.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from datetime import date, datetime, timedelta

from ..dates import instant_of, wall_of
from .postings import difference
from .revaluation import post

_OPEN = """
select t.subsidiary, t.currency, s.currency,
    exists (select 1 from customer k where k.id = t.entity and k.representingsubsidiary is not null),
    c.currencyprecision, t.exchangerate,
    case when t.type = 'CustInvc' then t.foreignamountunpaid else -t.foreignpaymentamountunused end
from "transaction" t join subsidiary s on s.id = t.subsidiary join currency c on c.id = s.currency
where t.currency <> s.currency and t.trandate <= ?
    and (t.type = 'CustInvc' and t.foreignamountunpaid <> 0
        or t.type in ('CustPymt', 'CustCred') and t.foreignpaymentamountunused <> 0)
"""
_RATE = """
select r.exchangerate from currencyrate r where r.basecurrency = ? and r.transactioncurrency = ?
order by r.effectivedate desc limit 1
"""


def close_month(db: sqlite3.Connection, now: datetime) -> None:
    """Revalue the end of the month before `now`, unless that was done."""
    last = now.date().replace(day=1) - timedelta(days=1)
    if db.execute("select 1 from _meta where name = 'closed' and value >= ?", (last.isoformat(),)).fetchone():
        return
    db.execute("insert or replace into _meta values ('closed', ?)", (last.isoformat(),))
    at = instant_of(now)
    for (subsidiary, currency, base, is_intercompany), amount in sorted(_variances(db, last).items()):
        for day, sign in ((last, 1), (last + timedelta(days=1), -1)):
            pair = (-wall_of(day) * sign, subsidiary * 100 + currency + is_intercompany * 50)
            control = "intercompany" if is_intercompany else "receivable"
            number = db.execute("insert into _revaluation (earlier, later) values (?, ?)", pair).lastrowid
            post(
                db, int(number or 0), subsidiary, base, sign * amount, wall_of(day), at, "unrealised", sign < 0, control
            )  # fmt: skip


def _variances(db: sqlite3.Connection, last: date) -> dict[tuple[int, int, int, int], int]:
    found: dict[tuple[int, int, int, int], int] = defaultdict(int)
    rows = db.execute(_OPEN, (wall_of(last),)).fetchall()
    for subsidiary, currency, base, is_intercompany, digits, rate, amount in rows:
        closing = db.execute(_RATE, (base, currency)).fetchone()
        if closing is not None:
            step = int(10 ** (2 - digits))
            found[subsidiary, currency, base, is_intercompany] += difference(amount, round(closing[0], 8), rate, step)
    return {key: amount for key, amount in found.items() if amount}
