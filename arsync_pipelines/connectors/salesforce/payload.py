"""Canonical payloads -> what goes over the wire, as JSON and as CSV, and back. No request is made here.

Money never becomes a float: a decimal string is written as a raw JSON number. None clears: JSON null, CSV `#N/A`.
A checkbox has no null in Salesforce; None is False there.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from arsync_pipelines.connectors.salesforce.fields import KINDS, NUMBERS, PROTECTED, Kind
from arsync_pipelines.connectors.salesforce.options import Mapping_
from arsync_pipelines.domain.push import PushIntent

CLEARED = "#N/A"


class PayloadRefused(ValueError):
    """A payload that cannot be written: `code` for the outcome, the message says which field."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Row:
    """One intent, mapped: API field -> None, bool, str, or Decimal for numbers. Without the key field itself."""

    intent: PushIntent
    values: Mapping[str, bool | str | Decimal | None]


@dataclass(frozen=True, slots=True)
class ObjectShape:
    """How one canonical object is written: its API names and the field that identifies a record there."""

    object_name: str
    sobject: str
    names: Mapping[str, str]

    @property
    def kinds(self) -> Mapping[str, Kind]:
        return KINDS[self.object_name]

    @property
    def key_field(self) -> str:
        """`Id` for accounts, which exist already; the external id field for our own objects."""
        return self.names["external_id"] if "external_id" in self.kinds else "Id"

    @property
    def by_id(self) -> bool:
        return self.key_field == "Id"

    def row(self, intent: PushIntent) -> Row:
        """Map an intent's payload. Raises PayloadRefused."""
        values: dict[str, bool | str | Decimal | None] = {}
        for name, value in intent.payload.items():
            kind = self.kinds.get(name)
            if kind is None:
                raise PayloadRefused("UNMAPPED_FIELD", f"{self.object_name} has no field {name!r} in Salesforce")
            if name == "external_id":
                continue
            values[self.names[name]] = _typed(name, kind, value)
        return Row(intent, values)


def shapes(mapping: Mapping_) -> dict[str, ObjectShape]:
    """Canonical object -> its shape under a mapping, parents first."""
    return {name: ObjectShape(name, mapping.object_name(name), mapping.names(name)) for name in KINDS}


def _typed(name: str, kind: Kind, value: Any) -> bool | str | Decimal | None:
    if kind == "boolean":
        return _boolean(name, value)
    if value is None or value == "":
        if name in PROTECTED:
            raise PayloadRefused("REQUIRED_FIELD_MISSING", f"{name} is empty")
        return None
    if kind in NUMBERS:
        return _number(name, value)
    if kind == "date":
        return _date(name, value)
    return str(value)


def _boolean(name: str, value: Any) -> bool:
    if value is None:
        return False
    if not isinstance(value, bool):
        raise PayloadRefused("INVALID_VALUE", f"{name}: {value!r} is no boolean")
    return value


def _number(name: str, value: Any) -> Decimal:
    if isinstance(value, bool | float):
        raise PayloadRefused("INVALID_VALUE", f"{name}: {value!r} is no decimal string")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise PayloadRefused("INVALID_VALUE", f"{name}: {value!r} is no number")
    return number


def _date(name: str, value: Any) -> str:
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise PayloadRefused("INVALID_VALUE", f"{name}: {value!r} is no ISO date") from None


def _json_value(value: bool | str | Decimal | None) -> Any:
    return orjson.Fragment(format(value, "f")) if isinstance(value, Decimal) else value


def collection_body(shape: ObjectShape, rows: Sequence[Row]) -> bytes:
    """The body of one collections call, rows in order."""
    key = "id" if shape.by_id else shape.key_field
    records = [
        {
            "attributes": {"type": shape.sobject},
            key: row.intent.business_key,
            **{name: _json_value(value) for name, value in row.values.items()},
        }
        for row in rows
    ]
    return orjson.dumps({"allOrNone": False, "records": records})


def _cell(value: bool | str | Decimal | None) -> str:
    if value is None:
        return CLEARED
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else value


def csv_body(shape: ObjectShape, rows: Sequence[Row]) -> bytes:
    """The upload of one bulk job; a field a row does not mention stays blank, which leaves it unchanged."""
    columns = list(dict.fromkeys(name for row in rows for name in row.values))
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([shape.key_field, *columns])
    for row in rows:
        cells = (_cell(row.values[c]) if c in row.values else "" for c in columns)
        writer.writerow([row.intent.business_key, *cells])
    return out.getvalue().encode()


def observed(shape: ObjectShape, record: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """A record as Salesforce shows it, in canonical names and values; `wanted` is the payload it is compared with."""
    seen = {name: shown(kind, record.get(shape.names[name])) for name, kind in shape.kinds.items()}
    for name, kind in shape.kinds.items():
        # a checkbox answers False where None was sent
        if kind == "boolean" and name in wanted and wanted[name] is None and seen[name] is False:
            seen[name] = None
    return seen


def shown(kind: Kind, value: Any) -> Any:
    """One value as Salesforce shows it, as a canonical value."""
    if value is None or kind not in NUMBERS:
        return value
    return format(Decimal(str(value)), "f")


def by_parent(rows: Iterable[Row]) -> list[list[Row]]:
    """Rows grouped by the account they lock, groups in order of first appearance."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.intent.parent_key or row.intent.business_key, []).append(row)
    return list(groups.values())
