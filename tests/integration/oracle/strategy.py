"""Random ledgers, as a Hypothesis strategy: what business does to receivables, in any order and on any day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.integration.oracle.ledger import ENTITIES, MINOR, Document, Fact, Gone, Ledger, Link, Merged, Party
from tests.integration.oracle.truth import money

FIRST_DAY, DAYS = date(2022, 4, 1), 540
ROUNDS = 3
RATES = ("1", "1.08145", "1.1", "0.9259", "0.006712345", "151.3", "2.65")
Draw = Callable[[st.SearchStrategy[Any]], Any]
TURNING = tuple(
    e.as_of - timedelta(days=n) for e in ENTITIES.values() for n in (-1, 0, 1, 6, 16, 30, 31, 60, 61, 90, 91)
)
"""Days on which a bucket, or the as-of date, turns."""


@dataclass
class Business:
    """A business that draws what happens next. Documents are written whole each time, as an ERP shows them."""

    draw: Draw
    parties: list[Party]
    happened: list[Fact] = field(default_factory=list)
    documents: dict[int, Document] = field(default_factory=dict)
    links: dict[tuple[int, int], Decimal] = field(default_factory=dict)
    taken: set[int] = field(default_factory=set)
    """Voided or deleted: nothing more happens to these."""
    last_key: int = 0

    def write(self, document: Document) -> Document:
        self.documents[document.key] = document
        self.happened.append(document)
        return document

    def new(self, kind: str, party: Party, amount: Decimal, day: date | None = None, **more: Any) -> Document:
        self.last_key += 1
        return self.write(Document(self.last_key, kind, party, day or self.day(), amount, rate=self.rate(), **more))

    def rate(self) -> Decimal:
        return Decimal(self.pick(RATES))

    def link(self, earlier: Document, later: Document, amount: Decimal | None) -> None:
        if amount is None:
            del self.links[earlier.key, later.key]
        else:
            self.links[earlier.key, later.key] = amount
        self.happened.append(Link(earlier.key, later.key, amount))

    def day(self) -> date:
        if self.draw(st.integers(0, 2)) == 0:
            turning: date = self.pick(TURNING)
            return turning
        return FIRST_DAY + timedelta(days=self.draw(st.integers(0, DAYS)))

    def pick(self, among: Any) -> Any:
        return self.draw(st.sampled_from(sorted(among) if isinstance(among, set) else list(among)))

    def amount(self, currency: str, most: Decimal | None = None) -> Decimal:
        """Whole units of the currency's last digit, at most `most`."""
        unit = Decimal(1).scaleb(-MINOR[currency])
        units: int = self.draw(st.integers(1, int(most / unit) if most else 90_000))
        return unit * units

    def written(self, currency: str) -> Decimal:
        """An amount as an ERP may write it: now and then with a digit too many, which is half a unit or nearly so."""
        amount = self.amount(currency)
        return amount + Decimal(self.pick(("0", "0", "0", "0.5", "0.49"))).scaleb(-MINOR[currency])

    def living(self, *kinds: str) -> list[Document]:
        return [d for d in self.documents.values() if d.kind in kinds and d.key not in self.taken]

    def unlinked(self, *kinds: str) -> list[Document]:
        ends = {end for link in self.links for end in link}
        return [d for d in self.living(*kinds) if d.key not in ends and not d.reversal]

    def rest(self, document: Document) -> Decimal:
        """What no link has used yet."""
        used = sum((amount for ends, amount in self.links.items() if document.key in ends), Decimal(0))
        return abs(money(document.amount, document.party.currency)) - used

    def posts_invoice(self) -> Document:
        party = self.pick(self.parties)
        day = self.day()
        due = None
        if self.draw(st.integers(0, 4)):  # at times before the invoice, or on a day on which a bucket turns
            due = self.pick(TURNING) if self.draw(st.booleans()) else day + timedelta(self.draw(st.integers(-3, 90)))
        return self.new("invoice", party, self.written(party.currency), day, due=due)

    def changes_terms(self) -> None:
        for invoice in self.some(self.living("invoice")):
            exact = money(invoice.amount, invoice.party.currency)
            parts, left = [], exact
            for _ in range(self.draw(st.integers(0, 2))):
                part = self.amount(invoice.party.currency, exact)
                if part < left:
                    parts.append((self.day(), part))
                    left -= part
            if parts:
                self.write(replace(invoice, amount=exact, parts=(*parts, (self.day(), left))))
            else:
                self.write(replace(invoice, due=self.day(), parts=()))

    def some(self, among: list[Document]) -> list[Document]:
        return [self.pick(among)] if among else []

    def pays_in_two(self) -> None:
        """The whole of it, and mostly of an invoice that nothing else happened to."""
        untouched = self.unlinked("invoice") or self.living("invoice")
        for invoice in self.some([d for d in untouched if self.rest(d) > 0]):
            left = self.rest(invoice)
            first = self.amount(invoice.party.currency, left)
            for amount in (first, left - first):
                if amount:
                    self.settle(invoice, amount)

    def settle(self, invoice: Document, amount: Decimal) -> None:
        """With a payment of just that amount."""
        raise NotImplementedError

    def re_dates(self) -> None:
        for document in self.some(self.living("invoice", "payment", "credit_memo")):
            self.write(replace(document, day=self.day(), rate=self.rate()))

    def re_rates(self) -> None:
        for document in self.some(self.living("invoice", "payment", "credit_memo")):
            self.write(replace(document, rate=self.rate()))

    def changes_amount(self) -> None:
        for document in self.some([d for d in self.unlinked("invoice", "payment") if not d.parts]):
            self.write(replace(document, amount=self.written(document.party.currency)))

    def disputes(self) -> None:
        for invoice in self.some(self.living("invoice")):
            self.write(replace(invoice, disputed=self.written(invoice.party.currency)))

    def merges(self) -> None:
        if any(party.customer for party in self.parties):
            self.happened.append(Merged())

    def deletes(self) -> None:
        for document in self.some(self.living("invoice", "payment", "credit_memo")):
            self.taken.add(document.key)
            self.happened.append(Gone(document.key, self.draw(st.booleans())))


class NetSuite(Business):
    """Applications are links between documents; voids and write-offs are journals."""

    @property
    def kinds(self) -> list[Callable[[], Any]]:
        return [
            self.posts_invoice, self.posts_invoice, self.pays, self.pays, self.pays, self.pays_in_two, self.pays_in_two,
            self.gets_cash, self.credits, self.applies_credit, self.refunds, self.writes_off, self.voids,
            self.voids_payment, self.takes_back, self.changes_application, self.changes_terms, self.re_dates,
            self.re_rates, self.changes_amount, self.disputes, self.posts_journal, self.deletes, self.merges,
        ]  # fmt: skip

    def settle(self, invoice: Document, amount: Decimal) -> None:
        self.link(invoice, self.new("payment", invoice.party, amount), amount)

    def pays(self) -> None:
        """In part, in full, too much (the rest stays on account), or, rarely, applying more than was invoiced."""
        debits = [d for d in self.living("journal") if d.amount > 0 and not d.reversal]
        for invoice in self.some(self.living("invoice") + debits):
            left, currency = self.rest(invoice), invoice.party.currency
            if left > 0:
                part = left if self.draw(st.booleans()) else self.amount(currency, left)
                part += self.amount(currency) if self.draw(st.integers(0, 19)) == 19 else 0
                extra = self.amount(currency) if self.draw(st.integers(0, 3)) == 0 else Decimal(0)
                kind = self.pick(("payment", "payment", "credit_memo"))
                self.link(invoice, self.new(kind, invoice.party, part + extra), part)

    def gets_cash(self) -> None:
        party = self.pick(self.parties)
        self.new("payment", party, self.written(party.currency))

    def credits(self) -> None:
        party = self.pick(self.parties)
        self.new("credit_memo", party, self.written(party.currency))

    def applies_credit(self) -> None:
        credits = [d for d in self.living("payment", "credit_memo") if self.rest(d) > 0]
        for credit in self.some(credits):
            open_ones = [d for d in self.living("invoice") if d.party == credit.party and self.rest(d) > 0]
            for invoice in self.some([d for d in open_ones if (d.key, credit.key) not in self.links]):
                most = min(self.rest(credit), self.rest(invoice))
                self.link(
                    invoice, credit, most if self.draw(st.booleans()) else self.amount(credit.party.currency, most)
                )

    def refunds(self) -> None:
        for credit in self.some([d for d in self.living("payment", "credit_memo") if self.rest(d) > 0]):
            amount = self.amount(credit.party.currency, self.rest(credit))
            self.link(credit, self.new("refund", credit.party, amount), amount)

    def writes_off(self) -> None:
        for invoice in self.some([d for d in self.living("invoice") if self.rest(d) > 0]):
            left = self.rest(invoice)
            amount = left if self.draw(st.booleans()) else self.amount(invoice.party.currency, left)
            self.link(invoice, self.new("journal", invoice.party, -amount), amount)

    def voids(self) -> None:
        for invoice in self.some(self.unlinked("invoice")):
            self.taken.add(invoice.key)
            if self.draw(st.integers(0, 3)) == 0:  # no journal says so: the closing date counts
                self.write(replace(invoice, voided=True, closed=self.day()))
                return
            self.write(replace(invoice, voided=True))
            amount = money(invoice.amount, invoice.party.currency)
            self.link(invoice, self.new("journal", invoice.party, -amount, reversal=True), amount)

    def voids_payment(self) -> None:
        for payment in self.some(self.unlinked("payment")):
            self.taken.add(payment.key)
            self.write(replace(payment, voided=True))
            amount = money(payment.amount, payment.party.currency)
            self.link(payment, self.new("journal", payment.party, amount, reversal=True), amount)

    def takes_back(self) -> None:
        reversible = [ends for ends in self.links if not self.documents[ends[1]].reversal]
        if reversible:
            earlier, later = self.pick(reversible)
            self.link(self.documents[earlier], self.documents[later], None)

    def changes_application(self) -> None:
        reversible = [ends for ends in self.links if not self.documents[ends[1]].reversal]
        if reversible:
            earlier, later = (self.documents[end] for end in self.pick(reversible))
            self.link(earlier, later, self.amount(earlier.party.currency, self.links[earlier.key, later.key]))

    def posts_journal(self) -> None:
        party = self.pick(self.parties)
        self.new("journal", party, self.amount(party.currency) * self.pick((1, -1)))


class Files(Business):
    """Extracts: payments name the invoice they settle, an invoice may carry the day it was settled."""

    @property
    def kinds(self) -> list[Callable[[], Any]]:
        return [
            self.posts_invoice, self.posts_invoice, self.pays, self.pays, self.pays, self.pays_in_two, self.gets_cash,
            self.credits, self.settles, self.re_dates, self.changes_amount, self.disputes, self.deletes, self.merges,
        ]  # fmt: skip

    def settle(self, invoice: Document, amount: Decimal) -> None:
        self.new("payment", invoice.party, amount, pays=invoice.key)

    def pays(self) -> None:
        for invoice in self.some(self.living("invoice")):
            exact = money(invoice.amount, invoice.party.currency)
            amount = exact if self.draw(st.booleans()) else self.amount(invoice.party.currency, exact * 2)
            self.new("payment", invoice.party, amount, pays=invoice.key)

    def gets_cash(self) -> None:
        party = self.pick(self.parties)
        self.new("payment", party, self.written(party.currency))

    def credits(self) -> None:
        party = self.pick(self.parties)
        self.new("credit_memo", party, self.written(party.currency))

    def settles(self) -> None:
        for invoice in self.some(self.living("invoice")):
            exact = money(invoice.amount, invoice.party.currency)
            amount = exact if self.draw(st.booleans()) else self.amount(invoice.party.currency, exact)
            self.write(replace(invoice, settled=(self.day(), amount)))


@st.composite
def ledgers(draw: Draw) -> Ledger:
    """A ledger of at most some twenty facts, in three rounds."""
    system = draw(st.sampled_from(("netsuite", "netsuite", "files")))
    count = draw(st.integers(1, 3))
    party = st.builds(
        Party, st.integers(0, 1), st.sampled_from(sorted(ENTITIES)), st.sampled_from(("USD", "EUR", "JPY", "BHD"))
    )
    business = (NetSuite if system == "netsuite" else Files)(draw, [draw(party) for _ in range(count)])
    rounds = []
    for number in range(ROUNDS):
        business.happened = []
        if number == 0:
            business.posts_invoice()
        for _ in range(draw(st.integers(5, 10) if number == 0 else st.integers(1, 4))):
            business.pick(business.kinds)()
        rounds.append(arrived(draw, business.happened))
    limit = Decimal(draw(st.integers(0, 500))) if system == "netsuite" and draw(st.booleans()) else None
    return Ledger(system, tuple(rounds), limit, draw(st.integers(0, 3)) == 3)


def arrived(draw: Draw, facts: list[Fact]) -> tuple[Fact, ...]:
    """In any order, but versions of one record as they were written, and its deletion last."""
    last = {identity(fact): at for at, fact in enumerate(facts)}
    older = [fact for at, fact in enumerate(facts) if last[identity(fact)] != at]
    newest = [fact for at, fact in enumerate(facts) if last[identity(fact)] == at and not isinstance(fact, Gone)]
    return (*older, *draw(st.permutations(newest)), *(fact for fact in facts if isinstance(fact, Gone)))


def identity(fact: Fact) -> tuple[str, int, int]:
    match fact:
        case Document():
            return ("document", fact.key, 0)
        case Link():
            return ("link", fact.earlier, fact.later)
        case Gone():
            return ("gone", fact.key, 0)
        case Merged():
            return ("merged", 0, 0)


def drawn(count: int, number: int | None = None) -> list[Ledger]:
    """So many different ledgers: always the same when `number` is None, else those of a seed."""
    found: dict[Ledger, None] = {}

    def keep(ledger: Ledger) -> None:
        found[ledger] = None

    wanted = settings(
        max_examples=2 * count, phases=[Phase.generate], database=None, deadline=None, derandomize=number is None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    test = wanted(given(ledgers())(keep))
    (test if number is None else seed(number)(test))()
    assert len(found) >= count
    return list(found)[:count]
