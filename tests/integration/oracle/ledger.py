"""What a random ledger is: facts as an ERP records them, in the rounds in which they reach us.

A ledger stands alone: any of its facts can be left out and the rest is a ledger still, which is how a failing one is
made small. Nothing of the product is imported here, nor in `truth.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

MINOR = {"USD": 2, "EUR": 2, "JPY": 0, "BHD": 3}


@dataclass(frozen=True)
class Entity:
    """Rules of a legal entity: its currency, what "today" is, where its buckets end, and from which date it counts."""

    currency: str
    as_of: date
    edges: tuple[int, int, int, int] = (0, 30, 60, 90)
    basis: str = "due"
    elimination: bool = False


ENTITIES = {
    "1": Entity("USD", date(2023, 7, 1)),
    "2": Entity("EUR", date(2023, 6, 30)),
    "3": Entity("JPY", date(2023, 7, 1), edges=(5, 15, 45, 120)),
    "4": Entity("BHD", date(2023, 7, 1), basis="document"),
    "5": Entity("USD", date(2023, 7, 1), elimination=True),
}


@dataclass(frozen=True)
class Party:
    """Where a document stands: which of the ledger's two ERP customers, legal entity, currency."""

    customer: int
    entity: str
    currency: str


@dataclass(frozen=True)
class Document:
    """`amount` is positive as written, with more digits than its currency has now and then; a journal's has its sign.

    `kind`: invoice, payment, credit_memo, refund, journal. `parts`: due date and amount of instalments.
    `rate`: what one unit comes to in the legal entity's currency, when it is posted in NetSuite.
    `closed`: the day of a void that no journal reverses. `pays`, `settled`: an extract's claims on an invoice.
    """

    key: int
    kind: str
    party: Party
    day: date
    amount: Decimal
    due: date | None = None
    parts: tuple[tuple[date, Decimal], ...] = ()
    reversal: bool = False
    voided: bool = False
    closed: date | None = None
    disputed: Decimal | None = None
    pays: int | None = None
    settled: tuple[date, Decimal] | None = None
    rate: Decimal = Decimal(1)


@dataclass(frozen=True)
class Link:
    """`later` (payment, credit memo, journal, refund) applied to `earlier`, an invoice, a debit journal or (a refund, a
    reversal) a credit; taken back when `amount` is None.
    """

    earlier: int
    later: int
    amount: Decimal | None


@dataclass(frozen=True)
class Gone:
    """A document that its ERP deleted; `logged`: it says so itself, else a comparison of keys found out."""

    key: int
    logged: bool


@dataclass(frozen=True)
class Merged:
    """The two ERP customers turn out to share a tax registration."""


Fact = Document | Link | Gone | Merged


@dataclass(frozen=True)
class Ledger:
    """`system`: netsuite or files. Each round is loaded and built before the next one happens.

    `intercompany`: NetSuite knows the second customer to be a legal entity of its own.
    """

    system: str
    rounds: tuple[tuple[Fact, ...], ...]
    limit: Decimal | None = None
    intercompany: bool = False

    @property
    def size(self) -> int:
        return sum(map(len, self.rounds))

    def smaller(self) -> list[Ledger]:
        """The ledgers that lack one fact, or half of a round."""
        found = []
        for number, facts in enumerate(self.rounds):
            half = len(facts) // 2
            spans = {(at, at + 1) for at in range(len(facts))} | (
                {(0, half), (half, len(facts))} if half > 1 else set()
            )
            for start, end in sorted(spans):
                left = (*facts[:start], *facts[end:])
                found.append(replace(self, rounds=(*self.rounds[:number], left, *self.rounds[number + 1 :])))
        return sorted(found, key=lambda ledger: ledger.size)
