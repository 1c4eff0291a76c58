"""Names, addresses and telephone numbers: plausible, of the right form for their country, and of nobody."""

from __future__ import annotations

from random import Random
from typing import NamedTuple


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_FIRST = _words(
    "Alder Amber Anchor Apex Arden Atlas Aurora Beacon Birch Borealis Bright Cascade Cedar Cobalt Copper Crescent "
    "Crown Delta Eagle Echo Ember Evergreen Falcon Granite Harbor Helios Horizon Iris Juniper Keystone Lakeside Lumen "
    "Maple Meadow Nimbus Nova Oakwood Onyx Orchard Orion Pacific Pioneer Polaris Quartz Raven Redwood River Rowan "
    "Saffron Sierra Silver Solstice Spruce Sterling Summit Sycamore Terra Timber Titan Union Vector Verdant Vista"
)
_SECOND = _words(
    "Advisory Aerospace Analytics Apparel Automation Beverages Biotech Building Ceramics Chemicals Components "
    "Controls Dairy Design Devices Diagnostics Electric Energy Engineering Equipment Fabrics Fasteners Foods Freight "
    "Furniture Glass Health Hydraulics Instruments Interiors Labs Lighting Logistics Machinery Marine Materials Media "
    "Medical Metals Mobility Optics Packaging Paper Pharma Plastics Power Precision Print Retail Robotics "
    "Security Software Solar Steel Storage Supply Systems Telecom Textiles Tools Toys Trading Transport Ventures Wood"
)
_GIVEN = _words("Alex Bianca Carlos Dana Elif Farid Greta Haruto Ivan Julia Kenji Lena Marco Nadia Oscar Paula")
_FAMILY = _words("Adams Bauer Conti Dupont Evans Fischer Garcia Hughes Ito Jacobs Kim Laurent Moretti Novak Owens Sato")
_TITLES = ("Accounts Payable", "Controller", "CFO", "Procurement", "Office Manager", "Treasury Analyst")
_STREETS = _words("Market Station Church Mill Park High Garden Bridge Harbour King Lake Forest")


class _Land(NamedTuple):
    forms: tuple[str, ...]
    places: tuple[tuple[str, str, str], ...]  # city, state, postal prefix
    street: str
    phone: str
    postal_digits: int


_LANDS = {
    "US": _Land(
        ("Inc.", "LLC", "Corp.", "Co."),
        (("Chicago", "IL", "606"), ("Austin", "TX", "787"), ("Boston", "MA", "021"), ("Denver", "CO", "802")),
        "{n} {s} Street",
        "+1 312 555 {p:04d}",
        2,
    ),
    "DE": _Land(
        ("GmbH", "AG", "GmbH & Co. KG", "SE"),
        (("Hamburg", "HH", "20"), ("Leipzig", "SN", "04"), ("Stuttgart", "BW", "70"), ("Bremen", "HB", "28")),
        "{s}straße {n}",
        "+49 40 5550{p:04d}",
        3,
    ),
    "FR": _Land(
        ("SA", "SARL", "SAS"), (("Lyon", "", "69"), ("Lille", "", "59")), "{n} rue {s}", "+33 4 72 55 {a} {b}", 3
    ),
    "IT": _Land(
        ("S.p.A.", "S.r.l."), (("Milano", "MI", "20"), ("Torino", "TO", "10")), "Via {s} {n}", "+39 02 555{p:04d}", 3
    ),
    "BE": _Land(
        ("NV", "BV", "SA"), (("Gent", "", "90"), ("Antwerpen", "", "20")), "{s}straat {n}", "+32 9 255 {a} {b}", 2
    ),
    "NL": _Land(
        ("B.V.", "N.V."), (("Utrecht", "", "35"), ("Rotterdam", "", "30")), "{s}weg {n}", "+31 30 555 {p:04d}", 2
    ),
    "GB": _Land(
        ("Ltd", "PLC", "LLP"),
        (("Leeds", "", "LS1 "), ("Bristol", "", "BS1 "), ("Cardiff", "", "CF1 ")),
        "{n} {s} Road",
        "+44 20 7946 {p:04d}",
        1,
    ),
    "JP": _Land(
        ("KK", "GK", "Co., Ltd."),
        (("Osaka", "Osaka", "540-"), ("Nagoya", "Aichi", "460-"), ("Yokohama", "Kanagawa", "220-")),
        "{n}-2 {s}-cho",
        "+81 3 5550 {p:04d}",
        4,
    ),
}


class Address(NamedTuple):
    street: str
    city: str
    state: str
    postal_code: str


def company_name(rng: Random, country: str) -> tuple[str, str]:
    """(legal name, slug for a domain)."""
    first, second = rng.choice(_FIRST), rng.choice(_SECOND)
    return f"{first} {second} {rng.choice(_LANDS[country].forms)}", f"{first}-{second}".lower()


def address(rng: Random, country: str) -> Address:
    land = _LANDS[country]
    city, state, prefix = rng.choice(land.places)
    digits = f"{rng.randrange(10**land.postal_digits):0{land.postal_digits}d}"
    postal = f"{prefix}{digits}{'AA' if country == 'GB' else ''}{' AB' if country == 'NL' else ''}"
    return Address(land.street.format(n=rng.randrange(1, 200), s=rng.choice(_STREETS)), city, state, postal)


def phone(rng: Random, country: str) -> str:
    number = rng.randrange(10_000)
    return _LANDS[country].phone.format(p=number, a=f"{number // 100:02d}", b=f"{number % 100:02d}")


def person(rng: Random) -> tuple[str, str, str]:
    """(first name, last name, title)."""
    return rng.choice(_GIVEN), rng.choice(_FAMILY), rng.choice(_TITLES)


def misspelt(rng: Random, name: str) -> str:
    """The same company as a second sales person typed it."""
    words = name.split(" ")
    kind = rng.randrange(4)
    if kind == 0:
        return " ".join(words[:2])
    if kind == 1:
        return name.upper()
    if kind == 2:
        return f"{words[0]} {words[1][:-1]} {' '.join(words[2:])}"
    return f"{words[0]}-{' '.join(words[1:])}"
