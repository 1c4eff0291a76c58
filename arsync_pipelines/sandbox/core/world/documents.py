"""The ledger's documents and how they move: invoices, payments, credit memos, journals, refunds and applications.

Every document of the world is made here, whether while seeding or on a later day, so the rules hold in one place:
an application is dated at the later of its two documents' dates, both ends are stamped when it is made, and a journal
is applied in full on its own date. What happens when and to whom is decided elsewhere.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Literal

from .company import CLOSING_S, LEGAL_ENTITIES, OPENING_S, TAX_PERCENT, TERMS_BY_ID, minor_per_usd, posted_rate
from .parties import Buyer, Ids
from .records import (
    Application,
    CreditMemo,
    CustomerRefund,
    Delta,
    Invoice,
    InvoiceLine,
    Journal,
    Payment,
    ProcessorCharge,
)

_EPOCH = date(1970, 1, 1).toordinal()
_ENTITY = {entity.id: entity for entity in LEGAL_ENTITIES}
_MINOR_PER_CENT = {currency: minor_per_usd(currency) / 100 for currency in ("USD", "EUR", "GBP", "JPY")}
# net amounts of lines in US cents: many small, few large
_AMOUNTS = [int(Random(index).lognormvariate(11.2, 1.1)) + 500 for index in range(4096)]
_GOODS = ("Licence", "Support plan", "Consulting", "Hardware", "Training", "Spare parts", "Installation", "Freight")
_PREFIX = {1: "US", 2: "DE", 3: "UK", 4: "JP"}

DISPUTE_REASONS = ("PRICE", "QUANTITY", "DAMAGED", "NOT_RECEIVED", "DUPLICATE")


def rate_on(currency: str, legal_entity_id: int, day: int) -> float:
    """What a document of that day (an ordinal) is posted at."""
    functional = _ENTITY[legal_entity_id].currency
    if currency == functional:
        return 1.0
    dated = date.fromordinal(day)
    return posted_rate(currency, functional, dated.year * 12 + dated.month - 1)


def split_instalments(terms_id: int, day: int, total: int) -> tuple[tuple[date, int], ...]:
    """(due date, amount) by the terms; the last one takes what rounding left."""
    terms = TERMS_BY_ID[terms_id]
    if not terms.instalments:
        return ((date.fromordinal(day + terms.net_days), total),)
    parts = [(date.fromordinal(day + days), total * percent // 100) for percent, days in terms.instalments[:-1]]
    rest = total - sum(amount for _, amount in parts)
    return (*parts, (date.fromordinal(day + terms.instalments[-1][1]), rest))


class Documents:
    """Makes documents into `delta`. Days are ordinals (`date.toordinal`), amounts minor units of the buyer's currency.

    Stamps fall into the business hours of the document's day, or into `window` (two instants) where one is given; none
    lies before `floor`.
    """

    def __init__(self, rng: Random, ids: Ids) -> None:
        self.rng = rng
        self.ids = ids
        self.delta = Delta()
        self.window: tuple[datetime, datetime] | None = None
        self.floor: datetime | None = None

    def stamp(self, day: int, legal_entity_id: int) -> datetime:
        """A whole second; later calls of one day may give earlier ones."""
        share = self.rng.random()
        if self.window is not None:
            first, last = self.window
            return (first + (last - first) * share).replace(microsecond=0) + timedelta(seconds=1)
        second = OPENING_S + int((CLOSING_S[legal_entity_id] - OPENING_S) * share)
        at = datetime.fromtimestamp((day - _EPOCH) * 86400 + second, UTC)
        return at if self.floor is None or at > self.floor else self.floor

    def _lines(self, buyer: Buyer, size: float = 1.0) -> tuple[tuple[InvoiceLine, ...], int]:
        draw = self.rng.random
        entity_country = _ENTITY[buyer.legal_entity_id].country
        percent = TAX_PERCENT[entity_country] if entity_country == buyer.country else 0
        scale = _MINOR_PER_CENT[buyer.currency] * size
        lines, total = [], 0
        for _ in range(1 + int(draw() * 2.4)):
            pick = int(draw() * 4096)
            net = int(_AMOUNTS[pick] * scale) + 1
            tax = (net * percent * 2 + 100) // 200
            lines.append(InvoiceLine(_GOODS[pick & 7], 1 + (pick >> 3 & 7), net, tax))
            total += net + tax
        return tuple(lines), total

    def invoice(self, buyer: Buyer, day: int) -> Invoice:
        lines, total = self._lines(buyer)
        number = self.ids.take("invoices")
        at = self.stamp(day, buyer.legal_entity_id)
        instalments = split_instalments(buyer.terms_id, day, total)
        entity = buyer.legal_entity_id
        made = Invoice(
            number,
            f"INV-{_PREFIX[entity]}-{number:07d}",
            buyer.id,
            entity,
            buyer.currency,
            rate_on(buyer.currency, entity, day),
            date.fromordinal(day),
            instalments[-1][0],
            buyer.terms_id,
            lines,
            instalments,
            total,
            at,
            at,
        )
        self.delta.invoices.append(made)
        return made

    def payment(
        self,
        buyer: Buyer,
        day: int,
        amount: int,
        channel: Literal["wire", "check", "card"],
        charge: ProcessorCharge | None = None,
    ) -> Payment:
        number = self.ids.take("payments")
        at = self.stamp(day, buyer.legal_entity_id)
        if charge is not None:
            at = max(at, charge.created_at)
        made = Payment(
            number,
            f"PMT{number:08d}",
            buyer.id,
            buyer.legal_entity_id,
            buyer.currency,
            rate_on(buyer.currency, buyer.legal_entity_id, day),
            date.fromordinal(day),
            amount,
            channel,
            at,
            at,
            charge.id if charge else None,
        )
        if charge is not None:
            charge.payment_number = made.number
        self.delta.payments.append(made)
        return made

    def credit_memo(self, buyer: Buyer, day: int, amount: int | None = None) -> CreditMemo:
        """`amount` exactly, or of any small size."""
        if amount is None:
            lines, total = self._lines(buyer, 0.3)
        else:
            lines, total = (InvoiceLine("Allowance", 1, amount, 0),), amount
        number = self.ids.take("credit_memos")
        at = self.stamp(day, buyer.legal_entity_id)
        made = CreditMemo(
            number,
            f"CM{number:07d}",
            buyer.id,
            buyer.legal_entity_id,
            buyer.currency,
            rate_on(buyer.currency, buyer.legal_entity_id, day),
            date.fromordinal(day),
            lines,
            total,
            at,
            at,
        )
        self.delta.credit_memos.append(made)
        return made

    def apply(self, source: Payment | CreditMemo | Journal, invoice: Invoice, amount: int) -> Application:
        """Sets `amount` of the source against the invoice; both become changed records."""
        if isinstance(source, Payment):
            kind: Literal["payment", "credit_memo", "journal"] = "payment"
            dated = source.payment_date
        elif isinstance(source, CreditMemo):
            kind, dated = "credit_memo", source.memo_date
        else:
            kind, dated = "journal", source.journal_date
        at = max(source.updated_at, invoice.updated_at)
        source.updated_at = invoice.updated_at = at
        on = max(dated, invoice.invoice_date)
        made = Application(self.ids.take("applications"), kind, source.id, invoice.id, amount, on, at)
        self.delta.applications.append(made)
        return made

    def void(self, invoice: Invoice, day: int) -> Journal:
        """Reverses an invoice that nothing was ever applied to."""
        journal = self._journal("void", invoice, day, invoice.total)
        invoice.voided_on, invoice.void_journal_id = journal.journal_date, journal.id
        invoice.dispute_reason, invoice.disputed_amount = "", 0
        return journal

    def write_off(self, invoice: Invoice, day: int, amount: int) -> Journal:
        invoice.dispute_reason, invoice.disputed_amount = "", 0
        return self._journal("write_off", invoice, day, amount)

    def _journal(self, kind: Literal["void", "write_off"], invoice: Invoice, day: int, amount: int) -> Journal:
        number = self.ids.take("journals")
        at = max(self.stamp(day, invoice.legal_entity_id), invoice.updated_at)
        journal = Journal(
            number,
            f"JE{number:07d}",
            kind,
            invoice.id,
            invoice.erp_customer_id,
            invoice.legal_entity_id,
            invoice.currency,
            invoice.exchange_rate,
            date.fromordinal(day),
            amount,
            at,
            at,
        )
        self.delta.journals.append(journal)
        self.apply(journal, invoice, amount)
        return journal

    def refund(
        self, source: Payment | CreditMemo, day: int, amount: int, processor_refund_id: int | None = None
    ) -> CustomerRefund:
        """Gives back an open part of the source."""
        number = self.ids.take("customer_refunds")
        at = max(self.stamp(day, source.legal_entity_id), source.updated_at)
        source.updated_at = at
        made = CustomerRefund(
            number,
            f"RF{number:07d}",
            source.erp_customer_id,
            source.legal_entity_id,
            source.currency,
            source.exchange_rate,
            date.fromordinal(day),
            amount,
            "payment" if isinstance(source, Payment) else "credit_memo",
            source.id,
            at,
            at,
            processor_refund_id,
        )
        self.delta.customer_refunds.append(made)
        return made

    def dispute(self, invoice: Invoice, day: int, amount: int) -> None:
        invoice.dispute_reason = self.rng.choice(DISPUTE_REASONS)
        invoice.disputed_amount = amount
        invoice.updated_at = max(self.stamp(day, invoice.legal_entity_id), invoice.updated_at)

    def settle_dispute(self, invoice: Invoice, at: datetime) -> None:
        invoice.dispute_reason, invoice.disputed_amount = "", 0
        invoice.updated_at = max(at, invoice.updated_at)
