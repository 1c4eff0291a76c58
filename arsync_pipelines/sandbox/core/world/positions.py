"""Where every invoice, payment and credit memo stands on a day: the arithmetic under the truth.

Balances are sums of what was applied by the day, all in minor units of the document's currency. Presentation (accounts,
currencies, text) is truth.py's.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date

from .rare_documents import DEBTS
from .store import WorldStore

BUCKETS = ("current", "days_1_30", "days_31_60", "days_61_90", "days_91_plus")
BUCKET_LABELS = ("current", "1-30", "31-60", "61-90", "91+")


def bucket(days_past_due: int) -> int:
    """Index into BUCKETS."""
    if days_past_due <= 0:
        return 0
    return min(4, (days_past_due + 29) // 30) if days_past_due <= 90 else 4


@dataclass(slots=True)
class InvoicePosition:
    id: int
    number: str
    erp_customer_id: int
    legal_entity_id: int
    currency: str
    invoice_date: int
    due_date: int
    total: int
    disputed_amount: int
    settled: int
    last_application: int | None
    is_void: bool
    is_written_off: bool
    # open instalments (due ordinal, open amount), oldest first; `settled` has eaten the oldest ones
    open_items: list[tuple[int, int]]

    @property
    def open(self) -> int:
        return self.total - self.settled

    def status(self, as_of: int) -> str:
        if self.is_void:
            return "void"
        if self.open == 0:
            return "written_off" if self.is_written_off else "paid"
        if self.disputed_amount > 0:
            return "disputed"
        if self.open_items[0][0] < as_of:
            return "overdue"
        return "partially_paid" if self.open < self.total else "open"


@dataclass(slots=True)
class LastPayment:
    day: int
    id: int
    amount: int


@dataclass(slots=True)
class CustomerPosition:
    """One ERP customer on the day; `unapplied` is negative, `general_ledger` the sum of posted receivable lines."""

    buckets: list[int] = field(default_factory=lambda: [0] * 5)
    unapplied: int = 0
    disputed: int = 0
    oldest_due: int | None = None
    last_payment: LastPayment | None = None
    # over invoices settled within the last twelve months: sum of amount x days, sum of amount
    paid_weighted: int = 0
    paid_amount: int = 0
    general_ledger: int = 0

    @property
    def open_balance(self) -> int:
        return sum(self.buckets) + self.unapplied

    @property
    def overdue(self) -> int:
        return sum(self.buckets[1:])


def one_year_before(day: date) -> date:
    """The same day a year earlier; 28 February for 29 February."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def open_instalments(instalments: list[tuple[int, int]], settled: int) -> list[tuple[int, int]]:
    """What is left of (due, amount) when `settled` has paid the oldest due dates first."""
    left = []
    for due, amount in sorted(instalments):
        paid = min(amount, settled)
        settled -= paid
        if amount > paid:
            left.append((due, amount - paid))
    return left


class Positions:
    """Reads the whole ledger once, as of the end of a business day."""

    def __init__(self, store: WorldStore, as_of: date) -> None:
        self.as_of = as_of.toordinal()
        self._year_ago = one_year_before(as_of).toordinal()
        self.customers: dict[int, CustomerPosition] = defaultdict(CustomerPosition)
        with store.lock:
            self._read_applications(store)
            self.invoices = self._read_invoices(store)
            self._read_credits(store)
            self._read_debts(store)
            self._read_postings(store)

    def _read_applications(self, store: WorldStore) -> None:
        self._settled: dict[int, int] = defaultdict(int)
        self._last: dict[int, int] = {}
        self._used: dict[tuple[str, int], int] = defaultdict(int)
        self._written_off: set[int] = set()
        for kind, source_id, invoice_id, amount, on in store.rows(
            "select source_type, source_id, invoice_id, amount, applied_on from applications where applied_on <= ?",
            (self.as_of,),
        ):
            self._settled[invoice_id] += amount
            self._last[invoice_id] = max(on, self._last.get(invoice_id, 0))
            self._used[kind, source_id] += amount
        for invoice_id, amount, on in store.rows(
            "select invoice_id, amount, applied_on from deposit_applications where applied_on <= ?", (self.as_of,)
        ):
            self._settled[invoice_id] += amount
            self._last[invoice_id] = max(on, self._last.get(invoice_id, 0))
        for payment_id, journal_id, amount in store.rows(
            "select payment_id, journal_id, amount from debt_applications where applied_on <= ?", (self.as_of,)
        ):
            self._used["payment", payment_id] += amount
            self._used["debt", journal_id] += amount
        for (invoice_id,) in store.rows(
            "select invoice_id from journals where kind = 'write_off' and journal_date <= ?", (self.as_of,)
        ):
            self._written_off.add(invoice_id)
        for kind, source_id, amount in store.rows(
            "select source_type, source_id, amount from customer_refunds where refund_date <= ?", (self.as_of,)
        ):
            self._used[kind, source_id] += amount

    def _read_invoices(self, store: WorldStore) -> list[InvoicePosition]:
        found = []
        for number, *document, disputed, voided_on, instalments in store.rows(
            "select id, number, erp_customer_id, legal_entity_id, currency, invoice_date, due_date, total,"
            " disputed_amount, voided_on, instalments from invoices where invoice_date <= ? order by id",
            (self.as_of,),
        ):
            name, customer_id, entity, currency, on, due, total = document
            settled = self._settled.get(number, 0)
            position = InvoicePosition(
                id=number,
                number=name,
                erp_customer_id=customer_id,
                legal_entity_id=entity,
                currency=currency,
                invoice_date=on,
                due_date=due,
                total=total,
                disputed_amount=disputed,
                settled=settled,
                last_application=self._last.get(number),
                is_void=voided_on is not None and voided_on <= self.as_of,
                is_written_off=number in self._written_off,
                open_items=open_instalments(json.loads(instalments), settled) if settled < total else [],
            )
            found.append(position)
            self._add(position)
        return found

    def _add(self, invoice: InvoicePosition) -> None:
        customer = self.customers[invoice.erp_customer_id]
        for due, amount in invoice.open_items:
            customer.buckets[bucket(self.as_of - due)] += amount
        if invoice.open_items:
            oldest = invoice.open_items[0][0]
            customer.oldest_due = oldest if customer.oldest_due is None else min(oldest, customer.oldest_due)
            customer.disputed += min(invoice.disputed_amount, invoice.open)
        elif not invoice.is_void and not invoice.is_written_off and (invoice.last_application or 0) > self._year_ago:
            days = (invoice.last_application or 0) - invoice.invoice_date
            customer.paid_weighted += invoice.total * days
            customer.paid_amount += invoice.total

    def _read_credits(self, store: WorldStore) -> None:
        for kind, table, day, amount in (
            ("payment", "payments", "payment_date", "amount + discount, amount"),
            ("credit_memo", "credit_memos", "memo_date", "total, total"),
        ):
            for number, customer_id, on, total, received in store.rows(
                f"select id, erp_customer_id, {day}, {amount} from {table} where {day} <= ?"
                " and id not in (select record_id from deletions where record_type = ?) order by id",
                (self.as_of, kind),
            ):
                customer = self.customers[customer_id]
                customer.unapplied -= total - self._used.get((kind, number), 0)
                last = customer.last_payment
                if kind == "payment" and (last is None or (on, number) > (last.day, last.id)):
                    customer.last_payment = LastPayment(on, number, received)

    def _read_debts(self, store: WorldStore) -> None:
        """Chargebacks and recoveries: owed from their own date, due at once."""
        for number, customer_id, on, amount in store.rows(
            "select id, erp_customer_id, journal_date, amount from journals"
            f" where journal_date <= ? and kind in {DEBTS}",
            (self.as_of,),
        ):
            left = amount - self._used.get(("debt", number), 0)
            if left:
                customer = self.customers[customer_id]
                customer.buckets[bucket(self.as_of - on)] += left
                customer.oldest_due = on if customer.oldest_due is None else min(on, customer.oldest_due)

    def _read_postings(self, store: WorldStore) -> None:
        """The control account: every document at its full amount on its own date, whatever it was applied to."""
        for table, day, amount, sign, kind in (
            ("invoices", "invoice_date", "total", 1, ""),
            ("payments", "payment_date", "amount + discount", -1, "payment"),
            ("credit_memos", "memo_date", "total", -1, "credit_memo"),
            ("journals", "journal_date", f"case when kind in {DEBTS} then -amount else amount end", -1, "journal"),
            ("deposit_applications", "applied_on", "amount", -1, ""),
            ("customer_refunds", "refund_date", "amount", 1, ""),
        ):
            for customer_id, posted in store.rows(
                f"select erp_customer_id, sum({amount}) from {table} where {day} <= ?"
                " and id not in (select record_id from deletions where record_type = ?) group by 1",
                (self.as_of, kind),
            ):
                self.customers[customer_id].general_ledger += sign * posted
