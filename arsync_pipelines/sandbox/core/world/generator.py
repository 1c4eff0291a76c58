"""The seeded past: parties first, then their business day by day, as a series of `Delta`s of bounded size.

The same (seed, customers, invoices, months) always gives the same records. Nothing here keeps what it has yielded but
a few numbers per customer.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import accumulate
from random import Random

from .company import HOME, LAST_SEEDED_DAY, base_delta
from .documents import Documents
from .parties import Buyer, Ids, PartyMaker, buyer_of
from .processor import Processor
from .rare_business import RareBusiness
from .records import Delta
from .stories import Teller

INVOICES_PER_CHUNK = 20_000
_PARTIES_PER_CHUNK = 5_000


@dataclass(frozen=True)
class Size:
    """How much past to make. `customers` are parties that buy; prospects come on top, and what happens now and then
    (rare_business.py) on top of `invoices`. ValueError for nonsense.
    """

    seed: int
    customers: int
    invoices: int
    months: int = 18

    def __post_init__(self) -> None:
        if self.customers < 1 or self.invoices < 0:
            raise ValueError("a world needs at least one customer and no negative number of invoices")
        if self.months < 18:
            raise ValueError(f"{self.months} months are too few: averages over a year need 18 or more")


class Generator:
    """Makes the past once: iterate `deltas()` to its end; `ids` and `rare_ids` then hold the last ids given out."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self.ids = Ids()
        self.rare_ids = Ids()
        self._rng = Random(f"world:{size.seed}")
        self._last = LAST_SEEDED_DAY.toordinal()
        self._first = self._last - round(size.months * 30.44) + 1
        self._buyers: list[Buyer] = []
        # party -> primary account, and its ERP customer by legal entity, for the children's sake
        self._accounts: dict[int, int] = {}
        self._customers: dict[int, dict[int, int]] = {}

    def deltas(self) -> Iterator[Delta]:
        base = base_delta()
        yield base
        yield from self._parties(len(base.employees))
        yield from self._business()
        if self.size.invoices:
            rare = RareBusiness(self.size.seed, self._buyers, self._first, self._last, self.size.invoices)
            yield rare.run()
            self.rare_ids = rare.ids

    def _parties(self, owners: int) -> Iterator[Delta]:
        documents = Documents(self._rng, self.ids)
        draw = self._rng.random
        opening = self._first - 1

        def stamp() -> datetime:
            return documents.stamp(opening - int(draw() * 700), 1)

        maker = PartyMaker(self._rng, self.ids, owners, stamp)
        total = self.size.customers + max(1, self.size.customers * 15 // 100)
        for start in range(0, total, _PARTIES_PER_CHUNK):
            delta = Delta()
            for serial in range(start, min(start + _PARTIES_PER_CHUNK, total)):
                # prospects are spread among the customers
                before = serial * self.size.customers // total
                self._party(maker, delta, buys=(serial + 1) * self.size.customers // total > before)
            yield delta

    def _party(self, maker: PartyMaker, delta: Delta, *, buys: bool) -> None:
        draw = self._rng.random
        parent_id = (
            1 + int(draw() * self.ids.last["parties"]) if self.ids.last.get("parties") and draw() < 0.12 else None
        )
        party = maker.party(parent_id)
        delta.parties.append(party)
        customers = maker.erp_customers(party, self._customers.get(parent_id or 0, {})) if buys else []
        delta.erp_customers.extend(customers)
        accounts = maker.accounts(party, customers, self._accounts.get(parent_id or 0))
        for account in accounts:
            delta.crm_accounts.append(account)
            if not account.deleted:
                maker.people_and_deals(account, customer=bool(customers), delta=delta)
            if account.primary:
                self._accounts[party.id] = account.id
        if customers:
            self._customers[party.id] = {customer.legal_entity_id: customer.id for customer in reversed(customers)}
        card = maker.pays_by_card()
        for customer in customers:
            home = HOME[party.country] == (customer.legal_entity_id, customer.currency)
            processor = maker.processor_customer(party, customer) if card and home else None
            if processor:
                delta.processor_customers.append(processor)
            self._buyers.append(buyer_of(party, customer, processor))

    def _business(self) -> Iterator[Delta]:
        documents = Documents(self._rng, self.ids)
        processor = Processor(documents, LAST_SEEDED_DAY)
        teller = Teller(documents, processor, self._last)
        draw = self._rng.random
        # a few customers make much of the business
        weights = list(accumulate((1 - draw()) ** -0.6 for _ in self._buyers))
        top, span = weights[-1], self._last - self._first + 1
        made, in_chunk = 0, 0
        while made < self.size.invoices:
            day = self._first + min(span - 1, made * span // self.size.invoices)
            if date.fromordinal(day).weekday() >= 5 and draw() < 0.8:
                day = max(self._first, day - 2)
            buyer = self._buyers[bisect(weights, draw() * top)]
            count = teller.tell(buyer, day, self.size.invoices - made)
            made += count
            in_chunk += count
            if in_chunk >= INVOICES_PER_CHUNK:
                yield documents.delta
                documents.delta, in_chunk = Delta(), 0
        documents.delta.payouts = processor.settle()
        yield documents.delta
