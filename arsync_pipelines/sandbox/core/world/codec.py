"""How a record of the world goes into a SQLite table and comes back, told by its dataclass alone.

Dates are stored as ordinals, instants as Unix seconds, tuples as JSON.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from datetime import UTC, date, datetime
from operator import attrgetter
from typing import Any, get_args, get_origin, get_type_hints

from . import records
from .records import Delta, InvoiceLine


class Codec:
    """How one record type goes into its table and comes back."""

    def __init__(self, kind: str, record: type[Any]) -> None:
        hints = get_type_hints(record, vars(records))
        self.kind = kind
        self.record = record
        self.names = [item.name for item in fields(record)]
        self._get = attrgetter(*self.names)
        self._encoders: list[tuple[int, Callable[[Any], Any]]] = []
        self._decoders: list[tuple[int, Callable[[Any], Any]]] = []
        for index, name in enumerate(self.names):
            encode, decode = _conversion(hints[name])
            if encode is not None:
                self._encoders.append((index, encode))
            if decode is not None:
                self._decoders.append((index, decode))
        key = "(record_type, record_id)" if kind == "deletions" else "(id)"
        columns = ", ".join(f'"{name}" {_column_type(hints[name])}' for name in self.names)
        self.create = f"create table if not exists {kind} ({columns}, primary key {key})"
        self._columns = {item.name: (_column_type(hints[item.name]), item.default) for item in fields(record)}
        columns = ", ".join(f't."{name}"' for name in self.names)
        marks = ", ".join("?" * len(self.names))
        self.upsert = f"insert or replace into {kind} values ({marks})"
        self.select = f"select {columns} from {kind} t"

    def added(self, held: set[str]) -> list[str]:
        """What gives a table of an earlier version the fields that it lacks, each with its default."""
        return [
            f'alter table {self.kind} add column "{name}" {kind}{"" if default is None else f" default {default}"}'
            for name, (kind, default) in self._columns.items()
            if name not in held
        ]

    def encode(self, items: Iterable[Any]) -> Iterator[list[Any]]:
        get, encoders = self._get, self._encoders
        for item in items:
            row = list(get(item))
            for index, encode in encoders:
                if row[index] is not None:
                    row[index] = encode(row[index])
            yield row

    def decode(self, row: tuple[Any, ...]) -> Any:
        values = list(row)
        for index, decode in self._decoders:
            if values[index] is not None:
                values[index] = decode(values[index])
        return self.record(*values)


def _column_type(hint: Any) -> str:
    """Declared, because SQLite joins through an index only where both sides have the same affinity."""
    options = get_args(hint) if get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    if float in options:
        return "real"
    return "integer" if {int, bool, date, datetime}.intersection(options) else "text"


_Conversion = tuple[Callable[[Any], Any] | None, Callable[[Any], Any] | None]


def _conversion(hint: Any) -> _Conversion:
    """Encoder and decoder of a field by its type; None where SQLite holds the value as it is."""
    if get_origin(hint) in (typing.Union, types.UnionType):
        (hint,) = (option for option in get_args(hint) if option is not type(None))
    if get_origin(hint) is tuple:
        return _TUPLES[get_args(hint)[0]]
    return _SCALARS.get(hint, (None, None))


_SCALARS: dict[Any, _Conversion] = {
    datetime: (lambda value: int(value.timestamp()), lambda value: datetime.fromtimestamp(value, UTC)),
    date: (date.toordinal, date.fromordinal),
    bool: (None, bool),
}
_TUPLES: dict[Any, _Conversion] = {
    InvoiceLine: (
        lambda lines: json.dumps([(line.description, line.quantity, line.net, line.tax) for line in lines]),
        lambda text: tuple(InvoiceLine(*line) for line in json.loads(text)),
    ),
    tuple[date, int]: (
        lambda parts: json.dumps([(due.toordinal(), amount) for due, amount in parts]),
        lambda text: tuple((date.fromordinal(due), amount) for due, amount in json.loads(text)),
    ),
    tuple[int, int]: (json.dumps, lambda text: tuple(tuple(part) for part in json.loads(text))),
}


def codecs() -> dict[str, Codec]:
    hints = get_type_hints(Delta, vars(records))
    return {name: Codec(name, get_args(hint)[0]) for name, hint in hints.items() if get_origin(hint) is list}
