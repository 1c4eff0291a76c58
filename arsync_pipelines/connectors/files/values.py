"""One cell at a time: text, dates, amounts, currencies and yes/no as extracts write them.

Money never meets a float, unless the file itself (Excel, Parquet doubles) holds one.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from arsync_pipelines.connectors.files.currencies import MINOR_UNITS

Cell = str | int | float | bool | Decimal | date | datetime | None


class BadValue(ValueError):
    """A cell that cannot be understood; the message says what was found and what is expected."""


def text(cell: Cell) -> str | None:
    """The cell as text without surrounding blanks; None when there is nothing.

    A binary number (Excel, Parquet doubles) is shown with 15 digits, as spreadsheets do, so 55.94 stays 55.94.
    """
    if isinstance(cell, str):
        return cell.strip() or None
    if cell is None or (isinstance(cell, float) and not math.isfinite(cell)):  # NaN is Parquet's empty number
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return f"{Decimal(f'{cell:.15g}'):f}"
    return f"{cell:f}" if isinstance(cell, Decimal) else str(cell)


def iso_date(cell: Cell, date_format: str, zone: ZoneInfo) -> str | None:
    """YYYY-MM-DD. An instant with an offset is the date it has in `zone`."""
    if isinstance(cell, datetime):
        return (cell.astimezone(zone) if cell.tzinfo else cell).date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    written = text(cell)
    return _parse_date(written, date_format, zone) if written else None


@lru_cache(maxsize=16_384)
def _parse_date(written: str, date_format: str, zone: ZoneInfo) -> str:
    try:
        if "%z" in date_format:
            moment = datetime.strptime(written, date_format).astimezone(zone)
        elif date_format:
            moment = datetime.strptime(written, date_format).replace(tzinfo=zone)
        else:
            moment = datetime.fromisoformat(written)
    except ValueError:
        expected = date_format or "ISO 8601 (YYYY-MM-DD)"
        raise BadValue(f"{written!r} is not a date in the format {expected}") from None
    return (moment.astimezone(zone) if moment.tzinfo else moment).date().isoformat()


@lru_cache(maxsize=64)
def _number_pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    point = re.escape(decimal)
    grouped = rf"\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+|" if thousands else ""
    return re.compile(rf"(?P<whole>{grouped}\d+)(?:{point}(?P<part>\d*))?|{point}(?P<only>\d+)")


def amount(cell: Cell, decimal: str, thousands: str) -> Decimal | None:
    """An exact decimal. Negative as -1, 1- or (1); numbers of Excel and Parquet need no separators."""
    written = text(cell)
    if written is None:
        return None
    if not isinstance(cell, str):
        decimal, thousands = ".", ""
    body, sign = written, ""
    if body[0] == "(" and body[-1] == ")":
        body, sign = body[1:-1], "-"
    elif body[0] in "+-" or body[-1] == "-":
        sign = "-" if "-" in (body[0], body[-1]) else ""
        body = body[1:] if body[0] in "+-" else body[:-1]
    match = _number_pattern(decimal, thousands).fullmatch(body.strip().replace("\u00a0", " "))
    if match is None:
        shape = f"decimal separator {decimal!r}" + (f", thousands {thousands!r}" if thousands else "")
        raise BadValue(f"{written!r} is not an amount ({shape})")
    whole = (match["whole"] or "0").replace(thousands, "") if thousands else match["whole"] or "0"
    return Decimal(f"{sign}{whole}.{match['part'] or match['only'] or '0'}")


def money(value: Decimal, currency: str) -> str:
    """Plain decimal at the currency's minor unit; more digits than it has are refused, not rounded."""
    places = MINOR_UNITS[currency]
    rounded = value.quantize(Decimal(1).scaleb(-places))
    if rounded != value:
        raise BadValue(f"{value} has more decimals than {currency} ({places})")
    return f"{rounded + 0:f}"


def currency_code(cell: Cell) -> str | None:
    written = text(cell)
    if written is None:
        return None
    if written.upper() not in MINOR_UNITS:
        raise BadValue(f"unknown currency {written!r}")
    return written.upper()


def boolean(cell: Cell, true_values: frozenset[str], false_values: frozenset[str]) -> bool | None:
    """`true_values` and `false_values` in lower case."""
    written = text(cell)
    if written is None:
        return None
    if written.lower() in true_values:
        return True
    if written.lower() in false_values:
        return False
    raise BadValue(f"{written!r} is neither a true value nor a false value of the mapping")
