"""The payment processor's side: charges, their fees, refunds, disputes and payouts.

Which invoice is charged and when is decided in the stories; what the ERP makes of a charge is documents.py's.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal

from .company import midnight
from .documents import Documents
from .parties import Buyer
from .records import Payout, ProcessorCharge, ProcessorDispute, ProcessorRefund

_STATUSES: tuple[Literal["needs_response", "won", "lost"], ...] = ("needs_response", "won", "lost")
# days from a week's end (Monday) to the arrival of its payout
SETTLEMENT_DAYS = 2


def fee(amount: int, currency: str) -> int:
    """2.9 % and a fixed part, in minor units, half up."""
    return (amount * 29 * 2 + 1000) // 2000 + (30 if currency != "JPY" else 40)


def week_of(day: date) -> date:
    """The Monday that the week's charges are totalled on: the first one after `day`."""
    return day + timedelta(days=7 - day.weekday())


class Processor:
    """Makes charges into the documents' delta and adds up the payouts of all weeks that are over by `today`.

    A charge of the running week has no payout yet.
    """

    def __init__(self, documents: Documents, today: date) -> None:
        self._documents = documents
        self._today = today
        # (currency, Monday after the week) -> payout id, net amount so far
        self._weeks: dict[tuple[str, date], tuple[int, int]] = {}

    def charge(
        self, buyer: Buyer, day: int, amount: int, invoice_number: str, *, failed: bool = False
    ) -> ProcessorCharge:
        """A card payment of a buyer who is the processor's customer. Raises ValueError for any other."""
        if buyer.processor_customer_id is None:
            raise ValueError(f"ERP customer {buyer.id} has no card at the processor")
        documents = self._documents
        at = documents.stamp(day, buyer.legal_entity_id)
        made = ProcessorCharge(
            documents.ids.take("processor_charges"),
            buyer.processor_customer_id,
            invoice_number,
            "",
            amount,
            0 if failed else fee(amount, buyer.currency),
            buyer.currency,
            at,
            at,
            not failed,
            "card_declined" if failed else "",
        )
        if not failed:
            made.payout_id = self._count(buyer.currency, day, amount - made.fee)
        documents.delta.processor_charges.append(made)
        return made

    def refund(self, charge: ProcessorCharge, amount: int, day: int, at: datetime) -> ProcessorRefund:
        documents = self._documents
        at = max(at, charge.updated_at)
        made = ProcessorRefund(documents.ids.take("processor_refunds"), charge.id, amount, charge.currency, at, at)
        charge.refunded += amount
        charge.updated_at = at
        self._count(charge.currency, day, -amount)
        documents.delta.processor_refunds.append(made)
        return made

    def dispute(self, charge: ProcessorCharge, day: int, at: datetime) -> ProcessorDispute:
        """A chargeback of the whole charge, in any state it may have reached."""
        documents = self._documents
        at = max(at, charge.updated_at)
        status = _STATUSES[int(documents.rng.random() * len(_STATUSES))]
        reason = documents.rng.choice(("fraudulent", "product_not_received", "duplicate"))
        number = documents.ids.take("processor_disputes")
        made = ProcessorDispute(number, charge.id, charge.amount, charge.currency, reason, status, at, at)
        charge.disputed = True
        charge.updated_at = at
        if status != "won":
            self._count(charge.currency, day, -charge.amount)
        documents.delta.processor_disputes.append(made)
        return made

    def withdraw(self, charge: ProcessorCharge, day: int) -> int | None:
        """Takes the whole charge out of the payout of the day's week; that payout's id, None while the week runs."""
        return self._count(charge.currency, day, -charge.amount)

    def _count(self, currency: str, day: int, amount: int) -> int | None:
        monday = week_of(date.fromordinal(day))
        if monday > self._today:
            return None
        payout_id, total = self._weeks.get((currency, monday)) or (self._documents.ids.take("payouts"), 0)
        self._weeks[currency, monday] = (payout_id, total + amount)
        return payout_id

    def settle(self) -> list[Payout]:
        """The payouts of all weeks that are over, oldest first."""
        weeks = sorted(self._weeks.items(), key=lambda item: item[1][0])
        return [payout(number, currency, monday, net, self._today) for (currency, monday), (number, net) in weeks]


def payout(number: int, currency: str, monday: date, net: int, today: date) -> Payout:
    """The payout of the week before `monday`, as it stands on `today`."""
    arrival = monday + timedelta(days=SETTLEMENT_DAYS)
    created = midnight(monday) + timedelta(hours=8)
    if arrival <= today:
        return Payout(number, currency, net, arrival, "paid", created, midnight(arrival) + timedelta(hours=8))
    return Payout(number, currency, net, arrival, "in_transit", created, created)
