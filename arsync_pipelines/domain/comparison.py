"""When two values of a synchronised record say the same thing: one rule for planning, read-back and reports."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

VOLATILE = frozenset({"as_of_date"})
"""Sent along with a change, but no reason to send one: they move by themselves with time."""


def canonical(value: Any) -> Any:
    """Blank and None are one; numbers and numeric strings compare by value; anything else by its text."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return value
    text = str(value)
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    # identifiers such as 00123 are text: only what prints as a plain number is one
    plain = text.lstrip("-")
    if not number.is_finite() or (plain.startswith("0") and not plain.startswith("0.") and plain != "0"):
        return text
    return number


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal for a person who reads them."""
    a, b = canonical(left), canonical(right)
    return type(a) is type(b) and bool(a == b)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Field -> (before, after) for every field of `after` that really differs."""
    return {
        name: (before.get(name), value)
        for name, value in after.items()
        if name not in VOLATILE and not same(before.get(name), value)
    }


def holds(observed: Mapping[str, Any] | None, payload: Mapping[str, Any]) -> bool:
    """Whether what was read back carries the whole payload."""
    if observed is None:
        return False
    return all(same(observed.get(name), value) for name, value in payload.items())
