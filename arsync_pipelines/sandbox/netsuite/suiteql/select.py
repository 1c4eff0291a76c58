"""Clauses of a query lowered onto SQLite: FROM, SELECT list, WHERE, GROUP BY, ORDER BY, set operations, CTEs."""

from __future__ import annotations

import re

from sqlglot import exp

from ...core.drift import Columns
from ..errors import bad_query
from ..schema import Kind
from .expressions import Expressions
from .keyset import conjuncts, sharpen
from .scope import Scope, Source, column, quoted, table_source
from .values import common, plain

_CURSOR_COLUMNS = ("lastmodifieddate", "deleteddate")
_CTES = ("with_", "with")


class Lowering:
    """One pass over one statement, with the columns as `drift` left them."""

    def __init__(self, drift: Columns, ignore_filter: bool) -> None:
        self._drift = drift
        self._ignore_filter = ignore_filter
        self._expressions = Expressions(self)

    @staticmethod
    def bind(node: exp.Placeholder) -> exp.Placeholder:
        return exp.Placeholder(this=node.name)

    def query(self, tree: exp.Expr, parent: Scope | None) -> tuple[exp.Expr, dict[str, Kind]]:
        """The lowered query and its columns in order: label -> kind."""
        scope = Scope(parent)
        with_ = next((tree.args[key] for key in _CTES if tree.args.get(key)), None)
        ctes = [self._cte(cte, scope) for cte in with_.expressions] if with_ is not None else []
        lowered, columns = self._body(tree, scope)
        if ctes:
            lowered.set("with_", exp.With(expressions=ctes))
        return lowered, columns

    def _cte(self, cte: exp.CTE, scope: Scope) -> exp.CTE:
        lowered, columns = self.query(cte.this, scope)
        name = cte.alias.lower()
        scope.ctes[name] = columns
        return exp.CTE(this=lowered, alias=exp.TableAlias(this=quoted(name)))

    def _body(self, tree: exp.Expr, scope: Scope) -> tuple[exp.Expr, dict[str, Kind]]:
        if isinstance(tree, exp.Subquery):
            return self.query(tree.this, scope)
        if isinstance(tree, exp.SetOperation):
            left, columns = self.query(tree.this, scope)
            right, others = self.query(tree.expression, scope)
            if len(columns) != len(others):
                raise bad_query("Search error occurred: Set operations need the same number of columns on both sides.")
            merged: dict[str, Kind] = {}
            for place, ((label, kind), other) in enumerate(zip(columns.items(), others.values(), strict=True)):
                merged[label] = kind if kind == other else common([kind, other])
                if kind != other:
                    _make_plain(left, place, kind)
                    _make_plain(right, place, other)
            united = type(tree)(this=left, expression=right, distinct=tree.args.get("distinct"))
            united.set("order", self._order(tree, Scope(scope, {"": Source("", merged)}), {}))
            return united, merged
        if not isinstance(tree, exp.Select):
            raise bad_query(f"Search error occurred: Invalid or unsupported search. {type(tree).__name__} in a query.")
        return self._select(tree, scope)

    def _select(self, tree: exp.Select, scope: Scope) -> tuple[exp.Select, dict[str, Kind]]:
        lowered = exp.Select()
        from_ = tree.args.get("from_") or tree.args.get("from")
        if from_ is not None and from_.this.name.lower() != "dual":
            lowered.set("from_", exp.From(this=self._source(from_.this, scope)))
            pending = [(join, self._source(join.this, scope)) for join in tree.args.get("joins") or []]
            lowered.set("joins", [self._join(join, source, scope) for join, source in pending])
        columns, outputs = self._outputs(tree, scope)
        lowered.set("expressions", outputs)
        if tree.args.get("distinct"):
            lowered.set("distinct", exp.Distinct())
        where, limit = self._where(tree, scope)
        if where is not None:
            lowered.set("where", exp.Where(this=where))
        if group := tree.args.get("group"):
            keys = [self._expressions.lower(key, scope)[0] for key in group.expressions]
            lowered.set("group", exp.Group(expressions=keys))
        if having := tree.args.get("having"):
            lowered.set("having", exp.Having(this=self._expressions.boolean(having.this, scope)))
        aliases = {item.alias: item.this for item in outputs if isinstance(item, exp.Alias)}
        lowered.set("order", self._order(tree, scope, aliases))
        if (rows := self._rows(tree, limit)) is not None:
            lowered.set("limit", exp.Limit(expression=exp.Literal.number(rows)))
        return lowered, columns

    def _source(self, node: exp.Expr, scope: Scope) -> exp.Expr:
        if isinstance(node, exp.Subquery):
            alias = node.alias.lower() or f"_q{len(scope.sources)}"
            lowered, columns = self.query(node.this, scope.parent)
            scope.add(alias, Source("", columns))
            return exp.Subquery(this=lowered, alias=exp.TableAlias(this=quoted(alias)))
        if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
            raise bad_query("Search error occurred: Invalid or unsupported search. FROM takes tables and subqueries.")
        name = node.name.lower()
        alias = node.alias.lower() or name
        derived = scope.find_cte(name)
        scope.add(alias, Source("", derived) if derived is not None else table_source(name, self._drift))
        return exp.Table(this=quoted(name), alias=exp.TableAlias(this=quoted(alias)))

    def _join(self, join: exp.Join, source: exp.Expr, scope: Scope) -> exp.Join:
        if join.args.get("using"):
            raise bad_query("Search error occurred: Invalid or unsupported search. USING is not supported; use ON.")
        on = join.args.get("on")
        side = join.args.get("side")
        if side and str(side).upper() != "LEFT":
            raise bad_query(f"Search error occurred: Invalid or unsupported search. {side} JOIN is not supported.")
        kept = {key: value for key, value in join.args.items() if key in ("side", "kind")}
        return exp.Join(this=source, on=self._expressions.boolean(on, scope) if on is not None else None, **kept)

    def _outputs(self, tree: exp.Select, scope: Scope) -> tuple[dict[str, Kind], list[exp.Expr]]:
        columns: dict[str, Kind] = {}
        outputs: list[exp.Expr] = []
        for position, item in enumerate(tree.expressions, start=1):
            star = isinstance(item, exp.Star) or (isinstance(item, exp.Column) and isinstance(item.this, exp.Star))
            if star:
                for alias, source in scope.sources.items():
                    if getattr(item, "table", "").lower() not in ("", alias):
                        continue
                    for name, kind in source.columns.items():
                        if name not in columns:
                            columns[name] = kind
                            outputs.append(exp.Alias(this=column(alias, source.stored(name)), alias=quoted(name)))
                continue
            node, kind = self._expressions.lower(item.this if isinstance(item, exp.Alias) else item, scope)
            named = item.alias if isinstance(item, exp.Alias) else (item.name if isinstance(item, exp.Column) else "")
            label = named.lower() or f"expr{position}"
            if label in columns:
                label = f"{label}_{position}"
            columns[label] = kind
            outputs.append(exp.Alias(this=node, alias=quoted(label)))
        return columns, outputs

    def _where(self, tree: exp.Select, scope: Scope) -> tuple[exp.Expr | None, int | None]:
        """The condition without ROWNUM, and the row limit that ROWNUM meant."""
        where = tree.args.get("where")
        if where is None:
            return None, None
        kept: list[exp.Expr] = []
        limit: int | None = None
        for part in conjuncts(where.this):
            rows = _rownum(part)
            if rows is not None:
                limit = rows
            elif not (self._ignore_filter and _mentions_cursor(part)):
                kept.append(part)
        if not kept:
            return None, limit
        parts = [self._expressions.boolean(part, scope) for part in kept]
        wrapped = [exp.Paren(this=part) if isinstance(part, exp.Or) else part for part in parts]
        return sharpen(exp.and_(*wrapped, copy=False)), limit

    def _order(self, tree: exp.Expr, scope: Scope, aliases: dict[str, exp.Expr]) -> exp.Order | None:
        order = tree.args.get("order")
        if order is None:
            return None
        terms = []
        for term in order.expressions:
            node = term.this
            if isinstance(node, exp.Column) and not node.table and node.name.lower() in aliases:
                target = aliases[node.name.lower()]
                key = target if isinstance(target, exp.Column) else target.meta.get("sorts_as")
                key = key if key is not None else quoted(node.name.lower())
            else:
                key = node.copy() if isinstance(node, exp.Literal) else self._expressions.lower(node, scope)[0]
            key = key.copy()
            descending = bool(term.args.get("desc"))
            # SQLite sorts nulls low; saying so for columns without nulls keeps their index usable
            nulls_first = not descending if key.meta.get("required") else bool(term.args.get("nulls_first"))
            terms.append(exp.Ordered(this=key, desc=descending, nulls_first=nulls_first))
        return exp.Order(expressions=terms)

    @staticmethod
    def _rows(tree: exp.Select, rownum: int | None) -> int | None:
        limit = tree.args.get("limit")
        if limit is None:
            return rownum
        count = limit.args.get("count") or limit.args.get("expression")
        if not isinstance(count, exp.Literal) or not count.name.isdigit():
            raise bad_query("Search error occurred: Invalid or unsupported search. A row limit must be a whole number.")
        return min(int(count.name), rownum) if rownum is not None else int(count.name)


def _make_plain(query: exp.Expr, place: int, kind: Kind) -> None:
    """Brings one column of a lowered query into plain representation, where two kinds meet in a set operation."""
    if isinstance(query, exp.SetOperation):
        _make_plain(query.this, place, kind)
        _make_plain(query.expression, place, kind)
    elif isinstance(query, exp.Select):
        item = query.expressions[place]
        item.set("this", plain((item.this, kind)))


def _rownum(part: exp.Expr) -> int | None:
    """The rows that `ROWNUM <= n`, `ROWNUM < n` or `ROWNUM = 1` allow; None for other conditions."""
    left, right = part.this, part.args.get("expression")
    pseudo = isinstance(left, exp.Pseudocolumn | exp.Column) and left.name.upper() == "ROWNUM"
    if not pseudo or right is None:
        return None
    match = re.fullmatch(r"\d+", right.name)
    if match is None or not isinstance(part, exp.LT | exp.LTE | exp.EQ):
        raise bad_query(
            "Search error occurred: Invalid or unsupported search. ROWNUM is compared with <= and a number."
        )
    return int(right.name) - (1 if isinstance(part, exp.LT) else 0)


def _mentions_cursor(part: exp.Expr) -> bool:
    return any(node.name.lower() in _CURSOR_COLUMNS for node in part.find_all(exp.Column))
