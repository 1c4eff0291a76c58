"""Values as Tryton's JSON-RPC writes them, to plain ones that land in raw, and back.

Tryton wraps what JSON lacks: {"__class__": "Decimal", "decimal": "12.30"}, date, datetime (naive UTC), time, timedelta
(seconds) and bytes (base64). Raw keeps decimals digit by digit as text, dates ISO, timestamps to the microsecond.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from arsync_pipelines.domain.errors import SourceContractBroken

_PARTS = ("year", "month", "day", "hour", "minute", "second", "microsecond")


def plain(value: Any) -> Any:
    """A value as it lands: text for decimals, dates, times, seconds, ids and base64; lists, booleans and None stay."""
    if isinstance(value, dict):
        return _unwrapped(value) if "__class__" in value else {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, bool) or value is None:
        return value
    return str(value)


def _unwrapped(value: Mapping[str, Any]) -> str:
    kind = value["__class__"]
    try:
        if kind == "Decimal":
            return str(value["decimal"])
        if kind == "datetime":
            return stamp(datetime(**{part: value[part] for part in _PARTS}, tzinfo=UTC))
        if kind == "date":
            return date(value["year"], value["month"], value["day"]).isoformat()
        if kind == "time":
            return f"{value['hour']:02d}:{value['minute']:02d}:{value['second']:02d}.{value['microsecond']:06d}"
        if kind == "timedelta":
            return format(Decimal(str(value["seconds"])), "f")
        if kind == "bytes":
            return "".join(str(value["base64"]).split())
    except (KeyError, TypeError, ValueError) as error:
        raise SourceContractBroken(f"tryton sent a {kind} that cannot be read ({error}): {dict(value)}") from error
    raise SourceContractBroken(f"tryton sent a value of the unknown class {kind!r}; is this a newer series?")


def stamp(at: datetime) -> str:
    """An aware instant as it lands: UTC, to the microsecond, so that texts sort as instants do."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def instant(text: str) -> datetime:
    """A landed timestamp, aware UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def wire(value: Any) -> Any:
    """A Python value as Tryton's JSON-RPC wants it. Raises TypeError for a float: money is never one."""
    if isinstance(value, float):
        raise TypeError("a float cannot be sent to Tryton; use Decimal")
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": format(value, "f")}
    if isinstance(value, datetime):
        at = value.astimezone(UTC) if value.tzinfo else value
        return {"__class__": "datetime", **{part: getattr(at, part) for part in _PARTS}}
    if isinstance(value, date):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    if isinstance(value, Mapping):
        return {key: wire(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [wire(inner) for inner in value]
    return value
