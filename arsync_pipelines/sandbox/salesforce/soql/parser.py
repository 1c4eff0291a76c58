"""Recursive descent over SOQL tokens. Refuses what Salesforce's grammar refuses, mixed AND/OR without parentheses too.

Not understood: child sub-selects in the field list, TYPEOF, GROUP BY ROLLUP, geolocation, data categories.
"""

from __future__ import annotations

from typing import Literal

from arsync_pipelines.sandbox.salesforce.errors import SalesforceError
from arsync_pipelines.sandbox.salesforce.soql.tokens import Token, malformed, tokenize, unquote
from arsync_pipelines.sandbox.salesforce.soql.tree import (
    Call,
    Comparison,
    Condition,
    Item,
    Junction,
    Literal_,
    Membership,
    Not,
    Order,
    Path,
    Select,
)

_FUNCTIONS = {"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX", "FIELDS"}
_CLAUSES = {"FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "WITH", "USING", "ALL"}
_DATE_WORDS = {"TODAY", "YESTERDAY", "TOMORROW", "LAST_90_DAYS", "NEXT_90_DAYS"} | {
    f"{when}_{unit}" for when in ("LAST", "THIS", "NEXT") for unit in ("WEEK", "MONTH", "QUARTER", "YEAR")
}

_CONSTANTS: dict[str, Literal["number", "date", "datetime"]] = {
    "number": "number",
    "date": "date",
    "datetime": "datetime",
}
_WORDS: dict[str, Literal["boolean", "null", "token"]] = {
    "TRUE": "boolean",
    "FALSE": "boolean",
    "NULL": "null",
    **dict.fromkeys(_DATE_WORDS, "token"),
}


def parse(text: str) -> Select:
    """The tree of a query. Raises SalesforceError MALFORMED_QUERY."""
    parser = _Parser(text)
    query = parser.select()
    if parser.peek().kind != "end":
        raise parser.unexpected()
    return query


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.place = 0

    def peek(self) -> Token:
        return self.tokens[self.place]

    def next(self) -> Token:
        token = self.tokens[self.place]
        self.place += token.kind != "end"
        return token

    def at(self, *words: str) -> bool:
        token = self.peek()
        return token.kind in ("name", "op") and token.text.upper() in words

    def accept(self, word: str) -> bool:
        if self.at(word):
            self.place += 1
            return True
        return False

    def expect(self, word: str) -> Token:
        if not self.at(word):
            raise self.unexpected()
        return self.next()

    def unexpected(self) -> SalesforceError:
        token = self.peek()
        if token.kind == "end":
            return malformed("unexpected end of file")
        return malformed(f"unexpected token: '{token.text}'")

    def path(self) -> Path:
        token = self.peek()
        if token.kind != "name":
            raise self.unexpected()
        self.next()
        return Path(tuple(token.text.split(".")), token.position)

    def value(self) -> Path | Call:
        path = self.path()
        if not self.at("("):
            return path
        if len(path.parts) != 1 or path.parts[0].upper() not in _FUNCTIONS:
            raise malformed(f"unexpected token: '{path.text}('")
        self.next()
        argument = None if self.at(")") else self.path()
        self.expect(")")
        return Call(path.parts[0].upper(), argument, path.position)

    def select(self) -> Select:
        start = self.peek()
        if not self.accept("SELECT"):
            raise self.unexpected()
        items = [self.item()]
        while self.accept(","):
            items.append(self.item())
        self.expect("FROM")
        source = self.peek()
        if source.kind != "name":
            raise self.unexpected()
        self.next()
        alias = ""
        if self.accept("AS") or (self.peek().kind == "name" and not self.at(*_CLAUSES)):
            alias = self.next().text
        if self.accept("USING"):
            self.expect("SCOPE")
            self.next()
        where = self.condition() if self.accept("WHERE") else None
        if self.accept("WITH") and not (self.accept("SECURITY_ENFORCED") or self.accept("USER_MODE")):
            raise self.unexpected()
        group: list[Path] = []
        if self.accept("GROUP"):
            self.expect("BY")
            group.append(self.path())
            while self.accept(","):
                group.append(self.path())
        having = self.condition() if self.accept("HAVING") else None
        order: list[Order] = []
        if self.accept("ORDER"):
            self.expect("BY")
            order.append(self.order())
            while self.accept(","):
                order.append(self.order())
        limit = self.number() if self.accept("LIMIT") else None
        offset = self.number() if self.accept("OFFSET") else 0
        if self.accept("FOR"):
            self.next()
        return Select(
            tuple(items),
            source.text,
            source.position,
            alias,
            where,
            tuple(group),
            having,
            tuple(order),
            limit,
            offset,
            self.text[start.position :],
        )

    def item(self) -> Item:
        if self.at("("):
            raise malformed("child sub-selects are not supported by this stand-in: query the child object instead")
        value = self.value()
        alias = ""
        if self.peek().kind == "name" and not self.at(*_CLAUSES):
            alias = self.next().text
            if isinstance(value, Path) and "." not in value.text and not self.at(",", "FROM"):
                raise self.unexpected()
        return Item(value, alias)

    def order(self) -> Order:
        value = self.value()
        descending = self.accept("DESC")
        if not descending:
            self.accept("ASC")
        nulls_last = False
        if self.accept("NULLS"):
            nulls_last = self.accept("LAST")
            if not nulls_last:
                self.expect("FIRST")
        return Order(value, descending, nulls_last)

    def number(self) -> int:
        token = self.peek()
        if token.kind != "number" or not token.text.isdigit():
            raise self.unexpected()
        self.next()
        return int(token.text)

    def condition(self) -> Condition:
        first = self.unary()
        for op in ("AND", "OR"):
            if self.at(op):
                parts = [first]
                while self.accept(op):
                    parts.append(self.unary())
                if self.at("AND", "OR"):
                    raise self.unexpected()  # Salesforce wants parentheses where AND and OR meet
                return Junction("AND" if op == "AND" else "OR", tuple(parts))
        return first

    def unary(self) -> Condition:
        if self.accept("NOT"):
            return Not(self.unary())
        if self.accept("("):
            inner = self.condition()
            self.expect(")")
            return inner
        return self.comparison()

    def comparison(self) -> Condition:
        left = self.value()
        negated = self.accept("NOT")
        if negated and not self.at("IN"):
            raise self.unexpected()
        if self.accept("IN"):
            return self.membership(left, negated)
        token = self.next()
        op = token.text.upper()
        if op == "<>":
            op = "!="
        if token.kind not in ("op", "name") or op not in ("=", "!=", "<", "<=", ">", ">=", "LIKE"):
            self.place -= token.kind != "end"
            raise self.unexpected()
        return Comparison(left, op, self.literal(like=op == "LIKE"))

    def membership(self, left: Path | Call, negated: bool) -> Membership:
        self.expect("(")
        if self.at("SELECT"):
            inner = self.select()
            self.expect(")")
            return Membership(left, negated, (), inner)
        options = [self.literal()]
        while self.accept(","):
            options.append(self.literal())
        self.expect(")")
        return Membership(left, negated, tuple(options))

    def literal(self, *, like: bool = False) -> Literal_:
        token = self.next()
        text = token.text
        if token.kind == "string":
            return Literal_("string", unquote(text, like=like), token.position)
        if token.kind in _CONSTANTS:
            return Literal_(_CONSTANTS[token.kind], text, token.position)
        if token.kind == "token":
            word, _, amount = text.partition(":")
            return Literal_("token", word.upper(), token.position, int(amount))
        word = text.upper()
        if token.kind == "name" and word in _WORDS:
            return Literal_(_WORDS[word], word, token.position)
        self.place -= token.kind != "end"
        raise self.unexpected()
