"""Invoices, credit memos, payments, journals and refunds as transactions with lines and postings."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Protocol

from ...core.world.records import MINOR_UNITS, CreditMemo, Delta, Invoice, InvoiceLine, Journal
from ..dates import instant_of, wall_of
from ..ids import (
    CREDIT_MEMO,
    CURRENCIES,
    DEPOSIT,
    INVOICE,
    JOURNAL,
    PAYMENT,
    REFUND,
    charge_id,
    customer_id,
    dispute_id,
    refund_id,
    transaction_id,
)
from ..schema import TYPE_TEXTS
from .postings import LINE_COLUMNS, POSTING_COLUMNS, Head, LineRow, Part, PostingRow, lines_of
from .reference import period_of
from .tables import upsert

COLUMNS = (
    "id entity subsidiary currency terms postingperiod tranid type recordtype trandisplayname posting voided isreversal"
    " memo externalid custbody_dispute_reason exchangerate foreigntotal custbody_disputed_amount trandate duedate"
    " createddate lastmodifieddate"
)
RECORD_TYPES = {
    "CustInvc": "invoice",
    "CustPymt": "customerpayment",
    "CustCred": "creditmemo",
    "CustRfnd": "customerrefund",
    "CustDep": "customerdeposit",
    "DepAppl": "depositapplication",
    "Journal": "journalentry",
}
_ITEM = 501


class Document(Protocol):
    """What all documents of the world share."""

    id: int
    number: str
    erp_customer_id: int
    legal_entity_id: int
    currency: str
    exchange_rate: float
    created_at: datetime
    updated_at: datetime


class Batch:
    """Rows of one delta, written together. Lines of a document that is already there unchanged are not rebuilt."""

    def __init__(self, db: sqlite3.Connection, ids: Iterable[int]) -> None:
        self._db = db
        known = db.execute(
            'select id, foreigntotal, exchangerate, trandate from "transaction"'
            " where id in (select value from json_each(?))",
            (json.dumps(list(ids)),),
        )
        self._known = {row[0]: row[1:] for row in known}
        self._steps = {
            identity: 10 ** (2 - MINOR_UNITS[code])
            for identity, code in db.execute("select id, functional from subsidiary")
        }
        self._sisters = {
            row[0] for row in db.execute("select id from customer where representingsubsidiary is not null")
        }
        self.headers: list[tuple[Any, ...]] = []
        self.lines: list[LineRow] = []
        self.postings: list[PostingRow] = []
        self.instalments: list[tuple[int, int, int, int]] = []
        self.changed: list[tuple[int]] = []

    def add(
        self,
        document: Document,
        kind: int,
        type_: str,
        day: date,
        total: int,
        parts: list[Part],
        *,
        terms: int | None = None,
        due: date | None = None,
        voided: bool = False,
        reversal: bool = False,
        memo: str | None = None,
        external: str | None = None,
        dispute: tuple[str, int] = ("", 0),
    ) -> bool:
        """True when lines had to be (re)built. `total` is signed as `foreigntotal` shows it."""
        identity = transaction_id(kind, document.id)
        trandate = wall_of(day)
        currency, customer = CURRENCIES[document.currency], customer_id(document.erp_customer_id)
        shown = f"{TYPE_TEXTS[type_]} #{document.number}"
        self.headers.append(
            (
                identity, customer, document.legal_entity_id, currency, terms, period_of(day), document.number, type_,
                RECORD_TYPES[type_], shown, "T", "T" if voided else "F", "T" if reversal else "F", memo, external,
                dispute[0] or None, document.exchange_rate, total, dispute[1] or None, trandate,
                wall_of(due) if due else None, instant_of(document.created_at), instant_of(document.updated_at),
            )
        )  # fmt: skip
        known = self._known.get(identity)
        if known is not None:
            self.changed.append((identity,))
            if known == (total, document.exchange_rate, trandate):
                return False
            for table in ("transactionline", "transactionaccountingline", "transactioninstallment"):
                self._db.execute(f'delete from {table} where "transaction" = ?', (identity,))
        entity = document.legal_entity_id
        head = Head(
            identity, customer_id(document.erp_customer_id), entity, document.exchange_rate, self._steps[entity]
        )
        if customer in self._sisters:
            parts = [part._replace(role="intercompany") if part.role == "receivable" else part for part in parts]
        lines, postings = lines_of(head, parts)
        self.lines += lines
        self.postings += postings
        return True

    def write(self) -> None:
        db = self._db
        upsert(db, "transaction", COLUMNS, self.headers)
        fresh = [(row[0],) for row in self.headers if row[0] not in self._known]
        db.executemany(
            "update \"transaction\" set status = case type when 'CustInvc' then 'A' when 'CustCred' then 'A'"
            " when 'DepAppl' then null"
            " when 'CustPymt' then case when externalid is null then 'C' else 'B' end else 'B' end,"
            " foreignamountpaid = case type when 'CustInvc' then 0 end,"
            " foreignamountunpaid = case type when 'CustInvc' then foreigntotal end,"
            " foreignpaymentamountused = case when type in ('CustPymt', 'CustCred') then 0 end,"
            " foreignpaymentamountunused = case when type in ('CustPymt', 'CustCred') then abs(foreigntotal) end"
            " where id = ?",
            fresh,
        )
        upsert(db, "transactionline", LINE_COLUMNS, self.lines)
        upsert(db, "transactionaccountingline", POSTING_COLUMNS, self.postings)
        upsert(db, "transactioninstallment", "transaction id duedate amount", self.instalments)
        db.executemany("insert or ignore into touched values (?, 0)", self.changed)
        void = [(row[0],) for row in self.headers if row[11] == "T"]
        db.executemany("insert or ignore into touched values (?, 0)", void)


def project_documents(db: sqlite3.Connection, delta: Delta) -> None:
    groups: tuple[tuple[int, list[Any]], ...] = (
        (INVOICE, delta.invoices),
        (CREDIT_MEMO, delta.credit_memos),
        (PAYMENT, delta.payments),
        (JOURNAL, delta.journals),
        (REFUND, delta.customer_refunds),
        (DEPOSIT, delta.deposits),
        (DEPOSIT, delta.deposit_applications),
    )
    if not any(records for _, records in groups):
        return
    batch = Batch(db, [transaction_id(kind, record.id) for kind, records in groups for record in records])
    for invoice in delta.invoices:
        _invoice(batch, invoice)
    for memo in delta.credit_memos:
        _credit_memo(batch, memo)
    for payment in delta.payments:
        amount = payment.amount * _factor(payment.currency)
        role = "clearing" if payment.channel == "card" else "bank"
        discount = payment.discount * _factor(payment.currency)
        parts = [Part(role, amount), Part("receivable", -amount - discount)]
        if discount:
            parts.append(Part("discount", discount, "Early payment discount"))
        external = charge_id(payment.charge_id) if payment.charge_id is not None else None
        note = f"{payment.channel.capitalize()} payment"
        batch.add(payment, PAYMENT, "CustPymt", payment.payment_date, amount, parts, memo=note, external=external)
    for refund in delta.customer_refunds:
        amount = refund.amount * _factor(refund.currency)
        role = "bank" if refund.processor_refund_id is None else "clearing"
        external = refund_id(refund.processor_refund_id) if refund.processor_refund_id is not None else None
        parts = [Part(role, -amount), Part("receivable", amount)]
        batch.add(refund, REFUND, "CustRfnd", refund.refund_date, -amount, parts, external=external)
    for deposit in delta.deposits:
        amount = deposit.amount * _factor(deposit.currency)
        parts = [Part("bank", amount), Part("deposits", -amount)]
        batch.add(deposit, DEPOSIT, "CustDep", deposit.deposit_date, amount, parts)
    for application in delta.deposit_applications:
        amount = application.amount * _factor(application.currency)
        parts = [Part("receivable", -amount), Part("deposits", amount)]
        batch.add(application, DEPOSIT, "DepAppl", application.applied_on, amount, parts)
    taxes = {invoice.id: sum(line.tax for line in invoice.lines) for invoice in delta.invoices}
    for journal in delta.journals:
        _journal(db, batch, journal, taxes)
    batch.write()


def _factor(currency: str) -> int:
    """Minor units to hundredths."""
    return int(10 ** (2 - MINOR_UNITS[currency]))


def _sales_parts(lines: tuple[InvoiceLine, ...], total: int, factor: int, sign: int) -> list[Part]:
    """`sign` 1 for an invoice, -1 for a credit memo."""
    parts = [Part("receivable", sign * total * factor)]
    parts += [Part("revenue", -sign * x.net * factor, x.description, _ITEM, -sign * float(x.quantity)) for x in lines]
    tax = sum(line.tax for line in lines)
    if tax:
        parts.append(Part("tax", -sign * tax * factor, "Tax", tax=True))
    return parts


def _invoice(batch: Batch, invoice: Invoice) -> None:
    factor = _factor(invoice.currency)
    built = batch.add(
        invoice,
        INVOICE,
        "CustInvc",
        invoice.invoice_date,
        invoice.total * factor,
        _sales_parts(invoice.lines, invoice.total, factor, 1),
        terms=invoice.terms_id,
        due=invoice.due_date,
        voided=invoice.voided_on is not None,
        dispute=(invoice.dispute_reason, invoice.disputed_amount * factor),
    )
    if built and len(invoice.instalments) > 1:
        identity = transaction_id(INVOICE, invoice.id)
        for number, (due, amount) in enumerate(invoice.instalments, start=1):
            batch.instalments.append((identity, number, wall_of(due), amount * factor))


def _credit_memo(batch: Batch, memo: CreditMemo) -> None:
    factor = _factor(memo.currency)
    parts = _sales_parts(memo.lines, memo.total, factor, -1)
    batch.add(memo, CREDIT_MEMO, "CustCred", memo.memo_date, -memo.total * factor, parts)


def _journal(db: sqlite3.Connection, batch: Batch, journal: Journal, taxes: dict[int, int]) -> None:
    """A void takes back revenue and tax as they were posted; a write-off is an expense."""
    factor = _factor(journal.currency)
    amount = journal.amount * factor
    if journal.kind in ("chargeback", "recovery"):
        _debt(batch, journal, amount)
        return
    parts = [Part("receivable", -amount)]
    if journal.kind == "void":
        tax = _tax_of(db, journal, taxes, factor)
        parts.append(Part("revenue", amount - tax, "Reversal"))
        if tax:
            parts.append(Part("tax", tax, "Reversal", tax=True))
    else:
        parts.append(Part("write_off", amount, "Write-off"))
    note = ("Void of invoice" if journal.kind == "void" else "Write-off of invoice") + f" (journal {journal.number})"
    batch.add(
        journal, JOURNAL, "Journal", journal.journal_date, amount, parts, reversal=journal.kind == "void", memo=note
    )


def _debt(batch: Batch, journal: Journal, amount: int) -> None:
    """What is owed again: money that the processor took back, or what was written off too early."""
    recovered = journal.kind == "recovery"
    parts = [Part("receivable", amount), Part("write_off" if recovered else "clearing", -amount)]
    note = (
        f"Recovery of a write-off (journal {journal.number})" if recovered else f"Chargeback (journal {journal.number})"
    )
    external = dispute_id(journal.dispute_id) if journal.dispute_id is not None else None
    batch.add(
        journal,
        JOURNAL,
        "Journal",
        journal.journal_date,
        amount,
        parts,
        reversal=recovered,
        memo=note,
        external=external,
    )


def _tax_of(db: sqlite3.Connection, journal: Journal, taxes: dict[int, int], factor: int) -> int:
    if journal.invoice_id in taxes:
        return taxes[journal.invoice_id] * factor
    row = db.execute(
        "select -sum(foreignamount) from transactionline where \"transaction\" = ? and taxline = 'T'",
        (transaction_id(INVOICE, journal.invoice_id),),
    ).fetchone()
    return int(row[0] or 0)
