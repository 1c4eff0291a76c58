"""Exchange differences as currency revaluations (`FxReval`) in the subsidiary's currency, which follow the documents.

Of every application between documents in a foreign currency: (rate of the settling document - rate of the settled) x
amount, rounded, on the day of the application. Of every document that is settled whole: what rounding left of it on the
receivable account, on the day of its last application.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from ..ids import revaluation_id
from ..schema import TYPE_TEXTS
from .postings import LINE_COLUMNS, POSTING_COLUMNS, Head, Part, difference, functional, lines_of
from .reference import period_of_wall
from .tables import upsert

_FOREIGN = """
insert into foreign_document select t.id from "transaction" t join subsidiary s on s.id = t.subsidiary
where t.id in (select id from touched) and t.currency <> s.currency
"""
_OTHER_ENDS = """
insert or ignore into foreign_document
select previousdoc from nexttransactionlinelink where nextdoc in (select id from foreign_document)
union select nextdoc from nexttransactionlinelink where previousdoc in (select id from foreign_document)
"""
_LINKS = """
select l.previousdoc, l.nextdoc, sum(l.foreignamount), max(l.applied_on), l.previoustype in ('CustInvc', 'Journal'),
    p.exchangerate, n.exchangerate
from nexttransactionlinelink l
join "transaction" p on p.id = l.previousdoc
join "transaction" n on n.id = l.nextdoc
where l.linktype = 'Payment'
    and (l.previousdoc in (select id from foreign_document) or l.nextdoc in (select id from foreign_document))
group by l.previousdoc, l.nextdoc order by l.previousdoc, l.nextdoc
"""
_DOCUMENTS = """
select t.id,
    abs(t.foreigntotal) + case t.type when 'CustPymt' then coalesce(
        (select l.foreignamount from transactionline l where l."transaction" = t.id and l.id = 2), 0) else 0 end,
    t.subsidiary, s.currency, t.lastmodifieddate,
    (select c.currencyprecision from currency c where c.id = s.currency),
    (select sum(a.amount) from transactionaccountingline a
     where a."transaction" = t.id and a.account in (select id from account where accttype = 'AcctRec')),
    (select c.representingsubsidiary is not null from customer c where c.id = t.entity)
from "transaction" t join subsidiary s on s.id = t.subsidiary
where t.id in (select id from foreign_document)
    or t.id in (select previousdoc from nexttransactionlinelink where nextdoc in (select id from foreign_document))
    or t.id in (select nextdoc from nexttransactionlinelink where previousdoc in (select id from foreign_document))
"""
_HELD = """
select r.earlier, r.later, r.id, t.foreigntotal, t.trandate from _revaluation r
left join "transaction" t on t.id = r.id * 8 + 6
where r.earlier in (select id from foreign_document) or r.later in (select id from foreign_document)
"""
Pair = tuple[int, int]
"""Earlier and later document; a document and itself for what rounding left."""


class Document(NamedTuple):
    """`posted`: to the receivable account, in the subsidiary's currency; amounts in hundredths."""

    id: int
    total: int
    subsidiary: int
    currency: int
    modified: int
    digits: int
    posted: int
    is_intercompany: int

    @property
    def step(self) -> int:
        return int(10 ** (2 - self.digits))


class Entry(NamedTuple):
    """One revaluation as it should stand: a gain is positive and debits the receivable account."""

    document: Document
    amount: int
    day: int
    modified: int
    role: str


def revalue(db: sqlite3.Connection) -> None:
    """Bring the revaluations of the transactions in `touched` up to date."""
    db.execute("create temp table if not exists foreign_document (id integer primary key)")
    db.execute("delete from foreign_document")
    db.execute(_FOREIGN)
    if db.execute("select 1 from foreign_document").fetchone() is None:
        return
    db.execute(_OTHER_ENDS)
    wanted = _wanted(db)
    held = {(row[0], row[1]): row[2:] for row in db.execute(_HELD)}
    for pair, (number, *_shown) in held.items():
        if pair not in wanted:
            _drop(db, [(pair, number)], max(_modified(db, pair), default=0))
    for pair, entry in sorted(wanted.items()):
        if pair not in held:
            number = db.execute("insert into _revaluation (earlier, later) values (?, ?)", pair).lastrowid
            _write(db, int(number or 0), entry)
        elif held[pair][1:] != (entry.amount, entry.day):
            _write(db, held[pair][0], entry)


def forget(db: sqlite3.Connection, identity: int, at: int) -> None:
    """A transaction is gone, and so are its revaluations."""
    rows = db.execute(
        "select earlier, later, id from _revaluation where earlier = ? or later = ?", (identity, identity)
    )
    _drop(db, [((row[0], row[1]), row[2]) for row in rows.fetchall()], at)


def _wanted(db: sqlite3.Connection) -> dict[Pair, Entry]:
    documents = {row[0]: Document(*row) for row in db.execute(_DOCUMENTS)}
    concerned = {row[0] for row in db.execute("select id from foreign_document")}
    found: dict[Pair, Entry] = {}
    applied: dict[int, int] = defaultdict(int)
    left = {identity: document.posted or 0 for identity, document in documents.items()}
    last: dict[int, int] = defaultdict(int)
    for previous, following, amount, day, is_debit, previous_rate, next_rate in db.execute(_LINKS):
        debit, credit = (previous, following) if is_debit else (following, previous)
        rate, own = (next_rate, previous_rate) if is_debit else (previous_rate, next_rate)
        document = documents[debit]
        realised = difference(amount, rate, own, document.step)
        settled = functional(amount, rate, document.step)
        left[debit] += realised - settled
        left[credit] += settled
        modified = max(document.modified, documents[credit].modified)
        if realised:
            found[previous, following] = Entry(document, realised, day, modified, "realised")
        for end in (debit, credit):
            applied[end] += amount
            last[end] = max(last[end], day)
    for identity in sorted(concerned):
        document = documents[identity]
        if applied[identity] and applied[identity] == document.total and left[identity]:
            entry = Entry(document, -left[identity], last[identity], document.modified, "rounding")
            found[identity, identity] = entry
    return found


def _modified(db: sqlite3.Connection, pair: Pair) -> Iterable[int]:
    query = 'select lastmodifieddate from "transaction" where id in (?, ?)'
    return [row[0] for row in db.execute(query, pair)]


def _write(db: sqlite3.Connection, number: int, entry: Entry) -> None:
    document = entry.document
    control = "intercompany" if document.is_intercompany else "receivable"
    post(
        db, number, document.subsidiary, document.currency, entry.amount, entry.day, entry.modified, entry.role, False,
        control,
    )  # fmt: skip


def post(
    db: sqlite3.Connection, number: int, subsidiary: int, currency: int, amount: int, day: int, at: int, role: str,
    is_reversal: bool, control: str = "receivable",
) -> None:  # fmt: skip
    """One revaluation: `amount` (hundredths of the subsidiary's currency) to a control account, against `role`."""
    identity, name = revaluation_id(number), f"CRV{number:07d}"
    row = {
        "id": identity, "subsidiary": subsidiary, "currency": currency, "tranid": name,
        "postingperiod": period_of_wall(day), "type": "FxReval", "recordtype": "fxreval",
        "trandisplayname": f"{TYPE_TEXTS['FxReval']} #{name}", "posting": "T", "voided": "F",
        "isreversal": "T" if is_reversal else "F", "exchangerate": 1.0, "foreigntotal": amount, "trandate": day,
        "createddate": at, "lastmodifieddate": at,
    }  # fmt: skip
    upsert(db, "transaction", " ".join(row), [tuple(row.values())])
    parts = [Part(control, amount), Part(role, -amount)]
    lines, postings = lines_of(Head(identity, None, subsidiary, 1.0, 1), parts)
    # what a difference is booked against may change with it
    db.execute('delete from transactionaccountingline where "transaction" = ?', (identity,))
    upsert(db, "transactionline", LINE_COLUMNS, lines)
    upsert(db, "transactionaccountingline", POSTING_COLUMNS, postings)


def _drop(db: sqlite3.Connection, entries: list[tuple[Pair, int]], at: int) -> None:
    for pair, number in entries:
        identity = revaluation_id(number)
        db.execute("delete from _revaluation where earlier = ? and later = ?", pair)
        for table, column in (
            ("transactionline", "transaction"), ("transactionaccountingline", "transaction"), ("transaction", "id"),
        ):  # fmt: skip
            db.execute(f'delete from "{table}" where "{column}" = ?', (identity,))
        db.execute(
            "insert into deletedrecord (deletion_id, recordid, type, name, externalid, deleteddate)"
            " select coalesce(max(deletion_id), 0) + 1, ?, 'FxReval', ?, null, ? from deletedrecord",
            (identity, f"CRV{number:07d}", at),
        )
