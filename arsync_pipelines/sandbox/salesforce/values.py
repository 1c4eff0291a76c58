"""One value of one field: from JSON or CSV to the stored form, from the stored form to JSON and CSV.

Raises RecordFailure for what Salesforce refuses. Numbers are rounded half up to the field's scale through Decimal, so a
stored double always shows the shortest text that was meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

import orjson

from arsync_pipelines.sandbox.salesforce import ids
from arsync_pipelines.sandbox.salesforce.errors import RecordFailure, reject
from arsync_pipelines.sandbox.salesforce.schema import IDS, NUMBERS, FieldDef

_DATETIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
Converter = Callable[[FieldDef, Any, bool], Any]

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def parse_datetime(text: str) -> str | None:
    """Any ISO datetime as the stored form; a missing zone means UTC. None when it is none."""
    found = _DATETIME.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    iso = f"{year}-{month}-{day}T{hour}:{minute}:{second or '00'}.{(fraction or '0')[:3].ljust(3, '0')}"
    try:
        moment = datetime.fromisoformat(iso + ("+00:00" if zone in (None, "Z") else zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def parse_date(text: str) -> str | None:
    """An ISO date, or None."""
    try:
        return date.fromisoformat(text[:10]).isoformat() if len(text) >= 10 and text[4] == "-" else None
    except ValueError:
        return None


def quantize(item: FieldDef, number: Decimal) -> float | int:
    """A number at the field's scale; RecordFailure when it has too many digits."""
    if not number.is_finite() or abs(number) >= Decimal(10) ** (item.precision - item.scale):
        raise reject(
            "NUMBER_OUTSIDE_VALID_RANGE",
            f"{item.label or item.name}: value outside of valid range on numeric field: {number}",
            item.name,
        )
    rounded = number.quantize(Decimal(1).scaleb(-item.scale), ROUND_HALF_UP)
    return int(rounded) if item.type == "int" else float(rounded)


def to_stored(item: FieldDef, value: Any, *, strict_json: bool) -> Any:
    """The stored form of a value given by a client; None clears.

    `strict_json` selects the failure of a wrongly typed value: JSON_PARSER_ERROR for a record that stood alone,
    INVALID_TYPE_ON_FIELD_IN_RECORD for a row among others.
    """
    if value is None or value == "":
        if item.type != "boolean":
            return None
        value = value if value is None else False
    convert: Converter = _CONVERT.get(item.type, _text)
    return convert(item, value, strict_json)


def _boolean(item: FieldDef, value: Any, strict_json: bool) -> int:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and value.lower() in ("true", "1", "false", "0"):
        return int(value.lower() in ("true", "1"))
    raise _wrong_type(item, value, strict_json)


def _number(item: FieldDef, value: Any, strict_json: bool) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float | str) or "_" in str(value):
        raise _wrong_type(item, value, strict_json)
    try:
        quick = float(value)
        if abs(quick) < 1e9 < 10 ** (item.precision - item.scale) and round(quick, item.scale) == quick:
            return int(quick) if item.type == "int" else quick  # already at the field's scale
        number = Decimal(value.strip() if isinstance(value, str) else repr(value))
    except (ValueError, InvalidOperation):
        raise _wrong_type(item, value, strict_json) from None
    return quantize(item, number)


def _reference(item: FieldDef, value: Any, strict_json: bool) -> str:
    if not isinstance(value, str):
        raise _wrong_type(item, value, strict_json)
    found = ids.normalize(value)
    if found is None:
        raise reject("MALFORMED_ID", f"{item.label or item.name}: id value of incorrect type: {value}", item.name)
    return found


def _moment(item: FieldDef, value: Any, strict_json: bool) -> str:
    read = parse_date if item.type == "date" else parse_datetime
    found = read(value) if isinstance(value, str) else None
    if found is None:
        raise _wrong_type(item, value, strict_json)
    return found


def _text(item: FieldDef, value: Any, strict_json: bool) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _wrong_type(item, value, strict_json)
    text = str(value)
    if item.type != "textarea":
        text = text.strip()
    if item.length and len(text) > item.length:
        raise reject(
            "STRING_TOO_LONG",
            f"{item.label or item.name}: data value too large: {text[:255]} (max length={item.length})",
            item.name,
        )
    if item.type == "email" and text and not _EMAIL.fullmatch(text):
        raise reject("INVALID_EMAIL_ADDRESS", f"{item.label or item.name}: invalid email address: {text}", item.name)
    if item.restricted and text and text not in item.picklist:
        raise reject(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"{item.label or item.name}: bad value for restricted picklist field: {text}",
            item.name,
        )
    return text or None


_CONVERT: dict[str, Converter] = {
    "boolean": _boolean,
    **dict.fromkeys(NUMBERS, _number),
    **dict.fromkeys(IDS, _reference),
    **dict.fromkeys(("date", "datetime"), _moment),
}


def _wrong_type(item: FieldDef, value: Any, strict_json: bool) -> RecordFailure:
    if not strict_json:
        shown = "null" if value is None else str(value)
        return reject(
            "INVALID_TYPE_ON_FIELD_IN_RECORD",
            f"{item.label or item.name}: value not of required type: {shown}",
            item.name,
        )
    kind = "START_OBJECT" if isinstance(value, dict) else "START_ARRAY" if isinstance(value, list) else _token(value)
    return reject(
        "JSON_PARSER_ERROR",
        f"Cannot deserialize instance of {item.type} from {kind} value {value} or request may be missing a required"
        " field at [line:1, column:2]",
    )


def _token(value: Any) -> str:
    if value is None:
        return "VALUE_NULL"
    if isinstance(value, bool):
        return "VALUE_TRUE" if value else "VALUE_FALSE"
    return "VALUE_STRING" if isinstance(value, str) else "VALUE_NUMBER_FLOAT"


def to_json(item: FieldDef, value: Any) -> Any:
    """What JSON shows for a stored value."""
    if item.type == "anyType":
        return None if value is None else orjson.loads(value)
    return bool(value) if item.type == "boolean" else value


def to_csv(item: FieldDef, value: Any) -> str:
    """What Bulk API CSV shows for a stored value: empty for null, `Z` as the zone."""
    if value is None:
        return ""
    if item.type == "anyType":
        value = orjson.loads(value)
    if isinstance(value, bool) or item.type == "boolean":
        return "true" if value else "false"
    if item.type == "datetime":
        return str(value).replace("+0000", "Z")
    return str(value)
