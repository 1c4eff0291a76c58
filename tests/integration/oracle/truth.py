"""The oracle: receivables of a ledger by the definitions, in plain Python. It knows neither SQL nor the product.

Balance of a document at D: what was posted less what was applied, both dated up to D; an application counts from the
later of its documents' dates, a void from its journal's. Buckets by days past due, of invoices and of what journals
debit; credits in a column of their own, and what legal entities of one house owe each other in another.

In the legal entity's currency a document counts at its own rate, what settles it at that of the document that settles;
what the two rates differ by is realised on the settled document, and once nothing of it is open, what rounding left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any, NamedTuple

from tests.integration.oracle.ledger import ENTITIES, MINOR, Document, Gone, Ledger, Link, Merged, Party

ZERO = Decimal(0)
SIGN = {"invoice": 1, "refund": 1, "payment": -1, "credit_memo": -1, "journal": 1}


class Item(NamedTuple):
    """One open item, as the product's aging should list it; `document` is the ledger's own key."""

    document: str
    number: int
    customer: int
    entity: str
    currency: str
    due: date
    open: Decimal
    bucket: str
    days_past_due: int | None
    functional: Decimal


class Entry(NamedTuple):
    """A line of the sub-ledger; `kind` is posted, applied, void, write_off or realised; `step` when it was loaded.

    `functional`: the same in the legal entity's currency, which is all that what was realised has.
    """

    document: str
    day: date
    amount: Decimal
    functional: Decimal
    kind: str
    step: int


def money(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-MINOR[currency]), rounding=ROUND_HALF_UP)


@dataclass
class Books:
    """What is known of a ledger after so many rounds."""

    ledger: Ledger
    rounds: int

    def __post_init__(self) -> None:
        self.documents: dict[str, Document] = {}
        self.steps: dict[str, int] = {}
        links: dict[tuple[int, int], tuple[Link, int]] = {}
        self.merged = False
        gone = set()
        for facts in self.ledger.rounds[: self.rounds]:
            for step, fact in enumerate(facts):
                match fact:
                    case Document():
                        self.documents[str(fact.key)], self.steps[str(fact.key)] = fact, step
                    case Link():
                        links[fact.earlier, fact.later] = (fact, step)
                    case Gone():
                        gone.add(str(fact.key))
                    case Merged():
                        self.merged = True
        for key in gone:
            self.documents.pop(key, None)
        self._settled_by_extract()
        self.entries = [*self._posted(), *self._linked(links), *self._claimed()]
        self.entries += list(self._left_by_rounding())

    def _settled_by_extract(self) -> None:
        """A settled date is a payment of that day."""
        for key, invoice in list(self.documents.items()):
            if invoice.settled and invoice.kind == "invoice":
                paid = f"settled:{key}"
                day, amount = invoice.settled
                self.documents[paid] = Document(invoice.key, "payment", invoice.party, day, amount, pays=invoice.key)
                self.steps[paid] = self.steps[key]

    def amount(self, key: str) -> Decimal:
        document = self.documents[key]
        return SIGN[document.kind] * money(document.amount, document.party.currency)

    def _posted(self) -> Iterator[Entry]:
        for key, document in self.documents.items():
            amount, functional = self.amount(key), self.converted(document, self.amount(key), document.rate)
            yield Entry(key, document.day, amount, functional, "posted", self.steps[key])
            if document.voided and document.closed:
                yield Entry(key, document.closed, -amount, -functional, "void", self.steps[key])

    def converted(self, document: Document, amount: Decimal, rate: Decimal) -> Decimal:
        """At a rate, in the legal entity's currency; an extract's books are in the document's own."""
        currency = self.functional_currency(document.party)
        return money(amount * rate, currency) if currency != document.party.currency else amount

    def functional_currency(self, party: Party) -> str:
        return ENTITIES[party.entity].currency if self.ledger.system == "netsuite" else party.currency

    def _linked(self, links: dict[tuple[int, int], tuple[Link, int]]) -> Iterator[Entry]:
        for (earlier, later), (link, step) in links.items():
            ends = str(earlier), str(later)
            if link.amount is None or not all(end in self.documents for end in ends):
                continue
            first, second = (self.documents[end] for end in ends)
            lowered, used_up = ends if is_debt(first) else tuple(reversed(ends))
            kind = "applied"
            if second.kind == "journal":
                kind = "void" if second.reversal else "write_off"
            known = max(step, *(self.steps[end] for end in ends))
            amount, day = money(link.amount, first.party.currency), max(first.day, second.day)
            debt, settling = self.documents[lowered], self.documents[used_up]
            functional = self.converted(debt, amount, settling.rate)
            yield Entry(lowered, day, -amount, -functional, kind, known)
            yield Entry(used_up, day, amount, functional, "applied", known)
            if self.functional_currency(debt.party) != debt.party.currency:
                realised = self.converted(debt, amount, settling.rate - debt.rate)
                yield Entry(lowered, day, ZERO, realised, "realised", known)

    def _left_by_rounding(self) -> Iterator[Entry]:
        """What is settled to the last unit is so in both currencies, from its last settlement on."""
        for key in self.documents:
            own = [entry for entry in self.entries if entry.document == key]
            left = sum((entry.functional for entry in own), ZERO)
            if left and not sum((entry.amount for entry in own), ZERO) and self.ledger.system == "netsuite":
                last = max(entry.day for entry in own)
                yield Entry(key, last, ZERO, -left, "realised", max(entry.step for entry in own))

    def _claimed(self) -> Iterator[Entry]:
        """Extracts: payments settle the invoice they name, the earliest first, up to its amount."""
        claims = [(d.day, self._identity(key), key, d.pays) for key, d in self.documents.items() if d.pays is not None]
        left: dict[str, Decimal] = {}
        for day, _identity, key, pays in sorted(claims):
            invoice = str(pays)
            if invoice not in self.documents:
                continue
            amount = min(-self.amount(key), left.setdefault(invoice, self.amount(invoice)))
            if amount == 0:
                continue
            left[invoice] -= amount
            when, known = max(day, self.documents[invoice].day), max(self.steps[key], self.steps[invoice])
            yield Entry(invoice, when, -amount, -amount, "applied", known)
            yield Entry(key, when, amount, amount, "applied", known)

    def _identity(self, key: str) -> tuple[str, int]:
        """In the order of the documents' ids, which have as many digits in all of a ledger."""
        kind, _, number = key.rpartition(":")
        return kind or "payment", int(number)

    def aging(self, as_of: date | None = None, up_to_step: int | None = None) -> list[Item]:
        """Open items at a date (each legal entity's own when None), as known after so many facts of the round."""
        balances: dict[str, Decimal] = defaultdict(Decimal)
        functional: dict[str, Decimal] = defaultdict(Decimal)
        for entry in self.entries:
            entity = ENTITIES[self.documents[entry.document].party.entity]
            if entry.day <= (as_of or entity.as_of) and (up_to_step is None or entry.step <= up_to_step):
                balances[entry.document] += entry.amount
                functional[entry.document] += entry.functional
        return sorted(
            item
            for key, balance in balances.items()
            if balance
            for item in self._items(key, balance, functional[key], as_of)
        )

    def _items(self, key: str, balance: Decimal, functional: Decimal, as_of: date | None) -> Iterator[Item]:
        document = self.documents[key]
        party, entity = document.party, ENTITIES[document.party.entity]
        today = as_of or entity.as_of
        parts = [
            (due, money(amount, party.currency)) for due, amount in sorted(document.parts, key=lambda part: part[0])
        ]
        parts = parts or [(document.due or document.day, self.amount(key))]
        settled = sum((amount for _due, amount in parts), ZERO) - balance
        reached, given = ZERO, ZERO
        for number, (due, amount) in enumerate(parts, 1):
            taken = settled if number == len(parts) else min(settled, amount)
            settled -= taken
            if amount == taken:
                continue
            reached += amount - taken
            share = money(functional * reached / balance, self.functional_currency(party)) - given
            given += share
            past, age = (today - due).days, (today - (due if entity.basis == "due" else document.day)).days
            debt = is_debt(document)
            bucket = bucket_of(age, entity.edges) if debt else "unapplied"
            if self._apart(party):
                bucket = "intercompany"
            yield Item(
                key, number, 0 if self.merged else party.customer, party.entity, party.currency, due, amount - taken,
                bucket, past if debt else None, share,
            )  # fmt: skip

    def _apart(self, party: Party) -> bool:
        """Only NetSuite says which legal entity eliminates, and which customer is one of the house."""
        own = self.ledger.intercompany and party.customer == 1
        return self.ledger.system == "netsuite" and (own or ENTITIES[party.entity].elimination)

    def summaries(self) -> dict[tuple[int, str, str], dict[str, Any]]:
        """Per customer, legal entity and currency: totals of the aging, disputed, oldest due date, days to pay."""
        found: dict[tuple[int, str, str], dict[str, Any]] = defaultdict(lambda: defaultdict(Decimal))
        open_now: dict[str, Decimal] = defaultdict(Decimal)
        for item in self.aging():
            row = found[item.customer, item.entity, item.currency]
            edges = ENTITIES[item.entity].edges
            row[column_of(item.bucket, edges)] += item.open
            if item.bucket == "intercompany":
                continue
            row["open_balance"] += item.open
            row["overdue"] += item.open if (item.days_past_due or 0) >= 1 else ZERO
            if item.days_past_due is not None:
                open_now[item.document] += item.open
                if item.open > 0:
                    row["oldest_due"] = min(item.due, row.get("oldest_due", item.due))
        weights: dict[tuple[int, str, str], list[tuple[Decimal, int]]] = defaultdict(list)
        for key, invoice in self.documents.items():
            if invoice.kind != "invoice" or self._apart(invoice.party):
                continue
            party, today = invoice.party, ENTITIES[invoice.party.entity].as_of
            where = (0 if self.merged else party.customer, party.entity, party.currency)
            owed = max(ZERO, min(money(invoice.disputed or ZERO, party.currency), open_now[key]))
            if owed:
                found[where]["disputed"] += owed
            told = [
                e for e in self.entries if e.document == key and e.day <= today and e.kind not in {"posted", "realised"}
            ]
            last = max((entry.day for entry in told), default=None)
            if last is None or open_now[key] or any(entry.kind != "applied" for entry in told):
                continue
            if today.replace(year=today.year - 1) < last and invoice.day <= today:
                weights[where].append((self.amount(key), (last - invoice.day).days))
        for where, paid in weights.items():
            days = sum((amount * days for amount, days in paid), ZERO) / sum((amount for amount, _ in paid), ZERO)
            found[where]["days_to_pay"] = days.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)
        return {key: {name: value for name, value in row.items() if value != 0 or name == "days_to_pay"}
                for key, row in found.items()}  # fmt: skip


def is_debt(document: Document) -> bool:
    return document.kind == "invoice" or (document.kind == "journal" and document.amount > 0)


def bucket_of(age: int, edges: tuple[int, int, int, int]) -> str:
    names = [
        "current",
        *(f"{low + 1}-{high}" for low, high in pairwise(edges)),
        f"{edges[-1] + 1}+",
    ]
    return names[sum(age > edge for edge in edges)]


def column_of(bucket: str, edges: tuple[int, int, int, int]) -> str:
    if bucket in {"unapplied", "intercompany"}:
        return bucket
    samples = (edges[0], *(edge + 1 for edge in edges))
    return ("current", "second", "third", "fourth", "last")[[bucket_of(age, edges) for age in samples].index(bucket)]
