"""Functions that Oracle has and SQLite has not, or has differently. The store registers what starts with `ns_`."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from ..errors import bad_query
from .scope import Value
from .values import call, is_free, plain, text, wall


def _to_char(values: list[Value]) -> Value:
    if len(values) == 1:
        return text(values[0]), "text"
    value, model = values
    if value[1] not in {"date", "ts"}:
        return text(value), "text"  # number models (FM999.00) are not simulated
    shown = call("ns_char", wall(value), model[0])
    # lets ORDER BY on the text use the index of what it was made from: this model sorts as time does
    if isinstance(model[0], exp.Literal) and model[0].name.upper() == "YYYY-MM-DD HH24:MI:SS":
        shown.meta["sorts_as"] = value[0]
    return shown, "text"


def _to_date(values: list[Value]) -> Value:
    if values[0][1] in {"date", "ts"}:
        return wall(values[0]), "date"
    if len(values) == 1:
        return call("ns_read", values[0][0]), "date"
    return call("ns_parse", values[0][0], values[1][0]), "date"


def _utc(values: list[Value]) -> Value:
    node, kind = values[0]
    if kind == "ts":
        return node, "date"  # the UTC wall time of an instant is the instant's own count
    return call("ns_instant", wall(values[0])), "date"


def _trunc(values: list[Value]) -> Value:
    if values[0][1] in {"date", "ts"}:
        unit = values[1][0] if len(values) > 1 else exp.Literal.string("DD")
        return call("ns_trunc", wall(values[0]), unit), "date"
    if len(values) > 1:
        raise bad_query("Search error occurred: TRUNC of a number with digits is not supported here.")
    return exp.Cast(this=plain(values[0]), to=exp.DataType.build("INTEGER")), "int"


def _to_number(values: list[Value]) -> Value:
    return exp.Cast(this=plain(values[0]), to=exp.DataType.build("NUMERIC")), "num"


def _add_months(values: list[Value]) -> Value:
    return call("ns_add_months", wall(values[0]), plain(values[1])), "date"


def _last_day(values: list[Value]) -> Value:
    return call("ns_last_day", wall(values[0])), "date"


def _sysdate(_values: list[Value]) -> Value:
    return exp.Placeholder(this="now"), "date"


def _arity(
    name: str, function: Callable[[list[Value]], Value], least: int, most: int
) -> Callable[[list[Value]], Value]:
    def check(values: list[Value]) -> Value:
        if not least <= len(values) <= most:
            raise bad_query(f"Search error occurred: Invalid number of parameters for function '{name}'.")
        if name == "SYS_EXTRACT_UTC" and is_free(values[0][0]):
            raise bad_query("Search error occurred: SYS_EXTRACT_UTC needs a timestamp.")
        return function(values)

    return check


FUNCTIONS: dict[str, Callable[[list[Value]], Value]] = {
    name: _arity(name, function, least, most)
    for name, function, least, most in (
        ("TO_CHAR", _to_char, 1, 2),
        ("TO_DATE", _to_date, 1, 2),
        ("TO_TIMESTAMP", _to_date, 1, 2),
        ("TO_NUMBER", _to_number, 1, 2),
        ("SYS_EXTRACT_UTC", _utc, 1, 1),
        ("TRUNC", _trunc, 1, 2),
        ("ADD_MONTHS", _add_months, 2, 2),
        ("LAST_DAY", _last_day, 1, 1),
        ("SYSDATE", _sysdate, 0, 0),
        ("CURRENT_DATE", _sysdate, 0, 0),
    )
}
