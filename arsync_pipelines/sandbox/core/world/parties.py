"""Companies as the sales people, the ERP and the processor each recorded them, with the faults of real master data.

Here are duplicates, missing cross-references, prospects and hierarchies; documents are made in documents.py.

Rules that hold for every party (the truth relies on them):
- at most one account carries an ERP number, and it is the lowest of the party's ERP customers
- a party with several ERP customers has a tax id, so that each reaches the account by evidence
- (party, legal entity, currency) has at most one ERP customer
- an account's `tax_id`, when filled, is the party's, and its country then is too
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

from . import names
from .company import HOME, TERMS_CHOICE, minor_per_usd
from .records import (
    CrmAccount,
    CrmContact,
    CrmOpportunity,
    Delta,
    ErpCustomer,
    Party,
    ProcessorCustomer,
)
from .tax_ids import tax_id

COUNTRIES = ("US", "US", "US", "US", "US", "US", "US", "DE", "DE", "DE", "FR", "IT", "BE", "NL", "GB", "GB", "GB", "JP")
_FIRST_COUNTRIES = ("US", "DE", "GB", "JP")
# second ERP customers: (legal entity, currency) beyond the home pair, foreign currencies among them
_SECOND = {
    "US": ((2, "EUR"), (3, "GBP"), (1, "EUR"), (4, "JPY")),
    "GB": ((1, "USD"), (2, "EUR"), (3, "USD"), (3, "EUR")),
    "JP": ((1, "USD"), (4, "USD"), (4, "EUR")),
}
_SECOND_EURO = ((1, "USD"), (2, "USD"), (3, "GBP"), (2, "GBP"))
STAGES = ("Prospecting", "Qualification", "Proposal", "Negotiation", "Closed Won", "Closed Lost")


@dataclass(slots=True)
class Buyer:
    """What the documents need to know of an ERP customer."""

    id: int
    legal_entity_id: int
    currency: str
    country: str
    terms_id: int
    processor_customer_id: int | None
    # 0 pays on the day, 1 pays weeks late
    slowness: float


@dataclass
class Ids:
    """The last id given out, by record type (the Delta field's name)."""

    last: dict[str, int] = field(default_factory=dict)

    def take(self, kind: str) -> int:
        number = self.last.get(kind, 0) + 1
        self.last[kind] = number
        return number


def slowness(erp_customer_id: int) -> float:
    """A customer's lasting habit, from its id alone."""
    return (erp_customer_id * 2654435761 % 1000) / 1000


def erp_number(erp_customer_id: int) -> str:
    """Of fixed width, so that the lowest number is the lowest id."""
    return f"C{1_000_000 + erp_customer_id}"


class PartyMaker:
    """Makes parties into a delta. `stamp()` gives the instant that the next record is created at."""

    def __init__(self, rng: Random, ids: Ids, owners: int, stamp: Callable[[], datetime]) -> None:
        self._rng = rng
        self._ids = ids
        self._owners = owners
        self._stamp = stamp

    def party(self, parent_id: int | None = None) -> Party:
        rng = self._rng
        number = self._ids.take("parties")
        # the first parties make every legal entity trade, in the smallest world too
        country = _FIRST_COUNTRIES[number % 4] if number <= 12 else rng.choice(COUNTRIES)
        name, slug = names.company_name(rng, country)
        at = self._stamp()
        domain = f"{slug}-{number}.example"
        return Party(
            number,
            name,
            country,
            *names.address(rng, country),
            names.phone(rng, country),
            f"ap@{domain}",
            f"https://www.{domain}",
            tax_id(country, number) if rng.random() > 0.08 else "",
            parent_id,
            at,
            at,
        )

    def erp_customers(self, party: Party, parents: dict[int, int]) -> list[ErpCustomer]:
        """One per (legal entity, currency); `parents` gives the parent party's ERP customer by legal entity."""
        rng = self._rng
        pairs = [HOME[party.country]]
        if party.tax_id and rng.random() < 0.12:
            others = _SECOND.get(party.country, _SECOND_EURO)
            pairs += rng.sample(others, 1 if rng.random() < 0.8 else 2)
        elif rng.random() < 0.05:
            # a single relation in a foreign currency
            pairs = [(pairs[0][0], "EUR" if pairs[0][1] == "USD" else "USD")]
        return [self.erp_customer(party, entity, currency, parents.get(entity)) for entity, currency in pairs]

    def erp_customer(self, party: Party, legal_entity_id: int, currency: str, parent_id: int | None) -> ErpCustomer:
        rng = self._rng
        number = self._ids.take("erp_customers")
        limit = None
        if rng.random() < 0.7:
            limit = round(rng.choice((10, 25, 50, 100, 250)) * 1000 * minor_per_usd(currency) / 100_000) * 100_000
        at = max(self._stamp(), party.created_at)
        return ErpCustomer(
            number,
            erp_number(number),
            party.id,
            legal_entity_id,
            currency,
            rng.choice(TERMS_CHOICE),
            limit,
            rng.random() < 0.03,
            False,
            parent_id,
            at,
            at,
        )

    def accounts(self, party: Party, customers: list[ErpCustomer], parent_account: int | None) -> list[CrmAccount]:
        """The party's CRM accounts, oldest first: mostly one, some with duplicates, a few none."""
        rng = self._rng
        if customers and rng.random() < 0.03:
            return []
        typed = customers[0].number if customers and rng.random() < 0.8 else ""
        known_tax = party.tax_id if rng.random() < 0.7 or not typed else ""
        if customers and not typed and not party.tax_id and rng.random() < 0.8:
            typed = customers[0].number
        main = self._account(party, party.legal_name, parent_account, typed, known_tax)
        # without evidence nothing ties this account to the ERP, so it shows no receivables
        main.primary = bool(typed or known_tax) or not customers
        found = [main]
        for _ in range((rng.random() < 0.07) + (rng.random() < 0.01)):
            name = names.misspelt(rng, party.legal_name)
            found.append(self._account(party, name, None, "", party.tax_id if rng.random() < 0.4 else ""))
        if typed and len(found) == 2 and rng.random() < 0.3:
            # the duplicate is older than the account that carries the ERP number
            other = found[1]
            main.id, other.id = other.id, main.id
            main.created_at, other.created_at = other.created_at, main.created_at
            main.updated_at, other.updated_at = main.created_at, other.created_at
            found.reverse()
        for duplicate in found:
            if duplicate is not main and main.primary and rng.random() < 0.1:
                duplicate.deleted, duplicate.merged_into = True, main.id
        return found

    def _account(self, party: Party, name: str, parent: int | None, number: str, tax: str) -> CrmAccount:
        at = max(self._stamp(), party.created_at)
        return CrmAccount(
            self._ids.take("crm_accounts"),
            party.id,
            name,
            parent,
            self._rng.randrange(self._owners) + 1,
            number,
            tax,
            False,
            party.country,
            party.street,
            party.city,
            party.state,
            party.postal_code,
            party.phone,
            party.website,
            HOME[party.country][1],
            at,
            at,
        )

    def people_and_deals(self, account: CrmAccount, *, customer: bool, delta: Delta) -> None:
        """Contacts and opportunities of a live account."""
        rng = self._rng
        domain = account.website.rpartition("www.")[2]
        for _ in range(1 + (rng.random() < 0.4)):
            first, last, title = names.person(rng)
            email = f"{first}.{last}@{domain}".lower()
            phone = names.phone(rng, account.country)
            number = self._ids.take("crm_contacts")
            delta.crm_contacts.append(
                CrmContact(number, account.id, first, last, email, phone, title, account.updated_at)
            )
        if rng.random() < 0.8:
            stage = "Closed Won" if customer and rng.random() < 0.7 else rng.choice(STAGES[:4] + STAGES[5:])
            delta.crm_opportunities.append(
                CrmOpportunity(
                    self._ids.take("crm_opportunities"),
                    account.id,
                    f"{account.name} - {rng.choice(('renewal', 'expansion', 'new business'))}",
                    stage,
                    round(rng.randrange(20, 900) * 100 * minor_per_usd(account.currency)),
                    account.currency,
                    (account.created_at + timedelta(days=rng.randrange(10, 120))).date(),
                    stage.startswith("Closed"),
                    stage == "Closed Won",
                    account.updated_at,
                )
            )

    def processor_customer(self, party: Party, customer: ErpCustomer) -> ProcessorCustomer:
        number = customer.number if self._rng.random() < 0.9 else ""
        return ProcessorCustomer(
            self._ids.take("processor_customers"),
            party.id,
            customer.id,
            number,
            party.legal_name,
            party.email,
            customer.currency,
            customer.created_at,
            customer.created_at,
        )

    def pays_by_card(self) -> bool:
        return self._rng.random() < 0.25


def buyer_of(party: Party, customer: ErpCustomer, processor: ProcessorCustomer | None) -> Buyer:
    return Buyer(
        customer.id,
        customer.legal_entity_id,
        customer.currency,
        party.country,
        customer.terms_id,
        processor.id if processor else None,
        slowness(customer.id),
    )


def moved(account: CrmAccount, rng: Random, at: datetime) -> CrmAccount:
    """The account after the company moved house."""
    place = names.address(rng, account.country)
    return replace(
        account,
        street=place.street,
        city=place.city,
        state=place.state,
        postal_code=place.postal_code,
        updated_at=at,
    )
