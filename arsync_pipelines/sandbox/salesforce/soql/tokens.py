"""SOQL text to tokens, and the failures that point into the text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from arsync_pipelines.sandbox.salesforce.errors import SalesforceError

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d))
    | (?P<date>\d{4}-\d\d-\d\d(?![\dT]))
    | (?P<number>[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?(?![\w]))
    | (?P<token>[A-Za-z_]+:\d+)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
    | (?P<op><=|>=|!=|<>|[=<>(),])
    )""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "'": "'", '"': '"', "\\": "\\"}


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is a group name of the pattern above, or "end"."""

    kind: str
    text: str
    position: int


def malformed(message: str) -> SalesforceError:
    """400 MALFORMED_QUERY."""
    return SalesforceError(400, "MALFORMED_QUERY", message)


def located(text: str, position: int, code: str, message: str) -> SalesforceError:
    """A failure with the place marked the way the query service does."""
    line = text[:position].count("\n") + 1
    column = position - (text.rfind("\n", 0, position) + 1) + 1
    around = text[max(0, position - 40) : position + 40].replace("\n", " ")
    caret = " " * min(position, 40) + "^"
    return SalesforceError(400, code, f"\n{around}\n{caret}\nERROR at Row:{line}:Column:{column}\n{message}")


def tokenize(text: str) -> list[Token]:
    """All tokens and an "end". Raises MALFORMED_QUERY at the first character that starts none."""
    tokens: list[Token] = []
    place = 0
    end = len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if not found or found.lastgroup is None:
            rest = text[place:].lstrip()
            if rest.startswith("'"):
                raise malformed("unexpected end of file: string literal is not closed")
            raise malformed(f"unexpected token: '{rest.split()[0]}'")
        tokens.append(Token(found.lastgroup, found.group(found.lastgroup), found.start(found.lastgroup)))
        place = found.end()
    tokens.append(Token("end", "<EOF>", end))
    return tokens


def unquote(text: str, *, like: bool = False) -> str:
    r"""The value of a string literal. For LIKE, `\%` and `\_` stay escaped."""
    out: list[str] = []
    characters = iter(text[1:-1])
    for character in characters:
        if character != "\\":
            out.append(character)
            continue
        escaped = next(characters)
        if like and escaped in "%_\\":
            out.append("\\" + escaped)
        elif escaped in _ESCAPES:
            out.append(_ESCAPES[escaped])
        elif escaped in "%_":
            out.append(escaped)
        else:
            raise malformed(f"Illegal string literal: invalid escape sequence \\{escaped}")
    return "".join(out)
