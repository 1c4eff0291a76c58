"""Documents of what happens now and then: deposits, discounts, recoveries and chargebacks.

The rules of `Documents` hold: the later date of two documents dates what is between them, both ends are stamped.
"""

from __future__ import annotations

from datetime import date

from .documents import Documents, rate_on
from .parties import Buyer, Ids
from .records import (
    DebtApplication,
    Deposit,
    DepositApplication,
    Invoice,
    Journal,
    Payment,
    ProcessorDispute,
)

FIRST_ID = 8_000_000
"""Ids above are of rare documents, so that those of all others are the same as without any.

Below it numbers keep their width and serials of parties their own tax registration.
"""
DEBTS = ("chargeback", "recovery")
"""Journals that add to what is owed."""


class RareIds(Ids):
    """Gives out ids above FIRST_ID."""

    def take(self, kind: str) -> int:
        number = self.last.get(kind, FIRST_ID) + 1
        self.last[kind] = number
        return number


class RareDocuments(Documents):
    """Makes rare documents, and the common ones that belong to them."""

    def deposit(self, buyer: Buyer, day: int, amount: int) -> Deposit:
        """Money in before any invoice."""
        number = self.ids.take("deposits")
        at = self.stamp(day, buyer.legal_entity_id)
        made = Deposit(
            number,
            f"DEP{number:07d}",
            buyer.id,
            buyer.legal_entity_id,
            buyer.currency,
            rate_on(buyer.currency, buyer.legal_entity_id, day),
            date.fromordinal(day),
            amount,
            at,
            at,
        )
        self.delta.deposits.append(made)
        return made

    def apply_deposit(self, deposit: Deposit, invoice: Invoice, day: int, amount: int) -> DepositApplication:
        """Takes `amount` off the liability and off the invoice, on a day of its own."""
        number = self.ids.take("deposits")
        at = max(self.stamp(day, deposit.legal_entity_id), deposit.updated_at, invoice.updated_at)
        deposit.updated_at = invoice.updated_at = at
        made = DepositApplication(
            number,
            f"DA{number:07d}",
            deposit.id,
            invoice.id,
            deposit.erp_customer_id,
            deposit.legal_entity_id,
            deposit.currency,
            deposit.exchange_rate,
            date.fromordinal(day),
            amount,
            at,
            at,
        )
        self.delta.deposit_applications.append(made)
        return made

    def discounted(self, buyer: Buyer, day: int, parts: list[tuple[Invoice, int]]) -> Payment:
        """One payment that settles each invoice whole, less the discount given beside it."""
        total, discount = sum(invoice.total for invoice, _ in parts), sum(taken for _, taken in parts)
        payment = self.payment(buyer, day, total - discount, "wire")
        payment.discount = discount
        for invoice, _ in parts:
            self.apply(payment, invoice, invoice.total)
        return payment

    def recover(self, buyer: Buyer, invoice: Invoice, day: int, amount: int) -> Payment:
        """Money for an invoice that was written off: so much of it is put back, at the invoice's rate, and paid."""
        journal = self._debt("recovery", invoice, day, amount, invoice.exchange_rate)
        payment = self.payment(buyer, day, amount, "wire")
        self.apply_to_debt(payment, journal, amount)
        return payment

    def charge_back(self, dispute: ProcessorDispute, invoice: Invoice, day: int) -> Journal:
        """The processor took the money back: the customer owes it again, due at once."""
        rate = rate_on(invoice.currency, invoice.legal_entity_id, day)
        journal = self._debt("chargeback", invoice, day, dispute.amount, rate)
        journal.dispute_id = dispute.id
        journal.created_at = journal.updated_at = max(journal.created_at, dispute.updated_at)
        return journal

    def _debt(self, kind: str, invoice: Invoice, day: int, amount: int, rate: float) -> Journal:
        number = self.ids.take("journals")
        at = max(self.stamp(day, invoice.legal_entity_id), invoice.updated_at)
        made = Journal(
            number,
            f"JE{number:07d}",
            "chargeback" if kind == "chargeback" else "recovery",
            invoice.id,
            invoice.erp_customer_id,
            invoice.legal_entity_id,
            invoice.currency,
            rate,
            date.fromordinal(day),
            amount,
            at,
            at,
        )
        self.delta.journals.append(made)
        return made

    def apply_to_debt(self, payment: Payment, journal: Journal, amount: int) -> DebtApplication:
        """Sets `amount` of a payment against a chargeback or a recovery."""
        at = max(payment.updated_at, journal.updated_at)
        payment.updated_at = journal.updated_at = at
        on = max(payment.payment_date, journal.journal_date)
        made = DebtApplication(self.ids.take("applications"), payment.id, journal.id, amount, on, at)
        self.delta.debt_applications.append(made)
        return made
