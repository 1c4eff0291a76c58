"""Tax registration numbers that are valid for their country, check digits included, one per serial number.

A serial (the party's id) always gives the same number and no two serials below ten million share one. The rules are
the published ones of each tax office; python-stdnum proves them in the tests.
"""

from __future__ import annotations

from collections.abc import Callable

_EIN_PREFIXES = ("12", "20", "26", "27", "33", "41", "45", "46", "47", "52", "58", "61", "68", "75", "81", "82", "94")
# coprime to every modulus used below, so that scattering never collides
_SCATTER = 7_368_787


def tax_id(country: str, serial: int) -> str:
    """The registration number of the party with this serial; "" for a country without a generator."""
    maker = _MAKERS.get(country)
    return maker(serial) if maker else ""


def _scattered(serial: int, digits: int) -> str:
    """`digits` digits without a leading zero; distinct for serials below 9 x 10^(digits - 1)."""
    low = 10 ** (digits - 1)
    return str(low + serial * _SCATTER % (9 * low))


def _luhn_digit(body: str) -> int:
    total = 0
    for position, char in enumerate(reversed(body)):
        doubled = int(char) * (2 if position % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return -total % 10


def _us(serial: int) -> str:
    return f"{_EIN_PREFIXES[serial % len(_EIN_PREFIXES)]}-{_scattered(serial, 7)}"


def _de(serial: int) -> str:
    body, product = _scattered(serial, 8), 10
    for char in body:
        rest = (int(char) + product) % 10 or 10
        product = rest * 2 % 11
    return f"DE{body}{(11 - product) % 10}"


def _fr(serial: int) -> str:
    body = _scattered(serial, 8)
    siren = f"{body}{_luhn_digit(body)}"
    return f"FR{int(siren + '12') % 97:02d}{siren}"


def _it(serial: int) -> str:
    # seven digits of company number, then the province of the tax office
    body = f"{_scattered(serial, 7)}{serial % 95 + 1:03d}"
    return f"IT{body}{_luhn_digit(body)}"


def _be(serial: int) -> str:
    body = f"0{_scattered(serial, 7)}"
    return f"BE{body}{97 - int(body) % 97:02d}"


def _nl(serial: int) -> str:
    # the last digit is the remainder modulo 11; a remainder of 10 has no digit, so the next free body is taken
    attempt = serial * 2
    while True:
        body = _scattered(attempt, 8)
        check = sum((9 - index) * int(char) for index, char in enumerate(body)) % 11
        if check < 10:
            return f"NL{body}{check}B01"
        attempt = attempt + 1 if attempt % 2 == 0 else attempt + 20_000_001


def _gb(serial: int) -> str:
    body = _scattered(serial, 7)
    total = sum((8 - index) * int(char) for index, char in enumerate(body))
    return f"GB{body}{(-total) % 97:02d}"


def _jp(serial: int) -> str:
    body = _scattered(serial, 12)
    total = sum((1 if index % 2 == 0 else 2) * int(char) for index, char in enumerate(reversed(body)))
    return f"{9 - total % 9}{body}"


_MAKERS: dict[str, Callable[[int], str]] = {
    "US": _us,
    "DE": _de,
    "FR": _fr,
    "IT": _it,
    "BE": _be,
    "NL": _nl,
    "GB": _gb,
    "JP": _jp,
}
