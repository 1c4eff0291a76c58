"""Kinds meet: how a value of one kind is turned into what a comparison or a function needs."""

from __future__ import annotations

from sqlglot import exp

from ..schema import Kind
from .scope import Value

NUMERIC = ("int", "money", "rate", "num")


def call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=list(arguments))


def number(value: int | float) -> exp.Expr:
    return exp.Literal.number(value)


def is_free(node: exp.Expr) -> bool:
    """A literal or a bind: a value whose kind the other side decides."""
    return isinstance(node, exp.Placeholder | exp.Literal | exp.Null)


def plain(value: Value) -> exp.Expr:
    """As SQLite would compute with it: money in units, instants as wall times."""
    node, kind = value
    if kind == "money":
        return exp.Paren(this=exp.Div(this=node, expression=exp.Literal.number("100.0")))
    if kind == "ts":
        return call("ns_wall", node)
    return node


def wall(value: Value) -> exp.Expr:
    """As a wall time; texts are read in the account's date format."""
    node, kind = value
    if kind == "date":
        return node
    if kind == "ts":
        return call("ns_wall", node)
    return call("ns_read", node)


def instant(value: Value) -> exp.Expr:
    node, kind = value
    return node if kind == "ts" else call("ns_instant", wall(value))


def text(value: Value) -> exp.Expr:
    """As Oracle converts to text without a format model."""
    node, kind = value
    if kind == "text":
        return node
    if kind in {"date", "ts"}:
        return call("ns_show", wall(value))
    return call("ns_text", plain(value))


def money_of(value: Value) -> exp.Expr | None:
    """The value in hundredths if that is exact and cheap, else None."""
    node, kind = value
    if kind == "money" or isinstance(node, exp.Null):
        return node
    if isinstance(node, exp.Literal) and not node.is_string:
        whole, _, part = node.name.partition(".")
        if len(part) <= 2 and whole.isdigit():
            return number(int(whole + part.ljust(2, "0")))
    if isinstance(node, exp.Neg):
        inner = money_of((node.this, kind))
        return None if inner is None else exp.Neg(this=inner)
    return None


def align(left: Value, right: Value) -> tuple[exp.Expr, exp.Expr]:
    """Both sides of a comparison in one representation, a column kept bare so that its index can be used."""
    kinds = {left[1], right[1]}
    if kinds & {"date", "ts"}:
        return _align_times(left, right)
    if "money" in kinds:
        exact = money_of(left), money_of(right)
        if exact[0] is not None and exact[1] is not None:
            return exact[0], exact[1]
    free = is_free(left[0]) or is_free(right[0])
    computed = "int" in kinds and not (isinstance(left[0], exp.Column) or isinstance(right[0], exp.Column))
    if "money" in kinds or (free and kinds & {"num", "rate"}) or computed:
        return _real(left), _real(right)
    return left[0], right[0]


def _align_times(left: Value, right: Value) -> tuple[exp.Expr, exp.Expr]:
    if left[1] == "ts" and not (right[1] == "date" and isinstance(right[0], exp.Column)):
        return left[0], instant(right)
    if right[1] == "ts" and not (left[1] == "date" and isinstance(left[0], exp.Column)):
        return instant(left), right[0]
    return wall(left), wall(right)


def _real(value: Value) -> exp.Expr:
    node = plain(value)
    return exp.Cast(this=node, to=exp.DataType.build("REAL")) if is_free(node) else node


def common(kinds: list[Kind]) -> Kind:
    """The kind of a value that is one of several (CASE, NVL, UNION)."""
    known = {kind for kind in kinds if kind != "any"}
    if len(known) == 1:
        return known.pop()
    if known and known <= {"int", "rate", "num"}:
        return "num"
    return "any"
