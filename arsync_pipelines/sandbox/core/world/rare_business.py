"""What happens to receivables now and then, beside the stories: its own random stream, ids and documents.

Deposits, early-payment discounts, chargebacks, recoveries, and what the legal entities of the group owe each other. A
few of each even in the smallest company, more in a larger one. Nothing that the stories make is touched or drawn
otherwise because of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from . import names
from .company import HOME, LAST_SEEDED_DAY, LEGAL_ENTITIES
from .parties import Buyer, buyer_of, erp_number
from .processor import Processor
from .rare_documents import RareDocuments, RareIds
from .records import Delta, ErpCustomer, LegalEntity, Party, ProcessorDispute
from .tax_ids import tax_id

EARLY_TERMS = 5
"""The terms that grant a discount: 2 % within 10 days."""
_SISTER_TERMS = 2
# (seller, buyer, whether in the buyer's currency)
_SISTERS = ((1, 2, False), (2, 3, False), (3, 1, True), (4, 1, False), (1, 4, True))
_ENTITY = {entity.id: entity for entity in LEGAL_ENTITIES}


class RareBusiness:
    """Of a seeded past between two days (ordinals). `run()` once; `documents.delta` then holds it all."""

    def __init__(self, seed: int, buyers: Sequence[Buyer], first: int, last: int, invoices: int) -> None:
        self.ids = RareIds()
        self.documents = RareDocuments(Random(f"rare:{seed}"), self.ids)
        self._rng = self.documents.rng
        self._processor = Processor(self.documents, LAST_SEEDED_DAY)
        self._buyers = buyers
        self._first = first
        self._last = last
        self._times = 3 + invoices // 1000

    def run(self) -> Delta:
        """Raises nothing; without anybody who pays by card there are no chargebacks."""
        foreign = [b for b in self._buyers if b.currency != _ENTITY[b.legal_entity_id].currency]
        cards = [b for b in self._buyers if b.processor_customer_id is not None]
        fates: tuple[tuple[Callable[[int, Buyer], None], Sequence[Buyer]], ...] = (
            (self._deposit, self._buyers),
            (self._discount, self._buyers),
            (self._recovery, self._buyers),
            (self._chargeback, cards),
        )
        for fate, buyers in fates:
            for turn in range(self._times if buyers else 0):
                # every third in a foreign currency where there is any: rates of two months meet
                among = foreign if turn % 3 == 1 and foreign and buyers is self._buyers else buyers
                fate(turn, among[int(self._rng.random() * len(among))])
        self._sisters()
        self.documents.delta.payouts = self._processor.settle()
        return self.documents.delta

    def _day(self, before: int = 0) -> int:
        """Any day of the past that leaves `before` days until its end."""
        return self._first + int(self._rng.random() * (self._last - before - self._first))

    def _deposit(self, turn: int, buyer: Buyer) -> None:
        """Part of an invoice, the rest paid or owed; more than an invoice; or waiting for one still."""
        documents, draw = self.documents, self._rng.random
        if turn % 3 == 2:
            documents.deposit(buyer, self._last - int(draw() * 6), 5_000 + int(draw() * 200_000))
            return
        day = self._day(before=110)
        billed = day + 5 + int(draw() * 40)
        invoice = documents.invoice(buyer, billed)
        share = 0.2 + 0.5 * draw() if turn % 3 == 0 else 1.1 + draw()
        deposit = documents.deposit(buyer, day, max(1, int(invoice.total * share)))
        used = min(deposit.amount, invoice.total)
        documents.apply_deposit(deposit, invoice, billed + int(draw() * 6), used)
        if used < invoice.total and turn % 2 == 0 and draw() < 0.6:
            payment = documents.payment(buyer, billed + 20 + int(draw() * 30), invoice.total - used, "wire")
            documents.apply(payment, invoice, invoice.total - used)

    def _discount(self, turn: int, buyer: Buyer) -> None:
        """Paid within the ten days, one invoice or two with one payment."""
        documents, draw = self.documents, self._rng.random
        buyer = replace(buyer, terms_id=EARLY_TERMS)
        day = self._day(before=12)
        invoices = [documents.invoice(buyer, day + late) for late in range(1 + (turn % 3 == 2))]
        parts = [(invoice, (invoice.total * 2 + 50) // 100) for invoice in invoices]
        documents.discounted(buyer, day + 2 + int(draw() * 8), parts)

    def _recovery(self, turn: int, buyer: Buyer) -> None:
        """Written off, and paid after all: whole, or what was to be had."""
        documents, draw = self.documents, self._rng.random
        invoice = documents.invoice(buyer, self._day(before=400))
        given_up = invoice.due_date.toordinal() + 60 + int(draw() * 60)
        documents.write_off(invoice, given_up, invoice.total)
        amount = invoice.total if turn % 2 else max(1, int(invoice.total * (0.2 + 0.6 * draw())))
        documents.recover(buyer, invoice, given_up + 10 + int(draw() * 120), amount)

    def _chargeback(self, turn: int, buyer: Buyer) -> None:
        """A card payment lost in a dispute: owed again, paid by wire in part or whole, or not at all."""
        documents, draw = self.documents, self._rng.random
        invoice = documents.invoice(buyer, self._day(before=190))
        paid = invoice.due_date.toordinal()
        charge = self._processor.charge(buyer, paid, invoice.total, invoice.number)
        payment = documents.payment(buyer, paid, invoice.total, "card", charge)
        documents.apply(payment, invoice, invoice.total)
        lost = paid + 5 + int(draw() * 40)
        at = max(documents.stamp(lost, buyer.legal_entity_id), charge.updated_at)
        dispute = ProcessorDispute(
            self.ids.take("processor_disputes"), charge.id, charge.amount, charge.currency, "fraudulent", "lost",
            at, at, self._processor.withdraw(charge, lost),
        )  # fmt: skip
        charge.disputed, charge.updated_at = True, at
        documents.delta.processor_disputes.append(dispute)
        journal = documents.charge_back(dispute, invoice, lost)
        if turn % 3 != 0:
            amount = journal.amount if turn % 3 == 1 else max(1, journal.amount // 3)
            again = documents.payment(buyer, lost + 10 + int(draw() * 20), amount, "wire")
            documents.apply_to_debt(again, journal, amount)

    def _sisters(self) -> None:
        """The legal entities buy of each other: some invoices are paid, some in part, some are overdue."""
        documents, draw, delta = self.documents, self._rng.random, self.documents.delta
        parties = {entity.id: self._sister(entity) for entity in LEGAL_ENTITIES}
        delta.parties.extend(parties.values())
        for seller, sister, in_its_currency in _SISTERS:
            party, number = parties[sister], self.ids.take("erp_customers")
            currency = HOME[party.country][1] if in_its_currency else _ENTITY[seller].currency
            at = party.created_at
            customer = ErpCustomer(
                number, erp_number(number), party.id, seller, currency, _SISTER_TERMS, None, False, False, None, at, at,
                represents=sister,
            )  # fmt: skip
            delta.erp_customers.append(customer)
            buyer = buyer_of(party, customer, None)
            for turn in range(self._times):
                invoice = documents.invoice(buyer, self._day(before=90 if turn % 3 else 5))
                if turn % 3:
                    amount = invoice.total if turn % 3 == 1 else max(1, invoice.total // 2)
                    paid = invoice.invoice_date.toordinal() + 20 + int(draw() * 60)
                    documents.apply(documents.payment(buyer, paid, amount, "wire"), invoice, amount)

    def _sister(self, entity: LegalEntity) -> Party:
        """A legal entity of the group as others' books have it."""
        number, country = self.ids.take("parties"), entity.country
        place, phone = names.address(self._rng, country), names.phone(self._rng, country)
        domain, at = f"entity-{entity.id}.meridian.example", self.documents.stamp(self._first - 100, entity.id)
        return Party(
            number, entity.name, country, *place, phone, f"ap@{domain}", f"https://www.{domain}",
            tax_id(country, number), None, at, at,
        )  # fmt: skip
