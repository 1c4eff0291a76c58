"""Applications and what follows from them: links, paid and open amounts, statuses, close dates, deletions.

The temporary table `touched` (id, stamp) collects the transactions of one write; `settle` brings them up to date.
"""

from __future__ import annotations

import sqlite3

from ...core.world.records import MINOR_UNITS, Deletion, Delta
from ..dates import instant_of, wall_of
from ..ids import CREDIT_MEMO, DEPOSIT, INVOICE, JOURNAL, PAYMENT, REFUND, transaction_id
from .revaluation import forget, revalue

_TYPES = {
    "payment": (PAYMENT, 1, "CustPymt"),
    "credit_memo": (CREDIT_MEMO, 0, "CustCred"),
    "journal": (JOURNAL, 0, "Journal"),
}
_TOUCH = "insert into touched values (?, ?) on conflict (id) do update set stamp = max(stamp, excluded.stamp)"
_APPLY = "insert or replace into _application values (?, ?, ?, ?, ?, ?, ?, ?, ?)"


def link_applications(db: sqlite3.Connection, delta: Delta) -> None:
    """Application ids of the world are multiples of 4; refunds, void journals and the API have the other remainders."""
    rows = []
    touched = []
    factors = _factors(db, delta)
    for application in delta.applications:
        kind, line, type_ = _TYPES[application.source_type]
        invoice, source = transaction_id(INVOICE, application.invoice_id), transaction_id(kind, application.source_id)
        amount = application.amount * factors[invoice]
        day = wall_of(application.applied_on)
        rows.append((source, invoice, application.id * 4, 0, line, "CustInvc", type_, amount, day))
        touched += [(invoice, instant_of(application.updated_at)), (source, instant_of(application.updated_at))]
    for refund in delta.customer_refunds:
        kind, line, type_ = _TYPES[refund.source_type]
        source, identity = transaction_id(kind, refund.source_id), transaction_id(REFUND, refund.id)
        amount = refund.amount * 10 ** (2 - MINOR_UNITS[refund.currency])
        rows.append(
            (identity, source, refund.id * 4 + 1, line, 1, type_, "CustRfnd", amount, wall_of(refund.refund_date))
        )
        touched += [(source, instant_of(refund.updated_at)), (identity, instant_of(refund.updated_at))]
    for used in delta.deposit_applications:
        identity, deposit = transaction_id(DEPOSIT, used.id), transaction_id(DEPOSIT, used.deposit_id)
        invoice, at = transaction_id(INVOICE, used.invoice_id), instant_of(used.updated_at)
        amount, day = used.amount * 10 ** (2 - MINOR_UNITS[used.currency]), wall_of(used.applied_on)
        rows.append((identity, invoice, used.id * 4, 0, 0, "CustInvc", "DepAppl", amount, day))
        rows.append((identity, deposit, used.id * 4, 1, 1, "CustDep", "DepAppl", amount, day))
        touched += [(invoice, at), (identity, at), (deposit, at)]
    for paid in delta.debt_applications:
        debt, source = transaction_id(JOURNAL, paid.journal_id), transaction_id(PAYMENT, paid.payment_id)
        amount, at = paid.amount * _factor_of(db, debt), instant_of(paid.updated_at)
        rows.append((source, debt, paid.id * 4, 0, 1, "Journal", "CustPymt", amount, wall_of(paid.applied_on)))
        touched += [(debt, at), (source, at)]
    applied = {application.source_id for application in delta.applications if application.source_type == "journal"}
    for journal in delta.journals:
        if (
            journal.kind in ("chargeback", "recovery")
            or journal.id in applied
            or _has_application(db, transaction_id(JOURNAL, journal.id), journal.id * 4 + 2)
        ):
            continue
        invoice, identity = transaction_id(INVOICE, journal.invoice_id), transaction_id(JOURNAL, journal.id)
        amount = journal.amount * 10 ** (2 - MINOR_UNITS[journal.currency])
        rows.append(
            (identity, invoice, journal.id * 4 + 2, 0, 0, "CustInvc", "Journal", amount, wall_of(journal.journal_date))
        )
        touched.append((invoice, instant_of(journal.updated_at)))
    db.executemany(
        "delete from _application where nextdoc = ? and id = ?",
        [(transaction_id(JOURNAL, journal), journal * 4 + 2) for journal in applied],
    )
    db.executemany(_APPLY, rows)
    db.executemany(_TOUCH, touched)
    rebuild_links(db, [(row[0],) for row in rows])


def _has_application(db: sqlite3.Connection, journal: int, implied: int) -> bool:
    found = db.execute("select 1 from _application where nextdoc = ? and id <> ?", (journal, implied)).fetchone()
    return found is not None


def _factors(db: sqlite3.Connection, delta: Delta) -> dict[int, int]:
    """Hundredths per minor unit of the invoices that applications speak of."""
    factors = {transaction_id(INVOICE, i.id): 10 ** (2 - MINOR_UNITS[i.currency]) for i in delta.invoices}
    missing = {transaction_id(INVOICE, a.invoice_id) for a in delta.applications} - set(factors)
    return factors | {invoice: _factor_of(db, invoice) for invoice in missing}


def _factor_of(db: sqlite3.Connection, document: int) -> int:
    query = 'select c.currencyprecision from "transaction" t join currency c on c.id = t.currency where t.id = ?'
    return int(10 ** (2 - db.execute(query, (document,)).fetchone()[0]))


def rebuild_links(db: sqlite3.Connection, documents: list[tuple[int]]) -> None:
    """One link row per line pair: several applications between the same two documents are shown as their sum."""
    documents = list(dict.fromkeys(documents))
    db.executemany("delete from nexttransactionlinelink where nextdoc = ?", documents)
    db.executemany(
        "insert into nexttransactionlinelink (previousdoc, previousline, nextdoc, nextline, previoustype, nexttype,"
        " linktype, foreignamount, applied_on) select previousdoc, previousline, nextdoc, nextline, previoustype,"
        " nexttype, case previoustype when 'CustDep' then 'DepAppl' else 'Payment' end, sum(amount), max(applied_on)"
        " from _application where nextdoc = ? group by previousdoc, previousline, nextline having sum(amount) <> 0",
        documents,
    )


def delete_transactions(db: sqlite3.Connection, deletions: list[Deletion]) -> None:
    for deletion in deletions:
        kind, _, type_ = _TYPES[deletion.record_type]
        remove(db, transaction_id(kind, deletion.record_id), type_, instant_of(deletion.deleted_at), deletion.number)


def remove(db: sqlite3.Connection, identity: int, type_: str, at: int, name: str) -> None:
    """Takes a transaction away for good and writes it to the log of deleted records."""
    row = db.execute('select externalid from "transaction" where id = ?', (identity,)).fetchone()
    if row is None:
        return
    forget(db, identity, at)
    ends = db.execute("select previousdoc from _application where nextdoc = ?", (identity,)).fetchall()
    db.executemany(_TOUCH, [(end[0], at) for end in ends])
    for table, column in (
        ("_application", "nextdoc"),
        ("nexttransactionlinelink", "nextdoc"),
        ("transactionline", "transaction"),
        ("transactionaccountingline", "transaction"),
        ("transactioninstallment", "transaction"),
        ("transaction", "id"),
        ("touched", "id"),
    ):
        db.execute(f'delete from "{table}" where "{column}" = ?', (identity,))
    log_deletion(db, identity, type_, at, name, row[0])


def log_deletion(db: sqlite3.Connection, identity: int, type_: str, at: int, name: str, external: str | None) -> None:
    db.execute(
        "insert into deletedrecord (deletion_id, recordid, type, name, externalid, deleteddate)"
        " select coalesce(max(deletion_id), 0) + 1, ?, ?, ?, ?, ? from deletedrecord",
        (identity, type_, name, external, at),
    )


_PAID = 'select sum(l.foreignamount) from nexttransactionlinelink l where l.previousdoc = "transaction".id'
_USED = 'select sum(l.foreignamount) from nexttransactionlinelink l where l.nextdoc = "transaction".id'
# a discount is the third line of a payment: what it is used for beyond the money that came in
_DISCOUNT = 'select l.foreignamount from transactionline l where l."transaction" = "transaction".id and l.id = 2'
_CLOSED = 'select max(l.applied_on) from nexttransactionlinelink l where l.previousdoc = "transaction".id'
_INVOICES = "where type = 'CustInvc' and id in (select id from touched)"
_SOURCES = "where type in ('CustPymt', 'CustCred') and id in (select id from touched)"


def settle(db: sqlite3.Connection) -> None:
    """Paid, open, used and unused amounts, status, close date and modification stamp of the touched transactions."""
    db.execute(
        'update "transaction" set lastmodifieddate = max(lastmodifieddate, touched.stamp) from touched'
        ' where touched.id = "transaction".id and touched.stamp > 0'
    )
    db.execute(
        f'update "transaction" set foreignamountpaid = coalesce(({_PAID}), 0), closedate = ({_CLOSED}) {_INVOICES}'
    )
    db.execute(
        'update "transaction" set'
        " foreignamountunpaid = case voided when 'T' then 0 else foreigntotal - foreignamountpaid end,"
        " status = case when voided = 'T' then 'V' when foreigntotal = foreignamountpaid then 'B' else 'A' end,"
        " closedate = case when voided = 'T' or foreigntotal = foreignamountpaid then coalesce(closedate, trandate) end"
        f" {_INVOICES}"
    )
    # a refund takes from a payment or credit memo as its next document
    db.execute(
        'update "transaction" set'
        f" foreignpaymentamountused = coalesce(({_USED}), 0) + coalesce(({_PAID}), 0)"
        f" - case type when 'CustPymt' then coalesce(({_DISCOUNT}), 0) else 0 end {_SOURCES}"
    )
    db.execute(
        'update "transaction" set foreignpaymentamountunused = abs(foreigntotal) - foreignpaymentamountused,'
        " status = case when type = 'CustPymt' then status"
        f" when abs(foreigntotal) = foreignpaymentamountused then 'B' else 'A' end {_SOURCES}"
    )
    db.execute(
        f"update \"transaction\" set status = case when foreigntotal = coalesce(({_PAID}), 0) then 'C' else 'B' end"
        " where type = 'CustDep' and id in (select id from touched)"
    )
    revalue(db)
    db.execute("delete from touched")
