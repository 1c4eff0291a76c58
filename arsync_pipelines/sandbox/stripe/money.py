"""Currencies as Stripe counts them: integers in the smallest unit. Integer arithmetic only."""

from __future__ import annotations

ZERO_DECIMAL = frozenset(
    {"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"}
)
THREE_DECIMAL = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
# the more usual ones; the rest behave the same
TWO_DECIMAL = frozenset(
    {"aud", "brl", "cad", "chf", "cny", "czk", "dkk", "eur", "gbp", "hkd", "huf", "inr"}
) | frozenset({"mxn", "nok", "nzd", "pln", "ron", "sek", "sgd", "thb", "try", "twd", "usd", "zar"})
SUPPORTED = ZERO_DECIMAL | TWO_DECIMAL | THREE_DECIMAL

MAX_AMOUNT = 99_999_999


def decimals(currency: str) -> int:
    """Digits after the decimal point: 0, 2 or 3."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def minimum(currency: str) -> int:
    """Smallest amount that may be charged, about half a dollar."""
    return {0: 50, 2: 50, 3: 500}[decimals(currency)]


def card_fee(amount: int, currency: str) -> int:
    """Processing fee of a card charge: 2.9 % plus 0.30 (two decimals), 3.6 % (none), 2.9 % in tens (three).

    The percentages are typical list prices; what counts is that fee and net foot.
    """
    places = decimals(currency)
    if places == 0:
        return (amount * 36 + 500) // 1000
    if places == 3:
        return (amount * 29 + 5000) // 10000 * 10
    return (amount * 29 + 500) // 1000 + 30
