"""Expressions of SuiteQL lowered onto SQLite, with the kind of every value followed through. Clauses: select.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from ..errors import bad_query
from ..schema import DISPLAY, Kind
from .functions import FUNCTIONS
from .scope import Scope, Value, quoted
from .values import NUMERIC, align, call, common, is_free, money_of, number, plain, text, wall

if TYPE_CHECKING:
    from .select import Lowering

_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
_CURRENT = (exp.CurrentTimestamp, exp.CurrentDate, exp.CurrentDatetime)
_KEPT = (exp.Sum, exp.Min, exp.Max, exp.Abs)


class Expressions:
    """Lowers one expression in a scope; `run` lowers a subquery."""

    def __init__(self, run: Lowering) -> None:
        self._run = run

    def lower(self, node: exp.Expr, scope: Scope) -> Value:
        for kinds, method in _METHODS:
            if isinstance(node, kinds):
                return method(self, node, scope)
        if isinstance(node, exp.Func):
            return self._generic(node, scope)
        raise bad_query(
            f"Search error occurred: Invalid or unsupported search. {type(node).__name__} is not supported."
        )

    def boolean(self, node: exp.Expr, scope: Scope) -> exp.Expr:
        return self.lower(node, scope)[0]

    def _column(self, node: exp.Column, scope: Scope) -> Value:
        if node.name.upper() == "SYSDATE" and not node.table:
            return exp.Placeholder(this="now"), "date"
        if node.args.get("join_mark"):
            raise bad_query("Search error occurred: The (+) operator is not supported here; use LEFT JOIN.")
        column, kind, source = scope.column(node)
        if node.name.lower() in source.required:
            column.meta["required"] = True
        column.meta["kind"] = kind
        return column, kind

    def _literal(self, node: exp.Literal, _scope: Scope) -> Value:
        return node.copy(), "text" if node.is_string else ("int" if node.name.isdigit() else "num")

    def _placeholder(self, node: exp.Placeholder, _scope: Scope) -> Value:
        return self._run.bind(node), "int" if node.name.startswith("n") else "any"

    def _constant(self, node: exp.Expr, _scope: Scope) -> Value:
        return node.copy(), "any"

    def _now(self, _node: exp.Expr, _scope: Scope) -> Value:
        return exp.Placeholder(this="now"), "date"

    def _paren(self, node: exp.Paren, scope: Scope) -> Value:
        inner, kind = self.lower(node.this, scope)
        return exp.Paren(this=inner), kind

    def _logic(self, node: exp.Expr, scope: Scope) -> Value:
        children = {key: self.boolean(node.args[key], scope) for key in ("this", "expression") if node.args.get(key)}
        return type(node)(**children), "int"

    def _compare(self, node: exp.Expr, scope: Scope) -> Value:
        left, right = node.this, node.expression
        if isinstance(left, exp.Tuple) and isinstance(right, exp.Tuple):
            if len(left.expressions) != len(right.expressions):
                raise bad_query("Search error occurred: Row values of different length are compared.")
            pairs = [self._pair(a, b, scope) for a, b in zip(left.expressions, right.expressions, strict=True)]
            tuples = (exp.Tuple(expressions=list(side)) for side in zip(*pairs, strict=True))
            return type(node)(this=next(tuples), expression=next(tuples)), "int"
        a, b = self._pair(left, right, scope)
        return type(node)(this=a, expression=b), "int"

    def _pair(self, left: exp.Expr, right: exp.Expr, scope: Scope) -> tuple[exp.Expr, exp.Expr]:
        return align(self.lower(left, scope), self.lower(right, scope))

    def _between(self, node: exp.Between, scope: Scope) -> Value:
        low, high = (
            exp.GTE(this=node.this, expression=node.args["low"]),
            exp.LTE(this=node.this, expression=node.args["high"]),
        )
        return exp.Paren(this=exp.and_(self.boolean(low, scope), self.boolean(high, scope), copy=False)), "int"

    def _in(self, node: exp.In, scope: Scope) -> Value:
        query = node.args.get("query")
        if query is not None:
            inner, _ = self._run.query(query.this if isinstance(query, exp.Subquery) else query, scope)
            tested = [plain(self.lower(item, scope)) for item in _items(node.this)]
            this = tested[0] if len(tested) == 1 else exp.Tuple(expressions=tested)
            return exp.In(this=this, query=exp.Subquery(this=inner)), "int"
        if isinstance(node.this, exp.Tuple):
            same = [exp.EQ(this=node.this, expression=item) for item in node.expressions]
            return exp.Paren(this=exp.or_(*(self.boolean(e, scope) for e in same), copy=False)), "int"
        value = self.lower(node.this, scope)
        pairs = [align(value, self.lower(item, scope)) for item in node.expressions]
        return exp.In(this=pairs[0][0], expressions=[right for _, right in pairs]), "int"

    def _is(self, node: exp.Is, scope: Scope) -> Value:
        return exp.Is(this=self.lower(node.this, scope)[0], expression=node.expression.copy()), "int"

    def _like(self, node: exp.Like, scope: Scope) -> Value:
        return exp.Like(
            this=text(self.lower(node.this, scope)), expression=text(self.lower(node.expression, scope))
        ), "int"

    def _exists(self, node: exp.Exists, scope: Scope) -> Value:
        inner, _ = self._run.query(node.this, scope)
        return exp.Exists(this=inner), "int"

    def _subquery(self, node: exp.Subquery, scope: Scope) -> Value:
        inner, columns = self._run.query(node.this, scope)
        return exp.Subquery(this=inner), next(iter(columns.values()))

    def _add(self, node: exp.Add | exp.Sub, scope: Scope) -> Value:
        left, right = self.lower(node.this, scope), self.lower(node.expression, scope)
        kinds = (left[1], right[1])
        if "date" in kinds or "ts" in kinds:
            return self._date_arithmetic(node, left, right)
        if "money" in kinds:
            a, b = money_of(left), money_of(right)
            if a is not None and b is not None:
                return type(node)(this=a, expression=b), "money"
        kind: Kind = "int" if kinds == ("int", "int") else "num"
        return type(node)(this=plain(left), expression=plain(right)), kind

    def _date_arithmetic(self, node: exp.Add | exp.Sub, left: Value, right: Value) -> Value:
        """Oracle counts in days: date ± number, date - date."""
        if {left[1], right[1]} <= {"date", "ts"}:
            seconds = exp.Paren(this=exp.Sub(this=wall(left), expression=wall(right)))
            return exp.Paren(this=exp.Div(this=seconds, expression=number(86400.0))), "num"
        date, days = (left, right) if left[1] in {"date", "ts"} else (right, left)
        if isinstance(days[0], exp.Interval):
            raise bad_query("Search error occurred: Invalid or unsupported search. INTERVAL is not supported.")
        shift = exp.Mul(this=exp.Paren(this=plain(days)), expression=number(86400))
        shifted = type(node)(this=wall(date), expression=shift)
        return exp.Cast(this=shifted, to=exp.DataType.build("INTEGER")), "date"

    def _multiply(self, node: exp.Mul | exp.Div | exp.Mod, scope: Scope) -> Value:
        sides = (node.this, node.expression)
        left, right = [plain(self.lower(side, scope)) for side in sides]
        if isinstance(node, exp.Div):
            left = exp.Mul(this=number(1.0), expression=exp.Paren(this=left))
        return exp.Paren(this=type(node)(this=left, expression=right)), "num"

    def _negate(self, node: exp.Neg, scope: Scope) -> Value:
        inner, kind = self.lower(node.this, scope)
        return exp.Neg(this=inner), kind

    def _concat(self, node: exp.DPipe, scope: Scope) -> Value:
        """Null is the empty text in Oracle."""
        sides = (self.lower(node.this, scope), self.lower(node.expression, scope))
        parts = [exp.Coalesce(this=text(side), expressions=[exp.Literal.string("")]) for side in sides]
        return exp.Paren(this=exp.DPipe(this=parts[0], expression=parts[1])), "text"

    def _kept(self, node: exp.Expr, scope: Scope) -> Value:
        """SUM, MIN, MAX, ABS: money stays money, and is summed in whole hundredths."""
        distinct = isinstance(node.this, exp.Distinct)
        inner, kind = self.lower(node.this.expressions[0] if distinct else node.this, scope)
        if isinstance(node, exp.Sum) and kind not in NUMERIC:
            inner, kind = exp.Cast(this=plain((inner, kind)), to=exp.DataType.build("REAL")), "num"
        return type(node)(this=exp.Distinct(expressions=[inner]) if distinct else inner), kind

    def _count(self, node: exp.Count, scope: Scope) -> Value:
        if isinstance(node.this, exp.Star):
            return exp.Count(this=exp.Star()), "int"
        distinct = isinstance(node.this, exp.Distinct)
        items = node.this.expressions if distinct else [node.this]
        values = [self.lower(item, scope)[0] for item in items]
        return exp.Count(this=exp.Distinct(expressions=values) if distinct else values[0]), "int"

    def _coalesce(self, node: exp.Coalesce, scope: Scope) -> Value:
        kind, values = self.unify([node.this, *node.expressions], scope)
        return exp.Coalesce(this=values[0], expressions=values[1:]), kind

    def _case(self, node: exp.Case, scope: Scope) -> Value:
        results = [branch.args["true"] for branch in node.args["ifs"]]
        default = node.args.get("default")
        kind, values = self.unify([*results, *([default] if default is not None else [])], scope)
        ifs = []
        for branch, value in zip(node.args["ifs"], values, strict=False):
            test = exp.EQ(this=node.this, expression=branch.this) if node.this is not None else branch.this
            ifs.append(exp.If(this=self.boolean(test, scope), true=value))
        return exp.Case(ifs=ifs, default=values[-1] if default is not None else None), kind

    def _decode(self, node: exp.DecodeCase, scope: Scope) -> Value:
        """DECODE(x, a, 1, b, 2, default); unlike CASE it finds null equal to null."""
        subject, *rest = node.expressions
        pairs, default = rest[: len(rest) // 2 * 2], rest[-1] if len(rest) % 2 else exp.null()
        ifs = []
        for key, result in zip(pairs[::2], pairs[1::2], strict=True):
            same = (
                exp.Is(this=subject, expression=key)
                if isinstance(key, exp.Null)
                else exp.EQ(this=subject, expression=key)
            )
            ifs.append(exp.If(this=same, true=result))
        return self._case(exp.Case(ifs=ifs, default=default), scope)

    def _nvl2(self, node: exp.Nvl2, scope: Scope) -> Value:
        test = exp.Not(this=exp.Is(this=node.this, expression=exp.null()))
        return self._case(exp.Case(ifs=[exp.If(this=test, true=node.args["true"])], default=node.args["false"]), scope)

    def unify(self, nodes: list[exp.Expr], scope: Scope) -> tuple[Kind, list[exp.Expr]]:
        """Values that stand for one another, all in one representation."""
        values = [self.lower(node, scope) for node in nodes]
        kinds = [kind for node, kind in values if not isinstance(node, exp.Null)]
        if "money" in kinds:
            exact = [money_of(value) for value in values]
            if all(item is not None for item in exact):
                return "money", [item for item in exact if item is not None]
        fixed = [kind for (node, kind) in values if not is_free(node)]
        kind = common(kinds if len(set(kinds)) == 1 else (fixed or kinds))
        if kind in {"date", "ts"}:
            return "date", [node if isinstance(node, exp.Null) else wall((node, k)) for node, k in values]
        return ("num" if kind == "money" else kind), [plain(value) for value in values]

    def _cast(self, node: exp.Cast, scope: Scope) -> Value:
        value = self.lower(node.this, scope)
        target = node.args["to"].this
        if target in exp.DataType.TEXT_TYPES:
            return text(value), "text"
        whole = target in exp.DataType.INTEGER_TYPES
        to = exp.DataType.build("INTEGER" if whole else "REAL")
        return exp.Cast(this=plain(value), to=to), "int" if whole else "num"

    def _builtin(self, node: exp.Dot, scope: Scope) -> Value:
        function = node.expression
        if (
            node.this.name.upper() != "BUILTIN"
            or not isinstance(function, exp.Anonymous)
            or len(function.expressions) != 1
        ):
            raise bad_query(f"Search error occurred: Unknown identifier '{node.sql()}'.")
        argument = function.expressions[0]
        if function.name.upper() != "DF" or not isinstance(argument, exp.Column):
            raise bad_query(f"Search error occurred: BUILTIN.{function.name} is not supported here.")
        return self._display(argument, scope)

    def _display(self, argument: exp.Column, scope: Scope) -> Value:
        column, kind, source = scope.column(argument)
        table, name = source.table, column.name
        if table == "transaction" and name in {"status", "type"}:
            sibling = exp.Column(this=quoted("type"), table=column.args["table"].copy())
            return (call("ns_status", sibling, column) if name == "status" else call("ns_type", sibling)), "text"
        reference = DISPLAY.get((table, name))
        if reference is None:
            return text((column, kind)), "text"
        shown = exp.Select(
            expressions=[exp.Column(this=quoted(reference[1]), table=quoted("_df"))],
            from_=exp.From(this=exp.Table(this=quoted(reference[0]), alias=exp.TableAlias(this=quoted("_df")))),
            where=exp.Where(this=exp.EQ(this=exp.Column(this=quoted("id"), table=quoted("_df")), expression=column)),
        )
        return exp.Subquery(this=shown), "text"

    def _anonymous(self, node: exp.Anonymous, scope: Scope) -> Value:
        function = FUNCTIONS.get(node.name.upper().removeprefix("NS_"))
        if function is None:
            raise bad_query(f"Search error occurred: Unknown function '{node.name}'.")
        values = [self.lower(item, scope) for item in node.expressions]
        return function(values)

    def _generic(self, node: exp.Func, scope: Scope) -> Value:
        """Functions that both databases have: children are lowered, SQLite refuses what it does not know."""

        def convert(child: object) -> object:
            if isinstance(child, exp.Expr):
                return plain(self.lower(child, scope)) if not isinstance(child, exp.Var) else child.copy()
            if isinstance(child, list):
                return [convert(item) for item in child]
            return child

        kind: Kind = (
            "text" if isinstance(node, exp.Upper | exp.Lower | exp.Trim | exp.Substring | exp.Replace) else "any"
        )
        return type(node)(**{key: convert(child) for key, child in node.args.items()}), kind


def _items(node: exp.Expr) -> list[exp.Expr]:
    return list(node.expressions) if isinstance(node, exp.Tuple) else [node]


_Method = Callable[[Expressions, Any, Scope], Value]
_METHODS: list[tuple[type[exp.Expr] | tuple[type[exp.Expr], ...], _Method]] = [
    (exp.Column, Expressions._column),
    (exp.Literal, Expressions._literal),
    (exp.Placeholder, Expressions._placeholder),
    ((exp.Null, exp.Boolean), Expressions._constant),
    (_CURRENT, Expressions._now),
    (exp.Paren, Expressions._paren),
    ((exp.And, exp.Or, exp.Not), Expressions._logic),
    (_COMPARISONS, Expressions._compare),
    (exp.Between, Expressions._between),
    (exp.In, Expressions._in),
    (exp.Is, Expressions._is),
    (exp.Like, Expressions._like),
    (exp.Exists, Expressions._exists),
    (exp.Subquery, Expressions._subquery),
    ((exp.Add, exp.Sub), Expressions._add),
    ((exp.Mul, exp.Div, exp.Mod), Expressions._multiply),
    (exp.Neg, Expressions._negate),
    (exp.DPipe, Expressions._concat),
    (_KEPT, Expressions._kept),
    (exp.Count, Expressions._count),
    (exp.Coalesce, Expressions._coalesce),
    (exp.Case, Expressions._case),
    (exp.DecodeCase, Expressions._decode),
    (exp.Nvl2, Expressions._nvl2),
    (exp.Cast, Expressions._cast),
    (exp.Dot, Expressions._builtin),
    (exp.Anonymous, Expressions._anonymous),
]
