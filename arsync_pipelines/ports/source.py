"""What a source system offers to be read: frozen stream specs, and pages of rows.

A source knows nothing of the warehouse. Specs refuse nonsense at construction, so a wrong connector fails when it is
imported and not in the middle of a night.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, overload, runtime_checkable

FieldKind = Literal["text", "integer", "boolean", "json"]
DeleteDetection = Literal["none", "flag", "scope", "full"]
Row = Mapping[str, Any]

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Field:
    """One raw column: `name` in the warehouse, `source` in the landed row (dotted for a nested value; default: name).

    Money, dates and numbers with decimals are `text`: raw keeps the vendor's own characters and staging casts them.
    A `required` field that is absent from every row of a batch is schema drift and stops the stream.
    """

    name: str
    source: str = ""
    kind: FieldKind = "text"
    required: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"raw column {self.name!r}: lower-case letters, digits and underscores only")
        if not self.source:
            object.__setattr__(self, "source", self.name)


@dataclass(frozen=True, slots=True)
class CursorSpec:
    """How a stream is read incrementally.

    `field` is the raw column that carries the cursor, `resolution` the coarsest step in which the *filter* can express
    it; `overlap` is re-read on every run and must exceed the source's longest transaction plus its resolution.
    """

    field: str
    resolution: timedelta
    overlap: timedelta

    def __post_init__(self) -> None:
        if self.overlap < self.resolution:
            raise ValueError(f"cursor {self.field}: an overlap below the resolution loses rows of the same instant")


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """One stream of one system.

    `delete_detection`:
      none   rows never vanish, or another stream tells (then staging joins it)
      flag   a row carries its own deletion; `deleted_flag` names the boolean raw column
      scope  a page holds *all* rows of each scope key it names (`scope` columns); those missing are deleted
      full   every run reads the whole stream; those missing at its end are deleted
    """

    system: str
    name: str
    primary_key: tuple[str, ...]
    fields: tuple[Field, ...]
    cursor: CursorSpec | None = None
    page_size: int = 1000
    delete_detection: DeleteDetection = "none"
    deleted_flag: str = ""
    scope: tuple[str, ...] = ()
    description: str = ""

    def __post_init__(self) -> None:
        where = f"stream {self.system}.{self.name}"
        names = [f.name for f in self.fields]
        if not (_NAME.fullmatch(self.system) and _NAME.fullmatch(self.name)):
            raise ValueError(f"{where}: system and name are lower-case identifiers")
        if len(set(names)) != len(names):
            raise ValueError(f"{where}: a column is declared twice")
        if not self.primary_key:
            raise ValueError(f"{where}: a primary key is required")
        for column in (*self.primary_key, *self.scope, *([self.deleted_flag] if self.deleted_flag else [])):
            if column not in names:
                raise ValueError(f"{where}: {column!r} is not a declared field")
        if self.cursor and self.cursor.field not in names:
            raise ValueError(f"{where}: cursor field {self.cursor.field!r} is not a declared field")
        if (self.delete_detection == "flag") != bool(self.deleted_flag):
            raise ValueError(f"{where}: deleted_flag goes with delete_detection='flag'")
        if (self.delete_detection == "scope") != bool(self.scope):
            raise ValueError(f"{where}: scope goes with delete_detection='scope'")
        if self.page_size < 1:
            raise ValueError(f"{where}: page_size must be positive")

    @property
    def table(self) -> str:
        """Name of the raw table: raw_<system>__<stream>."""
        return f"raw_{self.system}__{self.name}"


class RenderedRows(Sequence[Row]):
    """Rows of a page that their connector has rendered already: `lines` holds `count` JSON objects, one to a line.

    For streams of millions, where a dict per row is what costs. The connector vouches that the objects hold declared
    fields only. Landing writes the lines as they are; whoever looks at a row decodes the page.
    """

    __slots__ = ("_count", "_rows", "lines")

    def __init__(self, lines: bytes, count: int) -> None:
        self.lines = lines
        self._count = count
        self._rows: list[Row] | None = None

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...

    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if self._rows is None:
            self._rows = [json.loads(line) for line in self.lines.splitlines()]
        return self._rows[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


Cursor = Mapping[str, Any]
"""JSON-able progress of one stream. Opaque to everyone but its source; {} or None means from the beginning."""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows as the vendor sent them (JSON-able dicts) and the cursor that is true once they are stored.

    `scopes`: for delete_detection='scope', the scope keys (tuples in the order of spec.scope) this page holds whole,
    including those that now have no row at all. `final`: the last page of this read; only then may a `full` stream
    conclude that a key has vanished.
    `set_aside`: rows the source could not read, as {"file": ..., "line": ..., "reason": ..., "row": ...} and,
    where it can be read, its primary key under "key".
    `present`: primary keys (in the order of spec.primary_key) of set-aside rows whose key could be read: they have not
    vanished, so no delete may be concluded from their absence in `rows`.
    """

    rows: Sequence[Row]
    cursor: Cursor
    scopes: Sequence[tuple[str, ...]] = ()
    final: bool = False
    set_aside: Sequence[Mapping[str, Any]] = ()
    present: Sequence[tuple[str, ...]] = ()


@dataclass(frozen=True, slots=True)
class ControlTotal:
    """What a source itself says that it holds of one kind of record: counted and summed there, not read here.

    `object` is the source's own word for the kind (a transaction type, a stream), `currency` the source's key of the
    currency that `amount` is in; both "" where it tells nothing apart. `amount` is the sum as the source writes it,
    with its signs, None where it sums nothing.
    """

    stream: str
    object: str
    rows: int
    currency: str = ""
    amount: str | None = None


@runtime_checkable
class Totalling(Protocol):
    """A source whose vendor counts and sums by itself. Others (an extract, Stripe's lists) have no totals to give."""

    def totals(self, streams: Sequence[str]) -> Sequence[ControlTotal]:
        """Totals of what can be told of these streams now, in a request or two; [] when of none of them.

        A kind of which there is no record has a total of 0 rows. Raises SourceError.
        """
        ...


@runtime_checkable
class Offering(Protocol):
    """A source whose vendor shows more than its streams read, and can say what."""

    def unread(self, streams: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Columns by stream that are there now and that nothing reads, as the vendor spells them.

        A request per stream at most; a stream of which nothing can be told is left out. Raises SourceError.
        """
        ...


CheckStatus = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class ConnectionCheck:
    """One line of `arsync doctor`: what was looked at, how it stands, and what to do when it is not well."""

    name: str
    status: CheckStatus
    detail: str
    advice: str = ""


@runtime_checkable
class Source(Protocol):
    """A readable connection: one account of one vendor."""

    @property
    def connection(self) -> str:
        """Name of the connection in arsync.toml; stored with every raw row as `_connection`."""
        ...

    @property
    def system(self) -> str:
        """Vendor key, e.g. `netsuite`; part of the raw table names."""
        ...

    def streams(self) -> Sequence[StreamSpec]:
        """The streams this connection offers, in an order in which parents come first."""
        ...

    def read(self, stream: str, cursor: Cursor | None, *, since: datetime | None = None) -> Iterator[Page]:
        """Yield pages after `cursor` (its overlap included), oldest change first.

        `since` (UTC) starts a backfill at that instant instead. Every page's cursor can resume the read.
        A `full` stream that knows there is nothing new yields no page at all; then nothing counts as vanished.
        Raises SourceError; transient failures have been retried before.
        """
        ...

    def has_changes(self, stream: str, cursor: Cursor | None) -> bool:
        """Whether a read would probably bring news: at most one cheap request. True when the source cannot tell."""
        ...

    def check(self) -> Sequence[ConnectionCheck]:
        """Look at reachability, authorisation, objects and fields, limits left and clock skew. Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class ReadStats:
    """What one stream's ingest did, for people and reports: rows read from the source, and versions new to us."""

    connection: str
    stream: str
    rows_read: int = 0
    rows_new: int = 0
    rows_deleted: int = 0
    rows_set_aside: int = 0
    pages: int = 0
    seconds: float = 0.0
    warnings: tuple[str, ...] = field(default=())
