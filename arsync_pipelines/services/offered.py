"""Columns that a source shows and nobody reads: looked at once a day, and a new one is told once.

The first look takes what is there as usual. No read fails because of it, and a look that fails is repeated the next
day: what is not read, is not needed either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from arsync_pipelines.domain.errors import SourceError
from arsync_pipelines.ports.clock import Clock
from arsync_pipelines.ports.source import Offering, ReadStats, Source
from arsync_pipelines.ports.warehouse import Warehouse

TABLE = "raw_arsync__unread_column"
COLUMNS = {"connection": "varchar", "stream": "varchar", "column_name": "varchar", "looked_at": "timestamp"}
EVERY = timedelta(days=1)
_LOOKED = ""
"""Name in a row that only says when the columns of a stream were last looked at."""
_UNSEEN = "*"
"""Name in a row that says that no look has succeeded so far: the next one is the first."""

Known = Mapping[str, Mapping[str, datetime]]
"""Stream -> column -> when it was first seen; under `_LOOKED` the last look, `_UNSEEN` where none succeeded so far.
Streams never looked at are absent."""


def told_of_new_columns(
    warehouse: Warehouse, source: Source, stats: Sequence[ReadStats], known: Known, clock: Clock
) -> list[ReadStats]:
    """`stats` with a warning for each stream whose source shows columns that are not `known` of it.

    Asks nothing while the last look is younger than `EVERY`. Outside of `warehouse.writing()`, which it enters only
    after it has asked.
    """
    if not isinstance(source, Offering):
        return list(stats)
    now = clock.now().astimezone(UTC).replace(tzinfo=None)
    due = [one.stream for one in stats if one.stream not in known or now - known[one.stream][_LOOKED] >= EVERY]
    if not due:
        return list(stats)
    try:
        shown = source.unread(due)
    except SourceError as error:
        with warehouse.writing():
            _keep(warehouse, source.connection, None, due, known, now)
        return [_with(one, f"its columns could not be looked at: {error}" * (one.stream == due[0])) for one in stats]
    with warehouse.writing():
        _keep(warehouse, source.connection, shown, due, known, now)
    seen = {stream: columns for stream, columns in known.items() if _UNSEEN not in columns}
    new = {stream: sorted(set(columns) - seen[stream].keys()) for stream, columns in shown.items() if stream in seen}
    return [_with(one, _said(one, new.get(one.stream, ()))) for one in stats]


def _said(one: ReadStats, columns: Sequence[str]) -> str:
    if not columns:
        return ""
    return f"{one.connection}.{one.stream}: new columns at the source, which nothing reads: {', '.join(columns)}"


def _with(one: ReadStats, warning: str) -> ReadStats:
    return replace(one, warnings=(*one.warnings, warning)) if warning else one


def known_columns(warehouse: Warehouse, connection: str) -> Known:
    """What was seen of a connection's columns so far. Inside `warehouse.writing()`."""
    found: dict[str, dict[str, datetime]] = {}
    for row in _rows(warehouse):
        if row["connection"] == connection:
            found.setdefault(row["stream"], {})[row["column_name"]] = row["looked_at"]
    return found


def _keep(
    warehouse: Warehouse,
    connection: str,
    shown: Mapping[str, Sequence[str]] | None,
    looked: Sequence[str],
    known: Known,
    now: datetime,
) -> None:
    """What was seen stays seen: a column that comes and goes is told once. `shown` None: nothing could be looked at."""
    others = [
        tuple(row[name] for name in COLUMNS)
        for row in _rows(warehouse)
        if row["connection"] != connection or row["stream"] not in looked
    ]
    mine = [
        (connection, stream, column, seen)
        for stream in looked
        for column, seen in (dict.fromkeys((shown or {}).get(stream, ()), now) | dict(known.get(stream, {}))).items()
        if column not in (_LOOKED, _UNSEEN)
    ]
    mine += [(connection, stream, _LOOKED, now) for stream in looked]
    if shown is None:
        mine += [(connection, stream, _UNSEEN, now) for stream in looked if _UNSEEN in known.get(stream, {_UNSEEN})]
    warehouse.replace_table(TABLE, COLUMNS, [*others, *mine])


def _rows(warehouse: Warehouse) -> list[dict[str, Any]]:
    exists = warehouse.query("select 1 from information_schema.tables where table_name = ?", [TABLE])
    return warehouse.query(f"select * from {TABLE}") if exists else []
