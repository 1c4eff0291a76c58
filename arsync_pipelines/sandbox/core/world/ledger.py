"""A day's work on the stored world: `Documents` whose older records are fetched from world.db and changed.

A record that is fetched is in the day's delta once, however often it changes. What happens on a day is business.py's.
"""

from __future__ import annotations

from datetime import date, datetime
from random import Random
from typing import Literal

from .documents import Documents
from .parties import Buyer, Ids, buyer_of
from .processor import Processor
from .records import (
    CreditMemo,
    CrmAccount,
    ErpCustomer,
    Invoice,
    Party,
    Payment,
    ProcessorCharge,
    ProcessorCustomer,
)
from .store import WorldStore
from .stories import Teller


class Ledger:
    """Opened for one stretch of business on one day; `documents.delta` is what came of it."""

    def __init__(self, store: WorldStore, rng: Random, day: date) -> None:
        self.store = store
        self.rng = rng
        self.day = day
        self.ordinal = day.toordinal()
        self.ids = Ids(dict(store.get("ids", {})))
        self.documents = Documents(rng, self.ids)
        self.processor = Processor(self.documents, day)
        self.teller = Teller(self.documents, self.processor, self.ordinal)
        self._invoices: dict[int, Invoice] = {}
        self._sources: dict[tuple[str, int], Payment | CreditMemo] = {}
        self._customers: dict[int, ErpCustomer] = {}
        self._accounts: dict[int, CrmAccount] = {}
        self._charges: dict[int, ProcessorCharge] = {}

    @property
    def delta_size(self) -> int:
        delta = self.documents.delta
        return sum(len(getattr(delta, name)) for name in delta.__dataclass_fields__)

    def stamp(self, legal_entity_id: int = 1) -> datetime:
        return self.documents.stamp(self.ordinal, legal_entity_id)

    def buyer(self, erp_customer_id: int) -> Buyer:
        customer = self.store.one(ErpCustomer, erp_customer_id)
        cards = self.store.all(ProcessorCustomer, "where t.erp_customer_id = ?", (erp_customer_id,))
        return buyer_of(self.store.one(Party, customer.party_id), customer, cards[0] if cards else None)

    def invoice(self, number: int) -> Invoice:
        """Fetched for change."""
        if number not in self._invoices:
            self._invoices[number] = self.store.one(Invoice, number)
            self.documents.delta.invoices.append(self._invoices[number])
        return self._invoices[number]

    def source(self, kind: Literal["payment", "credit_memo"], number: int) -> Payment | CreditMemo:
        """Fetched for change."""
        found = self._sources.get((kind, number))
        if found is None:
            if kind == "payment":
                found = self.store.one(Payment, number)
                self.documents.delta.payments.append(found)
            else:
                found = self.store.one(CreditMemo, number)
                self.documents.delta.credit_memos.append(found)
            self._sources[kind, number] = found
        return found

    def customer(self, number: int) -> ErpCustomer:
        """Fetched for change and stamped."""
        if number not in self._customers:
            self._customers[number] = self.store.one(ErpCustomer, number)
            self.documents.delta.erp_customers.append(self._customers[number])
        found = self._customers[number]
        found.updated_at = max(found.updated_at, self.stamp(found.legal_entity_id))
        return found

    def account(self, number: int) -> CrmAccount:
        """Fetched for change and stamped."""
        if number not in self._accounts:
            self._accounts[number] = self.store.one(CrmAccount, number)
            self.documents.delta.crm_accounts.append(self._accounts[number])
        found = self._accounts[number]
        found.updated_at = max(found.updated_at, self.stamp())
        return found

    def charge(self, number: int) -> ProcessorCharge:
        """Fetched for change."""
        if number not in self._charges:
            self._charges[number] = self.store.one(ProcessorCharge, number)
            self.documents.delta.processor_charges.append(self._charges[number])
        return self._charges[number]
