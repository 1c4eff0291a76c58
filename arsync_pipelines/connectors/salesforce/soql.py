"""SOQL texts and the moments in them. No request is made here.

A keyset position is (SystemModstamp, Id). Its filter is written `stamp >= s AND (stamp > s OR Id > i)`: the first part
alone lets the org use its index.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

_MAX_LIST = 12_000
"""Longest encoded IN list: with the rest of the query it stays under the 16,384 bytes an org takes in a URL."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the order (SystemModstamp, Id); id "" comes before every record of its instant."""

    at: datetime
    id: str = ""

    def moved(self, by: timedelta) -> Position:
        """The start of the instant `by` later, before all its records."""
        return Position(self.at + by)


def instant(text: str) -> datetime:
    """A moment as Salesforce shows it (`2026-05-07T22:07:19.000+0000`, or `Z` in CSV), aware UTC.

    Raises ValueError for anything else.
    """
    return datetime.fromisoformat(text).astimezone(UTC)


def literal(moment: datetime) -> str:
    """A moment as a SOQL literal with milliseconds, UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def text(value: str) -> str:
    """A quoted, escaped SOQL string."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def _after(start: Position | None) -> str:
    if start is None:
        return ""
    stamp = literal(start.at)
    if not start.id:
        return f" WHERE SystemModstamp >= {stamp}"
    return f" WHERE SystemModstamp >= {stamp} AND (SystemModstamp > {stamp} OR Id > {text(start.id)})"


def changes(sobject: str, fields: Sequence[str], start: Position | None, limit: int) -> str:
    """The first `limit` records after `start`, oldest change first."""
    return f"SELECT {', '.join(fields)} FROM {sobject}{_after(start)} ORDER BY SystemModstamp, Id LIMIT {limit}"


def unordered(sobject: str, fields: Sequence[str], start: Position | None) -> str:
    """The same records in any order, for a bulk job (ordering would forbid the org to split it)."""
    return f"SELECT {', '.join(fields)} FROM {sobject}{_after(start)}"


def newest(sobject: str) -> str:
    """The last record in the order (SystemModstamp, Id)."""
    return f"SELECT Id, SystemModstamp FROM {sobject} ORDER BY SystemModstamp DESC, Id DESC LIMIT 1"


def count(sobject: str, start: Position | None) -> str:
    """How many records are after `start`."""
    return f"SELECT COUNT() FROM {sobject}{_after(start)}"


def history(
    sobject: str, fields: Sequence[str], parent: str, records: Sequence[str], of: Sequence[str], limit: int
) -> str:
    """The newest `limit` rows of a history object that tell of the fields `of` of these records, newest first."""
    ids, names = (",".join(text(one) for one in values) for values in (records, of))
    where = f"{parent} IN ({ids}) AND Field IN ({names})"
    return f"SELECT {', '.join(fields)} FROM {sobject} WHERE {where} ORDER BY CreatedDate DESC, Id DESC LIMIT {limit}"


def by_keys(sobject: str, fields: Sequence[str], key_field: str, keys: Sequence[str]) -> Iterator[str]:
    """Queries that together find the records whose `key_field` is one of `keys`; each fits into a URL."""
    head = f"SELECT {', '.join(fields)} FROM {sobject} WHERE {key_field} IN ("
    part: list[str] = []
    length = len(quote(head))
    for key in keys:
        item = text(key)
        size = len(quote(item + ","))
        if part and length + size > _MAX_LIST:
            yield head + ",".join(part) + ")"
            part, length = [], len(quote(head))
        part.append(item)
        length += size
    if part:
        yield head + ",".join(part) + ")"
