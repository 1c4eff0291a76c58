"""The fixed part of the world: legal entities, exchange rates, payment terms, tax rates and the sales people."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from random import Random

from .records import MINOR_UNITS, Delta, Employee, LegalEntity, PaymentTerms

# the first business instant after seeding lies behind this day: all seeded business is dated on it or before
LAST_SEEDED_DAY = date(2026, 6, 30)

# USD per unit, as the ERP's table has them; documents are posted at rates around these, another each month
USD_RATES = {"USD": 1.0, "EUR": 1.08, "GBP": 1.27, "JPY": 0.0067}

LEGAL_ENTITIES = (
    LegalEntity(1, "Meridian Industries Inc.", "US", "USD", "America/New_York", "North America"),
    LegalEntity(2, "Meridian Deutschland GmbH", "DE", "EUR", "Europe/Berlin", "Continental Europe"),
    LegalEntity(3, "Meridian UK Ltd", "GB", "GBP", "Europe/London", "United Kingdom"),
    LegalEntity(4, "Meridian Japan KK", "JP", "JPY", "Asia/Tokyo", "Japan"),
)

TERMS = (
    PaymentTerms(1, "Net 30", 30),
    PaymentTerms(2, "Net 60", 60),
    PaymentTerms(3, "Net 15", 15),
    PaymentTerms(4, "Due on receipt", 0),
    PaymentTerms(5, "2% 10 Net 30", 30, 2.0, 10),
    PaymentTerms(6, "50/50 in 30 and 60", 60, instalments=((50, 30), (50, 60))),
    PaymentTerms(7, "Thirds in 30, 60 and 90", 90, instalments=((34, 30), (33, 60), (33, 90))),
)
TERMS_BY_ID = {terms.id: terms for terms in TERMS}
# how often customers have each of the terms, out of 20
TERMS_CHOICE = (1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 5, 5, 6, 6, 7)

# percent on domestic sales; a legal entity charges none across its border
TAX_PERCENT = {"US": 7, "DE": 19, "GB": 20, "JP": 10}

# the legal entity that serves a country, and with which currency
HOME = {
    "US": (1, "USD"),
    "DE": (2, "EUR"),
    "FR": (2, "EUR"),
    "IT": (2, "EUR"),
    "BE": (2, "EUR"),
    "NL": (2, "EUR"),
    "GB": (3, "GBP"),
    "JP": (4, "JPY"),
}
# seconds of the UTC day in which business is stamped, so that the UTC date is the local date in every legal entity
OPENING_S = 8 * 3600
CLOSING_S = {1: 21 * 3600 + 1800, 2: 21 * 3600 + 1800, 3: 21 * 3600 + 1800, 4: 14 * 3600 + 1800}

_GIVEN = ("Ana", "Ben", "Chloe", "Daniel", "Emma", "Felix", "Grace", "Hiro", "Ines", "Jonas", "Kate", "Luca")
_FAMILY = ("Martin", "Okafor", "Schmidt", "Tanaka", "Rossi", "Dubois", "Jansen", "Peeters", "Walker", "Nguyen")


@lru_cache(maxsize=4096)
def posted_rate(document_currency: str, functional_currency: str, month: int) -> float:
    """Document to functional currency in a month (year * 12 + month - 1), at the eight decimals that the ERP posts."""
    if document_currency == functional_currency:
        return 1.0
    return round(_usd_rate(document_currency, month) / _usd_rate(functional_currency, month), 8)


def _usd_rate(currency: str, month: int) -> float:
    """Within three percent of the table's; drawn from a stream of its own, so that nothing else moves with it."""
    drift = 0.0 if currency == "USD" else Random(f"rate:{currency}:{month}").uniform(-0.03, 0.03)
    return USD_RATES[currency] * (1 + drift)


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def employees() -> list[Employee]:
    people = [(given, family) for family in _FAMILY[:3] for given in _GIVEN[:8]]
    return [
        Employee(number, f"{given} {family}", f"{given}.{family}@meridian.example".lower())
        for number, (given, family) in enumerate(people, start=1)
    ]


def base_delta() -> Delta:
    """What must stand before the first party."""
    return Delta(
        legal_entities=list(LEGAL_ENTITIES),
        payment_terms=list(TERMS),
        employees=employees(),
        exchange_rates=dict(USD_RATES),
    )


def minor_per_usd(currency: str) -> float:
    """Minor units of `currency` that one US dollar buys."""
    return float(10 ** MINOR_UNITS[currency]) / USD_RATES[currency]
