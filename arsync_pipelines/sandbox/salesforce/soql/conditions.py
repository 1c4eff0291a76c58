"""WHERE and HAVING to SQL. SOQL is two-valued: `!=` matches null, and NOT turns "unknown" into true."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import orjson

from arsync_pipelines.sandbox.salesforce.errors import SalesforceError
from arsync_pipelines.sandbox.salesforce.schema import IDS, NUMBERS, FieldDef
from arsync_pipelines.sandbox.salesforce.soql.literals import bound, word_range
from arsync_pipelines.sandbox.salesforce.soql.tokens import located
from arsync_pipelines.sandbox.salesforce.soql.tree import (
    Call,
    Comparison,
    Condition,
    Junction,
    Literal_,
    Membership,
    Not,
    Path,
    Select,
)

Resolve = Callable[[Path | Call], tuple[str, FieldDef]]
SubSelect = Callable[[Select], tuple[str, list[Any]]]


class Conditions:
    """Compiles conditions; `params` fills in the order of the question marks."""

    def __init__(self, text: str, today: date, resolve: Resolve, sub_select: SubSelect) -> None:
        self._text = text
        self._today = today
        self._resolve = resolve
        self._sub_select = sub_select
        self.params: list[Any] = []

    def sql(self, condition: Condition) -> str:
        """The condition as an SQL expression."""
        match condition:
            case Junction(op, parts):
                return "(" + f" {op} ".join(self.sql(part) for part in parts) + ")"
            case Not(inner):
                return f"not coalesce({self.sql(inner)}, 0)"
            case Membership():
                return self._membership(condition)
            case Comparison():
                return self._comparison(condition)

    def _membership(self, condition: Membership) -> str:
        expression, item = self._filterable(condition.left)
        if condition.select is not None:
            inner, params = self._sub_select(condition.select)
            self.params += params
            if condition.negated:
                return f"({expression} is null or {expression} not in ({inner}))"
            return f"{expression} in ({inner})"
        values = [bound(self._text, item, literal) for literal in condition.options]
        some = [value for value in values if value is not None]
        self.params.append(orjson.dumps(some).decode())
        found = f"{expression} in (select value from json_each(?))"
        if condition.negated:
            keep_null = "" if None in values else f"{expression} is null or "
            return f"({keep_null}not coalesce({found}, 0)" + (
                f" and {expression} is not null)" if None in values else ")"
            )
        return f"({found} or {expression} is null)" if None in values else found

    def _comparison(self, condition: Comparison) -> str:
        expression, item = self._filterable(condition.left)
        op, literal = condition.op, condition.right
        if literal.kind == "token":
            return self._range(expression, item, op, literal)
        if op == "LIKE":
            if item.type in NUMBERS | IDS | {"boolean", "date", "datetime"} or literal.kind not in ("string", "null"):
                raise self._bad_operator(item, literal)
            self.params.append(literal.text if literal.kind == "string" else None)
            return f"{expression} like ? escape '\\'"
        value = bound(self._text, item, literal)
        if value is None or (item.type != "boolean" and value == ""):
            if op not in ("=", "!="):
                raise self._bad_operator(item, literal)
            return f"{expression} is {'' if op == '=' else 'not '}null"
        if item.type in IDS | {"boolean"} and op not in ("=", "!=") and item.type == "boolean":
            raise self._bad_operator(item, literal)
        self.params.append(value)
        return f"{expression} is not ?" if op == "!=" else f"{expression} {op} ?"

    def _range(self, expression: str, item: FieldDef, op: str, literal: Literal_) -> str:
        start, end = word_range(self._text, item, literal, self._today)
        match op:
            case "=":
                self.params += [start, end]
                return f"({expression} >= ? and {expression} < ?)"
            case "!=":
                self.params += [start, end]
                return f"({expression} is null or {expression} < ? or {expression} >= ?)"
            case "<" | ">=":
                self.params.append(start)
                return f"{expression} {op} ?"
            case ">":
                self.params.append(end)
                return f"{expression} >= ?"
            case "<=":
                self.params.append(end)
                return f"{expression} < ?"
        raise self._bad_operator(item, literal)

    def _filterable(self, left: Path | Call) -> tuple[str, FieldDef]:
        expression, item = self._resolve(left)
        if item.type in ("textarea", "anyType"):
            raise located(
                self._text,
                left.position,
                "INVALID_FIELD",
                f"field '{item.name}' can not be filtered in a query call",
            )
        return expression, item

    def _bad_operator(self, item: FieldDef, literal: Literal_) -> SalesforceError:
        return located(
            self._text, literal.position, "INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {item.type} field"
        )
