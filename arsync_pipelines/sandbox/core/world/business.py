"""What happens on a day after the seeded past: sales, receipts, corrections and changed master data.

Volumes follow the past's daily average, but every kind of event happens on a full day, even in a small world.
"""

from __future__ import annotations

from datetime import date

from . import master_data
from .company import midnight
from .ledger import Ledger
from .parties import Buyer
from .processor import payout
from .rare_documents import FIRST_ID
from .records import CreditMemo, Deletion, Invoice, Payment, Payout, ProcessorCharge

# (invoice, ERP customer, due ordinal, open amount)
_OpenItem = tuple[int, int, int, int]


class Business:
    """One stretch of a day: `share` of its volume, 1 for all of it. Use once: `run()`, then take the ledger's delta."""

    def __init__(self, ledger: Ledger, per_day: float, share: float) -> None:
        self._ledger = ledger
        self._rng = ledger.rng
        self._share = share
        self._daily = per_day
        self._pressure = 1.0
        self._per_day = per_day * (1.0 if ledger.day.weekday() < 5 else 0.4)
        self._items: list[_OpenItem] = []
        self._busy: set[int] = set()

    def run(self) -> None:
        store = self._ledger.store
        self._items = store.rows(
            "select invoice_id, erp_customer_id, due_date, open from open_item where invoice_id <= ?"
            " order by invoice_id",
            (FIRST_ID,),
        )
        # as many receipts as keep the open items at about a tenth of a past of 18 months
        usual = 45 * self._daily + 30
        self._pressure = min(1.5, len(self._items) / usual)
        self._sell()
        self._receive()
        self._credit()
        self._argue()
        self._correct()
        self._give_back()
        self._processor_events()
        master_data.change(self._ledger, self._times)

    def _times(self, weight: float, least: float) -> int:
        expected = max(least, self._per_day * weight) * self._share
        return int(expected) + (self._rng.random() < expected % 1)

    def _pick(self, *, overdue: bool = False, untouched: bool = False) -> _OpenItem | None:
        """An open item that nothing has happened to in this stretch."""
        ledger = self._ledger
        pool = self._items
        if overdue:
            pool = [item for item in pool if item[2] <= ledger.ordinal + 3] or pool
        for _ in range(40 if pool else 0):
            item = pool[int(self._rng.random() * len(pool))]
            if item[0] in self._busy:
                continue
            if untouched and ledger.store.rows("select 1 from applications where invoice_id = ? limit 1", (item[0],)):
                continue
            self._busy.add(item[0])
            return item
        return None

    def _sell(self) -> None:
        ledger, documents = self._ledger, self._ledger.documents
        last = ledger.ids.last["erp_customers"]
        for _ in range(self._times(1.0, 5)):
            buyer = ledger.buyer(1 + int(self._rng.random() * last))
            invoice = documents.invoice(buyer, ledger.ordinal)
            left = invoice.total
            credits = ledger.store.rows(
                "select source_type, source_id, open from open_credit where erp_customer_id = ? order by 1, 2",
                (buyer.id,),
            )
            for kind, number, amount in credits:
                source = ledger.source(kind, number)
                key = -number if kind == "payment" else -(10**12) - number
                if key not in self._busy and left > 0 and self._rng.random() < 0.7:
                    self._busy.add(key)
                    documents.apply(source, invoice, min(amount, left))
                    left -= min(amount, left)
        for _ in range(self._times(0.02, 1)):
            # money on account, before any invoice
            buyer = ledger.buyer(1 + int(self._rng.random() * last))
            memo = documents.credit_memo(buyer, ledger.ordinal) if self._rng.random() < 0.5 else None
            if memo is None:
                documents.payment(buyer, ledger.ordinal, 1000 + int(self._rng.random() * 90_000), "wire")

    def _receive(self) -> None:
        ledger = self._ledger
        for _ in range(self._times(0.85 * self._pressure, 2)):
            item = self._pick(overdue=True)
            if item is None:
                return
            number, customer, _, amount = item
            buyer = ledger.buyer(customer)
            invoice = ledger.invoice(number)
            luck = self._rng.random()
            if luck < 0.15 and amount > 1:
                ledger.teller.receive(buyer, ledger.ordinal, [(invoice, 1 + int(amount * 0.8 * self._rng.random()))])
                continue
            if luck < 0.22:
                paid = ledger.teller.receive(buyer, ledger.ordinal, [(invoice, amount)], extra=1 + amount // 10)
            elif luck < 0.4:
                paid = self._receive_for_several(buyer, customer, (invoice, amount))
            else:
                paid = ledger.teller.receive(buyer, ledger.ordinal, [(invoice, amount)])
            if paid is not None:
                invoice.dispute_reason, invoice.disputed_amount = "", 0

    def _receive_for_several(self, buyer: Buyer, customer: int, first: tuple[Invoice, int]) -> Payment:
        ledger = self._ledger
        others = [item for item in self._items if item[1] == customer and item[0] not in self._busy][:4]
        self._busy.update(item[0] for item in others)
        parts = [first] + [(ledger.invoice(item[0]), item[3]) for item in others]
        payment = ledger.documents.payment(buyer, ledger.ordinal, sum(part for _, part in parts), "check")
        for invoice, part in parts:
            invoice.dispute_reason, invoice.disputed_amount = "", 0
            ledger.documents.apply(payment, invoice, part)
        return payment

    def _credit(self) -> None:
        ledger, documents = self._ledger, self._ledger.documents
        for _ in range(self._times(0.06, 1)):
            if item := self._pick():
                amount = max(1, int(item[3] * self._rng.choice((0.1, 0.25, 1.0))))
                memo = documents.credit_memo(ledger.buyer(item[1]), ledger.ordinal, amount)
                documents.apply(memo, ledger.invoice(item[0]), amount)

    def _argue(self) -> None:
        ledger, documents = self._ledger, self._ledger.documents
        for _ in range(self._times(0.035, 1)):
            if item := self._pick():
                amount = max(1, int(item[3] * self._rng.choice((0.2, 0.5, 1.0))))
                documents.dispute(ledger.invoice(item[0]), ledger.ordinal, amount)
        disputed = ledger.store.rows(
            "select o.invoice_id from open_item o join invoices i on i.id = o.invoice_id"
            " where i.disputed_amount > 0 order by 1"
        )
        for _ in range(self._times(0.03, 0.5) if disputed else 0):
            number = disputed[int(self._rng.random() * len(disputed))][0]
            if number not in self._busy:
                self._busy.add(number)
                invoice = ledger.invoice(number)
                documents.settle_dispute(invoice, ledger.stamp(invoice.legal_entity_id))

    def _correct(self) -> None:
        ledger, documents = self._ledger, self._ledger.documents
        for _ in range(self._times(0.025, 1)):
            if item := self._pick(untouched=True):
                documents.void(ledger.invoice(item[0]), ledger.ordinal)
        for _ in range(self._times(0.02, 1)):
            if item := self._pick(overdue=True):
                documents.write_off(ledger.invoice(item[0]), ledger.ordinal, item[3])

    def _give_back(self) -> None:
        """Refunds of unapplied money, and documents entered in error that are deleted."""
        ledger = self._ledger
        for touched, times in ((1, self._times(0.005, 0.5)), (0, self._times(0.005, 0.6))):
            pool = ledger.store.rows(
                "select source_type, source_id, open from open_credit where touched = ? order by 1, 2", (touched,)
            )
            for _ in range(times if pool else 0):
                kind, number, amount = pool[int(self._rng.random() * len(pool))]
                key = -number if kind == "payment" else -(10**12) - number
                if key in self._busy:
                    continue
                self._busy.add(key)
                if touched:
                    ledger.documents.refund(ledger.source(kind, number), ledger.ordinal, amount)
                else:
                    self._delete(kind, number)

    def _delete(self, kind: str, number: int) -> None:
        ledger = self._ledger
        record: Payment | CreditMemo
        record = ledger.store.one(Payment, number) if kind == "payment" else ledger.store.one(CreditMemo, number)
        at = max(ledger.stamp(record.legal_entity_id), record.updated_at)
        ledger.documents.delta.deletions.append(
            Deletion("payment" if kind == "payment" else "credit_memo", number, record.number, at)
        )

    def _processor_events(self) -> None:
        ledger = self._ledger
        last = ledger.store.rows("select max(id) from processor_charges where id <= ?", (FIRST_ID,))[0][0]
        for _ in range(self._times(0.004, 0.3) if last else 0):
            number = 1 + int(self._rng.random() * last)
            charge = ledger.store.one(ProcessorCharge, number)
            if charge.succeeded and not charge.disputed and not charge.refunded:
                ledger.processor.dispute(ledger.charge(number), ledger.ordinal, ledger.stamp())
        self._settle_payouts()

    def _settle_payouts(self) -> None:
        ledger, store, delta = self._ledger, self._ledger.store, self._ledger.documents.delta
        monday = date.fromordinal(ledger.ordinal - ledger.day.weekday())
        first, end = (int(midnight(date.fromordinal(monday.toordinal() - back)).timestamp()) for back in (7, 0))
        waiting = store.rows(
            "select id, currency from processor_charges"
            " where payout_id is null and succeeded and created_at < ? order by 1",
            (end,),
        )
        for currency in sorted({row[1] for row in waiting}):
            number = ledger.ids.take("payouts")
            net = 0
            for charge_id, own in waiting:
                if own == currency:
                    charge = ledger.charge(charge_id)
                    charge.payout_id, charge.updated_at = number, max(charge.updated_at, ledger.stamp())
                    net += charge.amount - charge.fee
            for table, condition in (("processor_refunds", ""), ("processor_disputes", "and status <> 'won'")):
                net -= store.rows(
                    f"select coalesce(sum(amount), 0) from {table}"
                    f" where currency = ? and created_at >= ? and created_at < ? {condition}",
                    (currency, first, end),
                )[0][0]
            made = payout(number, currency, monday, net, ledger.day)
            made.created_at = made.updated_at = ledger.stamp()
            delta.payouts.append(made)
        for on_its_way in store.all(Payout, "where t.status = 'in_transit'"):
            if on_its_way.arrival_date <= ledger.day:
                on_its_way.status, on_its_way.updated_at = "paid", ledger.stamp()
                delta.payouts.append(on_its_way)
