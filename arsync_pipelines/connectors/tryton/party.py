"""A customer in canonical names <-> a Tryton party with its identifiers, address and contacts. No request is made here.

Canonical fields: name, tax_registration, email, phone, payment_terms (a name), billing_street, billing_city,
billing_state (code of the subdivision without its country), billing_postal_code, billing_country (ISO 3166-1 alpha-2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from arsync_pipelines.domain.comparison import same

CONTACTS = ("email", "phone")
ADDRESS = {
    "billing_street": "street_unstructured",
    "billing_city": "city",
    "billing_postal_code": "postal_code",
    "billing_country": "country",
    "billing_state": "subdivision",
}
FIELDS = ("name", "tax_registration", "payment_terms", *CONTACTS, *ADDRESS)

_WEST = ("AT", "BE", "DE", "DK", "EL", "ES", "FI", "FR", "GR", "IE", "IT", "LU", "NL", "PT", "SE")
_EU = frozenset((*_WEST, "BG", "CY", "CZ", "EE", "HR", "HU", "LT", "LV", "MT", "PL", "RO", "SI", "SK"))
_TAX_TYPES = {"US": "us_ein", "GB": "gb_vat", "NO": "no_mva", "CH": "ch_vat", "AU": "au_abn", "CA": "ca_bn"}


class PayloadRefused(ValueError):
    """A payload that cannot be written: `code` for the outcome, the message says which field and why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Lookup:
    """What names and codes of a batch mean in this database: name or code -> id."""

    payment_terms: Mapping[str, int] = field(default_factory=dict)
    countries: Mapping[str, int] = field(default_factory=dict)
    subdivisions: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Held:
    """A party as Tryton holds it: active rows only; timestamps under `model,id` for the optimistic lock."""

    party_id: int
    observed: Mapping[str, Any]
    tax_id: int | None = None
    address_id: int | None = None
    contacts: Mapping[str, int] = field(default_factory=dict)
    timestamps: Mapping[str, str] = field(default_factory=dict)


def tax_type(country: str | None, number: str) -> str | None:
    """Tryton's type of a tax identifier: eu_vat needs the country's prefix in the number."""
    code = (country or number[:2]).upper()
    return "eu_vat" if code in _EU else _TAX_TYPES.get(code)


def check(payload: Mapping[str, Any]) -> None:
    """Raises PayloadRefused for a field we do not know, or no name."""
    for name in payload:
        if name not in FIELDS:
            raise PayloadRefused("UNMAPPED_FIELD", f"customer has no field {name!r} in Tryton")
    if "name" in payload and not payload["name"]:
        raise PayloadRefused("REQUIRED_FIELD_MISSING", "name is empty")


def created(payload: Mapping[str, Any], identifier: str, lookup: Lookup) -> dict[str, Any]:
    """Values of a new party that carries our own identifier. Raises PayloadRefused."""
    if not payload.get("name"):
        raise PayloadRefused("REQUIRED_FIELD_MISSING", "a new customer needs a name")
    nobody = Held(0, {})
    values = changed(payload, nobody, lookup)
    own = {"type": None, "code": identifier}
    values["identifiers"] = [["create", [own]], *values.get("identifiers", [])]
    return values


def changed(payload: Mapping[str, Any], held: Held, lookup: Lookup) -> dict[str, Any]:
    """Values to write so that the party holds the payload; {} when it does already. Raises PayloadRefused."""
    check(payload)
    differing = {name: value for name, value in payload.items() if not same(held.observed.get(name), value)}
    values: dict[str, Any] = {}
    if "name" in differing:
        values["name"] = differing["name"]
    if "payment_terms" in differing:
        values["customer_payment_term"] = _found("payment_terms", differing["payment_terms"], lookup.payment_terms)
    if "tax_registration" in differing:
        values["identifiers"] = _tax(differing["tax_registration"], _country(payload, held), held.tax_id)
    contacts = [command for kind in CONTACTS if kind in differing for command in _contact(kind, differing[kind], held)]
    if contacts:
        values["contact_mechanisms"] = contacts
    address = _address(differing, _country(payload, held), lookup)
    if address and held.address_id:
        values["addresses"] = [["write", [held.address_id], address]]
    elif address:
        values["addresses"] = [["create", [{**address, "invoice": True}]]]
    return values


def _country(payload: Mapping[str, Any], held: Held) -> str | None:
    country = payload.get("billing_country", held.observed.get("billing_country"))
    return str(country).upper() if country else None


def _tax(number: Any, country: str | None, held: int | None) -> list[Any]:
    if not number:
        return [["write", [held], {"active": False}]] if held else []
    values = {"type": tax_type(country, str(number)), "code": str(number)}
    return [["write", [held], values]] if held else [["create", [values]]]


def _contact(kind: str, value: Any, held: Held) -> list[Any]:
    known = held.contacts.get(kind)
    if not value:
        return [["write", [known], {"active": False}]] if known else []
    return [["write", [known], {"value": value}]] if known else [["create", [{"type": kind, "value": value}]]]


def _address(differing: Mapping[str, Any], country: str | None, lookup: Lookup) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, column in ADDRESS.items():
        if name not in differing:
            continue
        value = differing[name] or None
        if value and name == "billing_country":
            value = _found(name, str(value).upper(), lookup.countries)
        elif value and name == "billing_state":
            value = _found(name, f"{country}-{value}".upper(), lookup.subdivisions)
        values[column] = value
    return values


def _found(name: str, value: Any, known: Mapping[str, int]) -> int | None:
    if not value:
        return None
    try:
        return known[str(value)]
    except KeyError:
        raise PayloadRefused("UNKNOWN_VALUE", f"{name}: Tryton knows no {value!r}") from None


def held(
    party: Mapping[str, Any],
    identifiers: Sequence[Mapping[str, Any]],
    addresses: Sequence[Mapping[str, Any]],
    contacts: Sequence[Mapping[str, Any]],
    prefix: str,
) -> Held:
    """A party put together from its rows (search_read, dotted fields under `<field>.`)."""
    taxes = [row for row in identifiers if row["active"] and not str(row["code"]).startswith(prefix)]
    billing = sorted((row for row in addresses if row["active"]), key=lambda row: (not row["invoice"], row["id"]))
    first: dict[str, Mapping[str, Any]] = {}
    for row in contacts:
        if row["active"] and row["type"] in CONTACTS:
            first.setdefault(str(row["type"]), row)
    address = billing[0] if billing else {}
    country = (address.get("country.") or {}).get("code")
    state = (address.get("subdivision.") or {}).get("code")
    observed = {
        "name": party["name"],
        "payment_terms": (party.get("customer_payment_term.") or {}).get("name"),
        "tax_registration": taxes[0]["code"] if taxes else None,
        **{kind: first[kind]["value"] if kind in first else None for kind in CONTACTS},
        **{name: address.get(column) or None for name, column in ADDRESS.items()},
        "billing_country": country,
        "billing_state": str(state).removeprefix(f"{country}-") if state else None,
    }
    rows = [("party.party", party), ("party.address", address)]
    rows += [("party.identifier", row) for row in taxes[:1]]
    rows += [("party.contact_mechanism", row) for row in first.values()]
    return Held(
        party_id=party["id"],
        observed=observed,
        tax_id=taxes[0]["id"] if taxes else None,
        address_id=address.get("id"),
        contacts={kind: row["id"] for kind, row in first.items()},
        timestamps={f"{model},{row['id']}": row["_timestamp"] for model, row in rows if row},
    )
