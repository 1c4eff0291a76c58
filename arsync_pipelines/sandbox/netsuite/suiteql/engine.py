"""Runs SuiteQL: statement cache, binds, pages, totals and the rendering of values. HTTP is elsewhere."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlglot import exp

from ...core.drift import UNCHANGED, Columns
from ..dates import instant_of
from ..errors import ApiError, bad_query
from ..schema import Kind
from ..store import Store, number_text
from .dialect import Text, normalise, parse
from .select import Lowering

MAX_PAGE = 1000
MAX_ROWS = 100_000
Row = tuple[Any, ...]
Retyped = tuple[str, Callable[[Any], str]]


@dataclass(frozen=True)
class Statement:
    """A lowered query. `moving` are the binds that only say where an ordered read goes on."""

    sql: str
    count_sql: str
    columns: dict[str, Kind]
    names: frozenset[str]
    moving: frozenset[str]


@dataclass
class _Seen:
    """The rows of the last page of a statement and the total it was given: lets the next page subtract, not count."""

    first: int
    total: int
    rows: list[Row]


@dataclass(frozen=True)
class Page:
    items: list[dict[str, Any]]
    offset: int
    total: int
    has_more: bool


class SuiteQl:
    """The query service of one account."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._seen: OrderedDict[tuple[Any, ...], _Seen] = OrderedDict()
        self._totals: OrderedDict[tuple[Any, ...], int] = OrderedDict()
        self._compile = lru_cache(maxsize=512)(compile_statement)

    def page(
        self,
        text: str,
        params: Sequence[Any],
        limit: int,
        offset: int,
        *,
        skip: int = 0,
        drift: Columns = UNCHANGED,
        ignore_filter: bool = False,
        retyped: Retyped | None = None,
    ) -> Page:
        """Rows [offset, offset + limit) of the result. Raises ApiError 400 for anything NetSuite would refuse.

        `skip`, `drift`, `ignore_filter` and `retyped` are faults: rows lost between pages, columns that vanished or
        came, the cursor's filter dropped, a column rendered as something else.
        """
        written = normalise(text)
        binds = _binds(written, params)
        statement = self._compile(written.sql, drift, ignore_filter)
        named = {name: value for name, value in binds.items() if name in statement.names}
        if "now" in statement.names:
            named["now"] = self._store.time.wall(instant_of(self._now()))
        with self._store.lock:
            rows = self._fetch(statement.sql, {**named, "limit": limit + 1, "offset": offset + skip})
            has_more = len(rows) > limit
            total = self._total(written.sql, statement, named, offset, rows, has_more)
        return Page(self._render(statement, rows[:limit], retyped), offset, total, has_more)

    def _fetch(self, sql: str, binds: dict[str, Any]) -> list[Row]:
        self._store.function_error = ""
        try:
            return self._store.db.execute(sql, binds).fetchall()
        except (sqlite3.Error, OverflowError) as error:
            reason = self._store.function_error or "Invalid or unsupported search."
            raise bad_query(f"Search error occurred: {reason}") from error

    def _total(
        self, text: str, statement: Statement, named: dict[str, Any], offset: int, rows: list[Row], more: bool
    ) -> int:
        """`totalResults`, without counting the rest of a table for each of its pages.

        A read that goes on by keyset changes only its lower bounds; what is left after a row of the page before is the
        earlier total minus the rows up to it. Everything else is counted once for statement,
        binds and state of the store.
        """
        fixed = tuple(sorted((key, value) for key, value in named.items() if key not in statement.moving))
        family = (text, fixed)
        exact = (text, tuple(sorted(named.items(), key=str)), self._store.generation)
        total = self._totals.get(exact)
        if total is None and not more and (rows or offset == 0):
            total = offset + len(rows)
        if total is None and rows and offset == 0 and statement.moving and (seen := self._seen.get(family)):
            place = next((i for i in range(len(seen.rows) - 1, -1, -1) if seen.rows[i] == rows[0]), None)
            total = None if place is None else max(seen.total - seen.first - place, len(rows))
        if total is None:
            total = int(self._fetch(statement.count_sql, named)[0][0])
        _remember(self._totals, exact, total)
        if statement.moving:
            _remember(self._seen, family, _Seen(offset, total, rows))
        return total

    def _render(self, statement: Statement, rows: list[Row], retyped: Retyped | None) -> list[dict[str, Any]]:
        renderers = [self._renderer(kind) for kind in statement.columns.values()]
        labels = list(statement.columns)
        if retyped is not None and retyped[0] in labels:
            renderers[labels.index(retyped[0])] = retyped[1]
        cells = list(zip(labels, renderers, strict=True))
        items = []
        for row in rows:
            item: dict[str, Any] = {"links": []}
            for (label, render), value in zip(cells, row, strict=True):
                if value is not None and value != "":
                    item[label] = render(value)
            items.append(item)
        return items

    def _renderer(self, kind: Kind) -> Callable[[Any], str]:
        time = self._store.time
        if kind == "ts":
            return lambda value: time.show(time.wall(value))
        special: dict[Kind, Callable[[Any], str]] = {"money": _money, "date": time.show, "text": str, "int": str}
        return special.get(kind, number_text)


def compile_statement(text: str, drift: Columns, ignore_filter: bool) -> Statement:
    """Parses and lowers one normalised text. Raises ApiError 400."""
    lowering = Lowering(drift, ignore_filter)
    lowered, columns = lowering.query(parse(text), None)
    sql = lowered.sql(dialect="sqlite")
    names = frozenset(node.name for node in lowered.find_all(exp.Placeholder))
    paged = f"select * from ({sql}) limit :limit offset :offset" if lowered.args.get("limit") else None
    return Statement(
        paged or f"{sql} limit :limit offset :offset", _count(lowered), columns, names, _moving_binds(lowered)
    )


def _count(lowered: exp.Expr) -> str:
    bare = lowered.copy()
    bare.set("order", None)
    grouped = any(bare.args.get(key) for key in ("group", "having", "distinct", "limit"))
    if isinstance(bare, exp.Select) and not grouped and not any(e.find(exp.AggFunc) for e in bare.expressions):
        bare.set("expressions", [exp.Literal.number(1)])
    return f"select count(*) from ({bare.sql(dialect='sqlite')})"


def _moving_binds(lowered: exp.Expr) -> frozenset[str]:
    """Binds that occur only as lower bounds on the columns that the result is ordered by (ascending)."""
    where, order = lowered.args.get("where"), lowered.args.get("order")
    if not isinstance(lowered, exp.Select) or where is None or order is None or lowered.args.get("group"):
        return frozenset()
    keys = {term.this.sql() for term in order.expressions if not term.args.get("desc")}
    moving: set[str] = set()
    fixed = {
        node.name
        for part in (*lowered.expressions, *(lowered.args.get("joins") or []))
        for node in part.find_all(exp.Placeholder)
    }
    for comparison in where.find_all(exp.Predicate):
        if isinstance(comparison, exp.NEQ) and isinstance(comparison.this, exp.Paren):
            continue  # keyset.py's wrapper around an OR
        columns = comparison.this.expressions if isinstance(comparison.this, exp.Tuple) else [comparison.this]
        ordered = all(column.sql() in keys for column in columns)
        bound = isinstance(comparison, exp.GT | exp.GTE) or (
            isinstance(comparison, exp.EQ) and comparison.find_ancestor(exp.Or) is not None
        )
        names = {node.name for node in comparison.find_all(exp.Placeholder)}
        (moving if ordered and bound else fixed).update(names)
    return frozenset(moving - fixed)


def _binds(written: Text, params: Sequence[Any]) -> dict[str, Any]:
    if len(params) != written.binds:
        raise ApiError(
            400,
            "INVALID_PARAMETER",
            f"Invalid search query. The query has {written.binds} parameters but {len(params)} values were given.",
            query="params",
        )
    binds: dict[str, Any] = {f"n{i}": value for i, value in enumerate(written.integers, start=1)}
    for i, value in enumerate(params, start=1):
        if isinstance(value, dict | list):
            raise ApiError(
                400, "INVALID_PARAMETER", f"Parameter {i} must be a string, a number or null.", query="params"
            )
        binds[f"b{i}"] = ("T" if value else "F") if isinstance(value, bool) else value
    return binds


def _remember(cache: OrderedDict[tuple[Any, ...], Any], key: tuple[Any, ...], value: Any) -> None:
    cache[key] = value
    cache.move_to_end(key)
    while len(cache) > 64:
        cache.popitem(last=False)


def _money(hundredths: int | float) -> str:
    """Exact, as short as possible: 1234.5, 1200, -0.07."""
    if not isinstance(hundredths, int):
        return number_text(hundredths / 100)
    units, part = divmod(abs(hundredths), 100)
    sign = "-" if hundredths < 0 else ""
    return f"{sign}{units}.{part:02d}".rstrip("0") if part else f"{sign}{units}"
