"""A parsed query to SQL over the store. Nothing is executed here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from arsync_pipelines.sandbox.core.drift import UNCHANGED, Columns
from arsync_pipelines.sandbox.salesforce.errors import SalesforceError
from arsync_pipelines.sandbox.salesforce.schema import NUMBERS, FieldDef, ObjectDef
from arsync_pipelines.sandbox.salesforce.soql.conditions import Conditions
from arsync_pipelines.sandbox.salesforce.soql.names import Column, Names
from arsync_pipelines.sandbox.salesforce.soql.parser import parse
from arsync_pipelines.sandbox.salesforce.soql.tokens import located, malformed
from arsync_pipelines.sandbox.salesforce.soql.tree import Call, Item, Order, Path, Select

_NEVER_NULL = ("Id", "SystemModstamp", "LastModifiedDate", "CreatedDate")
_AGGREGATES = {"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"}


@dataclass(slots=True)
class Scope:
    """What a compilation may see: the catalog, today, deleted rows, and the faults in force."""

    find: Callable[[str], ObjectDef | None]
    today: date
    include_deleted: bool = False
    purge_before: str = ""  # rows deleted earlier are gone for good
    drift: Columns = UNCHANGED
    ignore_filter: bool = False


@dataclass(slots=True)
class Compiled:
    """SQL pieces of a query. `kind`: rows, count (COUNT() alone) or aggregate (`labels` name its columns)."""

    kind: str
    object: ObjectDef
    columns: list[Column]
    source: str
    where: str
    params: list[Any]
    order: str
    limit: int | None
    offset: int
    parents: dict[tuple[str, ...], tuple[str, ObjectDef]] = field(default_factory=dict)
    labels: list[tuple[str, FieldDef, str]] = field(default_factory=list)
    tail: str = ""
    include_deleted: bool = False

    def row_numbers(self) -> str:
        """SQL for the row numbers of all matches in order."""
        return f"select t._row {self.source} where {self.where} {self.order}"


def compile_query(text: str, scope: Scope) -> Compiled:
    """Parse and compile. Raises SalesforceError with the code and place Salesforce would name."""
    return _Compiler(parse(text), text, scope, "t").compile()


class _Compiler:
    def __init__(self, query: Select, text: str, scope: Scope, root: str) -> None:
        self._query = query
        self._text = text
        self._scope = scope
        self._names = Names(query, text, scope.find, scope.drift, root)
        self._conditions = Conditions(text, scope.today, self._resolve, self._sub_select)

    def compile(self) -> Compiled:
        query = self._query
        calls = [item for item in query.items if isinstance(item.value, Call) and item.value.function in _AGGREGATES]
        counts = (
            len(query.items) == 1 and bool(calls) and calls[0].value == Call("COUNT", None, calls[0].value.position)
        )
        kind = "count" if counts else "aggregate" if calls or query.group_by else "rows"
        if query.offset > 2000:
            raise SalesforceError(400, "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
        columns = self._columns() if kind == "rows" else []
        labels = [self._label(item, place) for place, item in enumerate(query.items)] if kind == "aggregate" else []
        where = self.where()
        group = ", ".join(self._names.column(path).sql for path in query.group_by)
        having = f" having {self._conditions.sql(query.having)}" if query.having else ""
        order = ", ".join(self._order(one) for one in query.order_by)
        root = self._names.root
        return Compiled(
            kind,
            self._names.object,
            columns,
            f'from "{self._names.object.table}" {root} {" ".join(self._names.joins)}',
            where,
            self._conditions.params,
            f"order by {order}" if order else "",
            query.limit,
            query.offset,
            self._names.parents(),
            labels,
            (f" group by {group}" if group else "") + having,
            self._scope.include_deleted,
        )

    def where(self) -> str:
        """The filter, deleted rows left out unless asked for."""
        root = self._names.root
        parts: list[str] = []
        if not self._scope.include_deleted:
            parts.append(f'{root}."IsDeleted" = 0')
        elif self._scope.purge_before:
            self._conditions.params.append(self._scope.purge_before)
            parts.append(f'({root}."IsDeleted" = 0 or {root}._deleted_at >= ?)')
        if self._query.where is not None:
            before = len(self._conditions.params)
            condition = self._conditions.sql(self._query.where)
            if self._scope.ignore_filter:
                del self._conditions.params[before:]
            else:
                parts.append(condition)
        return " and ".join(parts) or "1"

    def _columns(self) -> list[Column]:
        columns: list[Column] = []
        for item in self._query.items:
            if isinstance(item.value, Call):
                columns += self._all_fields(item.value)
            else:
                columns.append(self._names.column(item.value))
        shown = [(*column.relations, column.item.name) for column in columns]
        for path in shown:
            if shown.count(path) > 1:
                raise malformed(f"duplicate field selected: {'.'.join(path)}")
        return columns

    def _all_fields(self, call: Call) -> list[Column]:
        which = call.argument.text.upper() if call.argument else ""
        if which not in ("ALL", "STANDARD", "CUSTOM"):
            raise malformed(f"unexpected token: '{which}'")
        if which != "STANDARD" and (self._query.limit is None or self._query.limit > 200):
            raise malformed("The SOQL FIELDS function must have a LIMIT of at most 200")
        return [
            self._names.column(Path((name,), call.position))
            for name, item in self._names.object.fields.items()
            if which == "ALL" or item.custom == (which == "CUSTOM")
        ]

    def _label(self, item: Item, place: int) -> tuple[str, FieldDef, str]:
        value = item.value
        if isinstance(value, Path):
            column = self._names.column(value)
            grouped = {self._names.column(path).sql for path in self._query.group_by}
            if column.sql not in grouped:
                raise located(
                    self._text,
                    value.position,
                    "MALFORMED_QUERY",
                    f"Field must be grouped or aggregated: {value.text}",
                )
            return item.alias or column.item.name, column.item, column.sql
        sql, kind = self._resolve(value)
        unnamed = sum(isinstance(one.value, Call) and not one.alias for one in self._query.items[:place])
        return item.alias or f"expr{unnamed}", kind, sql

    def _resolve(self, value: Path | Call) -> tuple[str, FieldDef]:
        if isinstance(value, Path):
            column = self._names.column(value)
            return column.sql, column.item
        if value.function == "COUNT" and value.argument is None:
            return "count(*)", FieldDef("count", "int")
        if value.argument is None or value.function not in _AGGREGATES:
            raise malformed(f"unexpected token: '{value.function}'")
        column = self._names.column(value.argument)
        if value.function in ("COUNT", "COUNT_DISTINCT"):
            distinct = "distinct " if value.function == "COUNT_DISTINCT" else ""
            return f"count({distinct}{column.sql})", FieldDef("count", "int")
        if value.function in ("SUM", "AVG") and column.item.type not in NUMBERS:
            raise located(
                self._text,
                value.position,
                "MALFORMED_QUERY",
                f"field {column.item.name} does not support aggregate operator {value.function}",
            )
        return f"{value.function.lower()}({column.sql})", column.item

    def _order(self, order: Order) -> str:
        sql, item = self._resolve(order.value)
        if item.type == "textarea":
            raise located(
                self._text,
                order.value.position,
                "MALFORMED_QUERY",
                f"field '{item.name}' can not be sorted in a query call",
            )
        if item.name in _NEVER_NULL:
            return sql + (" desc" if order.descending else "")  # leaves the index usable in both directions
        if order.descending:
            return f"{sql} desc" + ("" if order.nulls_last else " nulls first")
        return sql + (" nulls last" if order.nulls_last else "")

    def _sub_select(self, query: Select) -> tuple[str, list[Any]]:
        inner = _Compiler(query, self._text, self._scope, self._names.root + "s")
        if len(query.items) != 1 or not isinstance(query.items[0].value, Path):
            raise malformed("semi join sub-selects can only query one field")
        column = inner._names.column(query.items[0].value)
        where = inner.where()
        source = f'"{inner._names.object.table}" {inner._names.root} {" ".join(inner._names.joins)}'
        return f"select {column.sql} from {source} where {where} and {column.sql} is not null", inner._conditions.params
