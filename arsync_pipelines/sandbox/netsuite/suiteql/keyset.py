"""Helps SQLite walk an index for keyset predicates that are spelled out with OR, as Oracle's SQL must spell them.

`a > x OR (a = x AND b > y)` gets the implied range `a >= x` in front, and the OR itself is hidden from the optimiser,
which would otherwise collect and sort everything after x. Nothing here changes what a query means.
"""

from __future__ import annotations

from sqlglot import exp

_LOWER = (exp.GT, exp.GTE)
_UPPER = (exp.LT, exp.LTE)
_Bounds = dict[tuple[str, bool], tuple[exp.Column, list[exp.Expr]]]


def conjuncts(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.And):
        return [*conjuncts(node.this), *conjuncts(node.expression)]
    if isinstance(node, exp.Paren):
        return conjuncts(node.this) if isinstance(node.this, exp.And | exp.Paren | exp.Or) else [node]
    return [node]


def disjuncts(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.Paren):
        return disjuncts(node.this)
    if isinstance(node, exp.Or):
        return [*disjuncts(node.this), *disjuncts(node.expression)]
    return [node]


def sharpen(condition: exp.Expr) -> exp.Expr:
    """The same WHERE condition with implied ranges added and range ORs hidden."""
    parts: list[exp.Expr] = []
    for part in conjuncts(condition):
        if not isinstance(part, exp.Or):
            parts.append(part)
            continue
        for (_, low), (column, values) in _bounds(part).items():
            parts.append((exp.GTE if low else exp.LTE)(this=column.copy(), expression=_extreme(column, values, low)))
        ranged = part.find(*_LOWER, *_UPPER) is not None
        parts.append(
            exp.NEQ(this=exp.Paren(this=part), expression=exp.Literal.number(0)) if ranged else exp.Paren(this=part)
        )
    return exp.and_(*parts, copy=False)


def _bounds(node: exp.Expr) -> _Bounds:
    """Bounds on columns that hold whenever the node is true: (column, is lower bound) -> candidates."""
    branches = disjuncts(node)
    if len(branches) > 1:
        found = [_bounds(branch) for branch in branches]
        shared = set(found[0]).intersection(*found[1:])
        return {key: (found[0][key][0], [value for one in found for value in one[key][1]]) for key in shared}
    bounds: _Bounds = {}
    for part in conjuncts(branches[0]):
        if isinstance(part, exp.Or):
            bounds |= {key: value for key, value in _bounds(part).items() if key not in bounds}
            continue
        column, value = part.this, part.args.get("expression")
        if not isinstance(column, exp.Column) or value is None or value.find(exp.Column, exp.Select):
            continue
        if isinstance(part, (exp.EQ, *_LOWER)):
            bounds[(column.sql(), True)] = (column, [value])
        if isinstance(part, (exp.EQ, *_UPPER)):
            bounds[(column.sql(), False)] = (column, [value])
    return bounds


def _extreme(column: exp.Column, values: list[exp.Expr], low: bool) -> exp.Expr:
    """The weakest of the candidates; texts bound to a number column must not be compared as texts."""
    copies = [value.copy() for value in values]
    if len({value.sql() for value in copies}) == 1:
        return copies[0]
    if column.meta.get("kind") in {"int", "money", "rate"}:
        copies = [exp.Cast(this=value, to=exp.DataType.build("NUMERIC")) for value in copies]
    return exp.Anonymous(this="min" if low else "max", expressions=copies)
