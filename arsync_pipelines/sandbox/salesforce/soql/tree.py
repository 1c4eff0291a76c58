"""The parsed form of a SOQL query. No names are resolved yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Path:
    """`Owner.Name`: relationship names and a field name, with its place in the text for messages."""

    parts: tuple[str, ...]
    position: int

    @property
    def text(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Call:
    """`COUNT(Id)`; `argument` is None for `COUNT()`."""

    function: str
    argument: Path | None
    position: int


@dataclass(frozen=True, slots=True)
class Item:
    """One selected expression."""

    value: Path | Call
    alias: str = ""


@dataclass(frozen=True, slots=True)
class Literal_:
    """A constant: `text` is unquoted and unescaped for strings, raw otherwise."""

    kind: Literal["string", "number", "boolean", "null", "date", "datetime", "token"]
    text: str
    position: int
    amount: int = 0  # the n of LAST_N_DAYS:n


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field op constant`; op is one of = != < <= > >= LIKE."""

    left: Path | Call
    op: str
    right: Literal_


@dataclass(frozen=True, slots=True)
class Membership:
    """`field [NOT] IN (constants | sub-select)`."""

    left: Path | Call
    negated: bool
    options: tuple[Literal_, ...]
    select: Select | None = None


@dataclass(frozen=True, slots=True)
class Not:
    """Negation, two-valued."""

    inner: Condition


@dataclass(frozen=True, slots=True)
class Junction:
    """AND or OR over two or more conditions."""

    op: Literal["AND", "OR"]
    parts: tuple[Condition, ...]


Condition = Comparison | Membership | Not | Junction


@dataclass(frozen=True, slots=True)
class Order:
    """One sort key. Nulls come first unless said otherwise, whatever the direction."""

    value: Path | Call
    descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class Select:
    """A whole query."""

    items: tuple[Item, ...]
    source: str
    source_position: int
    alias: str = ""
    where: Condition | None = None
    group_by: tuple[Path, ...] = ()
    having: Condition | None = None
    order_by: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
    text: str = field(default="", repr=False)
