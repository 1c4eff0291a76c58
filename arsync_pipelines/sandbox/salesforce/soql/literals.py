"""Constants of a WHERE clause, checked against the field's type and turned into bound values."""

from __future__ import annotations

from datetime import date
from typing import Any

from arsync_pipelines.sandbox.salesforce import ids
from arsync_pipelines.sandbox.salesforce.errors import SalesforceError
from arsync_pipelines.sandbox.salesforce.schema import IDS, NUMBERS, FieldDef
from arsync_pipelines.sandbox.salesforce.soql.dates import day_range
from arsync_pipelines.sandbox.salesforce.soql.tokens import located
from arsync_pipelines.sandbox.salesforce.soql.tree import Literal_
from arsync_pipelines.sandbox.salesforce.values import parse_date, parse_datetime

_NAMES = {"datetime": "dateTime"}


def bound(text: str, item: FieldDef, literal: Literal_) -> Any:
    """The value to bind. Raises INVALID_FIELD when the constant's type is not the field's."""
    kind = item.type
    if literal.kind == "null":
        return None
    if kind == "boolean":
        if literal.kind == "boolean":
            return int(literal.text == "TRUE")
    elif kind in NUMBERS:
        if literal.kind == "number":
            return float(literal.text)
    elif kind == "datetime":
        if literal.kind == "datetime" and (moment := parse_datetime(literal.text)):
            return moment
    elif kind == "date":
        if literal.kind == "date" and (day := parse_date(literal.text)):
            return day
    elif literal.kind == "string":
        return _id(literal) if kind in IDS else literal.text
    raise _wrong(text, item, literal)


def _id(literal: Literal_) -> str | None:
    if literal.text == "":
        return None
    found = ids.normalize(literal.text)
    if found is None:
        raise SalesforceError(400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {literal.text}")
    return found


def _wrong(text: str, item: FieldDef, literal: Literal_) -> SalesforceError:
    message = f"value of filter criterion for field '{item.name}' must be of type {_NAMES.get(item.type, item.type)}"
    if literal.kind == "string":
        message += " and should not be enclosed in quotes"
    elif item.type not in NUMBERS | {"boolean", "date", "datetime"}:
        message += " and should be enclosed in quotes"
    return located(text, literal.position, "INVALID_FIELD", message)


def word_range(text: str, item: FieldDef, literal: Literal_, today: date) -> tuple[str, str]:
    """A relative date word as [start, end) in the field's stored form."""
    found = day_range(literal.text, literal.amount, today)
    if found is None or item.type not in ("date", "datetime"):
        raise _wrong(text, item, literal)
    ending = "T00:00:00.000+0000" if item.type == "datetime" else ""
    return found[0].isoformat() + ending, found[1].isoformat() + ending
