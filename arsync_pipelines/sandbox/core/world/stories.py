"""What becomes of invoices over weeks and months, told as short stories about one customer.

A story makes its invoices and everything that has happened to them by the `cutoff`, the last day of the seeded past;
what lies beyond it has not happened, which is why the recent invoices are open. Returns the number of invoices made.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable
from itertools import accumulate
from typing import Literal

from .documents import Documents
from .parties import Buyer
from .processor import Processor
from .records import Invoice, Payment

Channel = Literal["wire", "check", "card"]


class Teller:
    """Tells stories into a `Documents`. Days are ordinals."""

    def __init__(self, documents: Documents, processor: Processor, cutoff: int) -> None:
        self.documents = documents
        self.processor = processor
        self.cutoff = cutoff

    def tell(self, buyer: Buyer, day: int, room: int) -> int:
        """One story that begins on `day` and makes at most `room` invoices."""
        story = _STORIES[bisect(_STORY_BOUNDS, self.documents.rng.random())] if room >= 4 else _paid
        return story(self, buyer, day)

    def pay_day(self, buyer: Buyer, due: int, not_before: int) -> int:
        draw = self.documents.rng.random
        late = int(buyer.slowness * 40 * draw()) - 4
        if draw() < 0.05:
            late += 30 + int(draw() * 90)
        return max(due + late, not_before)

    def receive(self, buyer: Buyer, day: int, invoices: list[tuple[Invoice, int]], extra: int = 0) -> Payment | None:
        """A payment for amounts of several invoices plus `extra`; None when it lies beyond the cutoff."""
        if day > self.cutoff:
            return None
        documents = self.documents
        amount = sum(part for _, part in invoices) + extra
        if buyer.processor_customer_id is not None and len(invoices) == 1 and not extra:
            return self.by_card(buyer, day, *invoices[0])
        payment = documents.payment(buyer, day, amount, "wire" if documents.rng.random() < 0.8 else "check")
        for invoice, part in invoices:
            documents.apply(payment, invoice, part)
        return payment

    def by_card(self, buyer: Buyer, day: int, invoice: Invoice, amount: int) -> Payment | None:
        documents, processor = self.documents, self.processor
        luck = documents.rng.random()
        if luck < 0.04:
            processor.charge(buyer, day, amount, invoice.number, failed=True)
        charge = processor.charge(buyer, day, amount, invoice.number)
        if luck > 0.985:
            # the money is at the processor, the ERP does not know
            return None
        payment = documents.payment(buyer, day, amount, "card", charge)
        documents.apply(payment, invoice, amount)
        later = day + 5 + int(documents.rng.random() * 40)
        if 0.04 < luck < 0.055 and later <= self.cutoff:
            processor.dispute(charge, later, documents.stamp(later, buyer.legal_entity_id))
        return payment


def _paid(teller: Teller, buyer: Buyer, day: int) -> int:
    """Paid in full, instalment by instalment."""
    invoice = teller.documents.invoice(buyer, day)
    paid_until = day
    for due, amount in invoice.instalments:
        paid_until = teller.pay_day(buyer, due.toordinal(), paid_until)
        if teller.receive(buyer, paid_until, [(invoice, amount)]) is None:
            break
    return 1


def _bundle(teller: Teller, buyer: Buyer, day: int) -> int:
    """Several invoices, one payment."""
    draw = teller.documents.rng.random
    count = 2 + int(draw() * 3)
    days = [min(day + int(draw() * 12), teller.cutoff) for _ in range(count)]
    invoices = [teller.documents.invoice(buyer, on) for on in sorted(days)]
    due = invoices[-1].due_date.toordinal()
    teller.receive(buyer, teller.pay_day(buyer, due, max(days)), [(invoice, invoice.total) for invoice in invoices])
    return count


def _partial(teller: Teller, buyer: Buyer, day: int) -> int:
    """Paid in two parts; sometimes the second never comes, or a small rest is written off."""
    documents = teller.documents
    invoice = documents.invoice(buyer, day)
    draw = documents.rng.random
    first = max(1, int(invoice.total * (0.3 + 0.6 * draw())))
    rest = invoice.total - first
    paid_on = teller.pay_day(buyer, invoice.due_date.toordinal(), day)
    if teller.receive(buyer, paid_on, [(invoice, first)]) is None or rest == 0:
        return 1
    luck = draw()
    later = paid_on + 15 + int(draw() * 60)
    if luck < 0.75:
        teller.receive(buyer, later, [(invoice, rest)])
    elif luck < 0.92 and later + 60 <= teller.cutoff:
        documents.write_off(invoice, later + 60, rest)
    return 1


def _too_much(teller: Teller, buyer: Buyer, day: int) -> int:
    """Over-paid: the rest stays unapplied, is refunded, or is applied to a later invoice."""
    documents = teller.documents
    invoice = documents.invoice(buyer, day)
    draw = documents.rng.random
    extra = 1 + int(invoice.total * (0.05 + 0.4 * draw()))
    paid_on = teller.pay_day(buyer, invoice.due_date.toordinal(), day)
    if paid_on > teller.cutoff:
        return 1
    luck = draw()
    later = paid_on + 3 + int(draw() * 40)
    if buyer.processor_customer_id is not None and luck < 0.4:
        charge = teller.processor.charge(buyer, paid_on, invoice.total + extra, invoice.number)
        payment = documents.payment(buyer, paid_on, invoice.total + extra, "card", charge)
        documents.apply(payment, invoice, invoice.total)
        if later <= teller.cutoff:
            back = teller.processor.refund(charge, extra, later, documents.stamp(later, buyer.legal_entity_id))
            documents.refund(payment, later, extra, back.id)
        return 1
    payment = documents.payment(buyer, paid_on, invoice.total + extra, "wire")
    documents.apply(payment, invoice, invoice.total)
    if later > teller.cutoff or luck > 0.94:
        return 1
    if luck < 0.3:
        documents.refund(payment, later, extra)
        return 1
    following = documents.invoice(buyer, later)
    used = min(extra, following.total)
    documents.apply(payment, following, used)
    if following.total > used:
        paid = teller.pay_day(buyer, following.due_date.toordinal(), later)
        teller.receive(buyer, paid, [(following, following.total - used)])
    return 2


def _prepaid(teller: Teller, buyer: Buyer, day: int) -> int:
    """Money first, the invoice later: unapplied cash until then."""
    documents = teller.documents
    later = day + 2 + int(documents.rng.random() * 20)
    if later > teller.cutoff:
        return _paid(teller, buyer, day)
    invoice = documents.invoice(buyer, later)
    payment = documents.payment(buyer, day, invoice.total, "wire")
    documents.apply(payment, invoice, invoice.total)
    return 1


def _credited(teller: Teller, buyer: Buyer, day: int) -> int:
    """A credit memo takes off a part, the rest is paid; now and then the credit covers all."""
    documents = teller.documents
    invoice = documents.invoice(buyer, day)
    draw = documents.rng.random
    credited_on = day + 2 + int(draw() * 25)
    if credited_on > teller.cutoff:
        return 1
    credit = invoice.total if draw() < 0.1 else max(1, int(invoice.total * (0.03 + 0.3 * draw())))
    documents.apply(documents.credit_memo(buyer, credited_on, credit), invoice, credit)
    if credit < invoice.total:
        paid_on = teller.pay_day(buyer, invoice.due_date.toordinal(), credited_on)
        teller.receive(buyer, paid_on, [(invoice, invoice.total - credit)])
    return 1


def _credit_left(teller: Teller, buyer: Buyer, day: int) -> int:
    """A credit memo that stays open, is refunded, or is used on a later invoice; beside a paid invoice."""
    documents = teller.documents
    memo = documents.credit_memo(buyer, day)
    draw = documents.rng.random
    luck = draw()
    later = day + 5 + int(draw() * 60)
    if luck < 0.15 and later <= teller.cutoff:
        documents.refund(memo, later, memo.total)
    elif luck < 0.93 and later <= teller.cutoff:
        invoice = documents.invoice(buyer, later)
        used = min(memo.total, invoice.total)
        documents.apply(memo, invoice, used)
        if used < invoice.total:
            paid_on = teller.pay_day(buyer, invoice.due_date.toordinal(), later)
            teller.receive(buyer, paid_on, [(invoice, invoice.total - used)])
        return 1
    return _paid(teller, buyer, day)


def _voided(teller: Teller, buyer: Buyer, day: int) -> int:
    """Issued in error, voided, mostly issued again."""
    documents = teller.documents
    invoice = documents.invoice(buyer, day)
    on = day + 1 + int(documents.rng.random() * 20)
    if on > teller.cutoff:
        return 1
    documents.void(invoice, on)
    return 1 + (_paid(teller, buyer, on) if documents.rng.random() < 0.7 else 0)


def _disputed(teller: Teller, buyer: Buyer, day: int) -> int:
    """Disputed: settled after a while with a credit and payment, or still argued about."""
    documents = teller.documents
    invoice = documents.invoice(buyer, day)
    draw = documents.rng.random
    opened = day + 5 + int(draw() * 30)
    if opened > teller.cutoff:
        return 1
    amount = invoice.total if draw() < 0.3 else max(1, int(invoice.total * (0.1 + 0.8 * draw())))
    documents.dispute(invoice, opened, amount)
    settled = opened + 20 + int(draw() * 90)
    if settled > teller.cutoff or draw() < 0.08:
        return 1
    documents.settle_dispute(invoice, documents.stamp(settled, buyer.legal_entity_id))
    credit = int(amount * draw() * 0.8)
    if credit:
        documents.apply(documents.credit_memo(buyer, settled, credit), invoice, credit)
    if invoice.total > credit:
        teller.receive(buyer, settled + int(draw() * 20), [(invoice, invoice.total - credit)])
    return 1


def _bad_debt(teller: Teller, buyer: Buyer, day: int) -> int:
    """Never paid; most are written off in the end."""
    documents = teller.documents
    invoice = documents.invoice(buyer, day)
    given_up = invoice.due_date.toordinal() + 120 + int(documents.rng.random() * 120)
    if given_up <= teller.cutoff and documents.rng.random() < 0.75:
        documents.write_off(invoice, given_up, invoice.total)
    return 1


_WEIGHTED: tuple[tuple[int, Callable[[Teller, Buyer, int], int]], ...] = (
    (640, _paid),
    (90, _bundle),
    (60, _partial),
    (35, _too_much),
    (20, _prepaid),
    (50, _credited),
    (25, _credit_left),
    (25, _voided),
    (35, _disputed),
    (20, _bad_debt),
)
_STORIES = [story for _, story in _WEIGHTED]
_STORY_BOUNDS = [bound / 1000 for bound in accumulate(weight for weight, _ in _WEIGHTED)][:-1]
