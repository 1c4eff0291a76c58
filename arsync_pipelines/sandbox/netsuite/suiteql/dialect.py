"""Parsing: Oracle's dialect as SuiteQL uses it, with the date functions left as they were written."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from ..errors import bad_query

# sqlglot would rewrite their format models to Python's; under a name it does not know they reach the store unchanged
_OWN = re.compile(r"\b(TO_CHAR|TO_DATE|TO_TIMESTAMP|TO_NUMBER|TRUNC|ADD_MONTHS|LAST_DAY)(?=\s*\()", re.IGNORECASE)
_QUOTED = re.compile(r"('(?:[^']|'')*')")
_COMPARED_INTEGER = re.compile(r"(ROWNUM\s*)?([<>=]+\s*)(\d+)(?=\s|\)|$)", re.IGNORECASE)


def parse(text: str) -> exp.Query:
    """The syntax tree of one query. Raises the vendor's 400 for anything else."""
    try:
        statements = sqlglot.parse(text, read="oracle")
    except (ParseError, TokenError) as error:
        raise bad_query(f"Search error occurred: Invalid or unsupported search. {_first_line(error)}") from error
    tree = statements[0] if len(statements) == 1 else None
    if not isinstance(tree, exp.Query):
        raise bad_query("Search error occurred: Invalid or unsupported search. Only a single SELECT can be run.")
    upper = _QUOTED.sub("''", text).upper()
    if tree.find(exp.Limit) and not re.search(r"\bTOP\b", upper):
        raise bad_query("Search error occurred: Invalid or unsupported search. LIMIT is not SuiteQL; use FETCH FIRST.")
    return tree


@dataclass(frozen=True)
class Text:
    """A query whose binds have names: `?` became `:b1`, `:b2`, ... and integers after a comparison `:n1`, ...

    Pages of one keyset then share one text, and one parsed statement, even when ids are spelled out.
    """

    sql: str
    binds: int
    integers: tuple[int, ...]


def normalise(text: str) -> Text:
    integers: list[int] = []
    binds = itertools.count(1)

    def lift(match: re.Match[str]) -> str:
        if match[1]:
            return match[0]  # a row limit belongs to the statement
        integers.append(int(match[3]))
        return f"{match[2]}:n{len(integers)}"

    pieces = _QUOTED.split(text)
    pieces[::2] = [
        re.sub(r"\?", lambda _: f":b{next(binds)}", _COMPARED_INTEGER.sub(lift, _OWN.sub(r"NS_\1", p)))
        for p in pieces[::2]
    ]
    return Text("".join(pieces), next(binds) - 1, tuple(integers))


def _first_line(error: Exception) -> str:
    return re.sub(r"\x1b\[\d+m", "", str(error).splitlines()[0])
