"""A company whose books go on: postings late and back-dated, changed, taken back, moved, merged, in random order."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from tests.integration.dbt import company
from tests.integration.dbt.raw import RawWarehouse

CUSTOMERS = {"1": ("1", "1"), "2": ("2", "3"), "3": ("1", "2"), "4": ("3", "4"), "5": ("1", "1")}
"""ERP customer -> its subsidiary and currency."""


@dataclass
class History:
    """Events drawn at random upon the small company, written as the raw rows that a read would bring."""

    raw: RawWarehouse
    chance: random.Random
    invoices: dict[str, dict[str, Any]] = field(default_factory=dict)
    links: dict[tuple[str, str], int] = field(default_factory=dict)
    number: int = 1000

    def goes_on(self, events: int) -> None:
        """Let so many things happen, every kind at least now and then."""
        kinds = [
            self.posts, self.posts, self.pays, self.pays, self.changes_an_application, self.takes_one_back,
            self.re_dates, self.changes_an_amount, self.moves, self.voids, self.deletes, self.changes_instalments,
            self.merges, self.splits, self.changes_the_edges, self.arrives_late,
        ]  # fmt: skip
        for kind in self.chance.sample(kinds, min(events, len(kinds))):
            kind()

    @property
    def books(self) -> company.Books:
        return company.Books(self.raw)

    def posts(self) -> None:
        key, customer = self._next(), self.chance.choice(list(CUSTOMERS))
        day = self._day()
        self.invoices[key] = {
            "customer": customer,
            "day": day,
            "due": day + timedelta(days=30),
            "amount": self._amount(),
        }
        self._write(key)

    def pays(self) -> None:
        invoice = self._some_invoice()
        key, amount = self._next(), self.chance.randrange(1, 60)
        subsidiary, currency = CUSTOMERS[self.invoices[invoice]["customer"]]
        customer = self.invoices[invoice]["customer"]
        self.books.document(key, "CustPymt", str(self._day()), customer, subsidiary, currency, str(amount + 5))
        self.books.link(invoice, key, str(amount))
        self.links[invoice, key] = amount

    def changes_an_application(self) -> None:
        if self.links:
            invoice, payment = self.chance.choice(list(self.links))
            self.books.link(invoice, payment, str(self.chance.randrange(1, 60)))

    def takes_one_back(self) -> None:
        if self.links:
            invoice, payment = self.chance.choice(list(self.links))
            del self.links[invoice, payment]
            self.books.link(invoice, payment, "1", deleted=True)

    def re_dates(self) -> None:
        key = self._some_invoice()
        day = self._day()
        self.invoices[key] |= {"day": day, "due": day + timedelta(days=self.chance.randrange(60))}
        self._write(key)

    def changes_an_amount(self) -> None:
        key = self._some_invoice()
        self.invoices[key]["amount"] = self._amount()
        self._write(key)

    def moves(self) -> None:
        """To another customer, and so perhaps to another legal entity and currency."""
        key = self._some_invoice()
        if not any(invoice == key for invoice, _payment in self.links):
            self.invoices[key]["customer"] = self.chance.choice(list(CUSTOMERS))
            self._write(key)

    def voids(self) -> None:
        key = self._some_invoice()
        invoice = self.invoices[key]
        subsidiary, currency = CUSTOMERS[invoice["customer"]]
        self._write(key, voided=True)
        journal, day = self._next(), str(self._day())
        self.books.document(
            journal, "Journal", day, invoice["customer"], subsidiary, currency, str(invoice["amount"]), reversal=True
        )
        self.books.link(key, journal, str(invoice["amount"]))

    def deletes(self) -> None:
        self.raw.add(
            "raw_netsuite__deleted_record", "erp", type="CustInvc", recordid=self._some_invoice(),
            deleteddate=company.STAMP,
        )  # fmt: skip

    def changes_instalments(self) -> None:
        parts = self.chance.choice((("100", "900"), ("300", "300", "400"), ("1000",)))
        due = [str(date(2026, 5, 15) + timedelta(days=self.chance.randrange(90))) for _ in parts]
        self.books.instalments("20", *zip(sorted(due), parts, strict=True))
        for number in range(len(parts) + 1, 4):
            self.raw.add(
                "raw_netsuite__transaction_installment", "erp", _deleted=True, transaction="20", id=str(number),
                transaction_lastmodified=company.STAMP,
            )  # fmt: skip

    def merges(self) -> None:
        self.books.customer("5", "1", "1", "12-3456789")

    def splits(self) -> None:
        self.books.customer("2", "2", "3", self.chance.choice(("123456789", "777")), limit="1000000", terms="2")

    def changes_the_edges(self) -> None:
        self.raw.set_policy(company.AS_OF, edges=(0, 30, 60, self.chance.choice((90, 120))))

    def arrives_late(self) -> None:
        """A document whose load the run before could have seen, had its customer been there."""
        now, self.raw.loaded_at = self.raw.loaded_at, datetime(2026, 7, 1)
        self.posts()
        self.raw.loaded_at = now

    def _next(self) -> str:
        self.number += 1
        return str(self.number)

    def _day(self) -> date:
        return date(2026, 3, 1) + timedelta(days=self.chance.randrange(150))

    def _amount(self) -> int:
        return self.chance.randrange(60, 900)

    def _some_invoice(self) -> str:
        if not self.invoices:
            self.posts()
        return self.chance.choice(list(self.invoices))

    def _write(self, key: str, voided: bool = False) -> None:
        invoice = self.invoices[key]
        subsidiary, currency = CUSTOMERS[invoice["customer"]]
        self.books.document(
            key, "CustInvc", str(invoice["day"]), invoice["customer"], subsidiary, currency, str(invoice["amount"]),
            due=str(invoice["due"]), voided=voided,
        )  # fmt: skip
