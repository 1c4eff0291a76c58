"""The `q` parameter of lists: `email START_WITH "bar" AND lastModifiedDate ON_OR_AFTER "1/1/2026"`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..dates import DAY, AccountTime, DateFormatError
from ..errors import ApiError
from .fields import Field, amount

_TOKEN = re.compile(r'\s*(?:(?P<text>"[^"]*")|(?P<list>\[[^\]]*\])|(?P<mark>[()])|(?P<word>[^\s()\[\]"]+))')
_COMPARE = {
    "IS": "=", "EQUAL": "=", "IS_NOT": "<>", "EQUAL_NOT": "<>", "GREATER": ">", "GREATER_OR_EQUAL": ">=",
    "LESS": "<", "LESS_OR_EQUAL": "<=", "GREATER_NOT": "<=", "LESS_NOT": ">=",
    "ON": "on", "ON_NOT": "not on", "AFTER": ">", "ON_OR_AFTER": ">=", "BEFORE": "<", "ON_OR_BEFORE": "<=",
    "AFTER_NOT": "<=", "BEFORE_NOT": ">=",
}  # fmt: skip
_LIKE = {"CONTAIN": "%{}%", "START_WITH": "{}%", "END_WITH": "%{}"}
_LISTS = {"ANY_OF": "in", "ANY_OF_NOT": "not in", "BETWEEN": "between", "BETWEEN_NOT": "not between"}
_ID = Field("id", "rate")


class Filter:
    """Turns one `q` into a SQL condition with binds. Raises ApiError 400 for what it cannot read."""

    def __init__(self, text: str, fields: Mapping[str, Field], time: AccountTime) -> None:
        self._tokens = [match[0].strip() for match in _TOKEN.finditer(text) if match[0].strip()]
        self._fields = {name.lower(): field for name, field in fields.items()} | {"id": _ID}
        self._time = time
        self.binds: list[Any] = []

    def sql(self) -> str:
        condition = self._any()
        if self._tokens:
            raise _refused(f"unexpected {self._tokens[0]!r}")
        return condition

    def _next(self) -> str:
        if not self._tokens:
            raise _refused("it ends too early")
        return self._tokens.pop(0)

    def _any(self) -> str:
        parts = [self._all()]
        while self._tokens and self._tokens[0].upper() == "OR":
            self._next()
            parts.append(self._all())
        return "(" + " or ".join(parts) + ")"

    def _all(self) -> str:
        parts = [self._one()]
        while self._tokens and self._tokens[0].upper() == "AND":
            self._next()
            parts.append(self._one())
        return " and ".join(parts)

    def _one(self) -> str:
        token = self._next()
        if token == "(":
            inner = self._any()
            if self._next() != ")":
                raise _refused("a parenthesis is not closed")
            return inner
        field = self._fields.get(token.lower())
        if field is None:
            raise _refused(f"field {token!r} does not exist")
        operator = self._next().upper()
        column = f'"{field.column}"'
        if operator in {"EMPTY", "EMPTY_NOT"}:
            return f"{column} is {'not ' if operator.endswith('_NOT') else ''}null"
        like = operator.removesuffix("_NOT")
        if like in _LIKE:
            self.binds.append(_LIKE[like].format(_bare(self._next())).lower())
            return f"lower({column}) {'not ' if operator.endswith('_NOT') else ''}like ?"
        if operator in _LISTS:
            return self._list(column, field, _LISTS[operator])
        if operator not in _COMPARE:
            raise _refused(f"operator {operator!r} does not exist")
        return self._comparison(column, field, _COMPARE[operator], _bare(self._next()))

    def _comparison(self, column: str, field: Field, sign: str, text: str) -> str:
        value = self._value(field, text)
        if field.kind in {"date", "ts"}:
            end = self._value(field, text, DAY)
            if sign in {"on", "not on"}:
                self.binds += [value, end]
                return f"{'not ' if sign == 'not on' else ''}({column} >= ? and {column} < ?)"
            # a day is a span: after it begins the next, on or before it ends with its last second
            self.binds.append(end if sign in {">", "<="} else value)
            return f"{column} {({'>': '>=', '<=': '<'}).get(sign, sign)} ?"
        self.binds.append(value)
        return f"{column} {sign} ?"

    def _list(self, column: str, field: Field, operator: str) -> str:
        token = self._next()
        if not token.startswith("["):
            raise _refused(f"{operator} needs a list in brackets")
        values = [self._value(field, _bare(item.strip())) for item in token[1:-1].split(",") if item.strip()]
        self.binds += values
        if "between" in operator:
            if len(values) != 2:
                raise _refused("BETWEEN needs two values")
            return f"{column} {operator} ? and ?"
        return f"{column} {operator} ({', '.join('?' for _ in values)})"

    def _value(self, field: Field, text: str, shift: int = 0) -> Any:
        if field.kind in {"date", "ts"}:
            try:
                wall = self._time.read(text) + shift
            except DateFormatError as error:
                raise _refused(str(error)) from error
            return wall if field.kind == "date" else self._time.instant(wall)
        if field.kind == "money":
            return amount(text, field.column)
        if field.kind == "bool":
            return "T" if text.lower() in {"true", "t"} else "F"
        if field.kind in {"ref", "rate"}:
            return float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else text
        return text


def _bare(token: str) -> str:
    return token[1:-1] if token.startswith('"') else token


def _refused(reason: str) -> ApiError:
    return ApiError(400, "INVALID_PARAMETER", f"Invalid query parameter value: {reason}.", query="q")
