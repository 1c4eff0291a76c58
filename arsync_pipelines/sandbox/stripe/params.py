"""Request parameters: decoding Stripe's bracketed forms, and checking them against what an operation accepts.

Everything raised here happens before an operation starts, so it is never stored under an idempotency key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl

from .errors import Invalid
from .money import MAX_AMOUNT, SUPPORTED, THREE_DECIMAL

Params = dict[str, Any]
Check = Callable[[str, Any], Any]
_KEY = re.compile(r"\[([^\]]*)\]")


def decode(encoded: str) -> Params:
    """`metadata[a]=1&items[0][price]=p&expand[]=x` -> nested dicts and lists; values stay strings."""
    root: Params = {}
    for key, value in parse_qsl(encoded, keep_blank_values=True):
        head, bracket, rest = key.partition("[")
        parts = [head, *_KEY.findall(bracket + rest)]
        node = root
        for part, following in pairwise(parts):
            child = node.setdefault(part or str(len(node)), {})
            if not isinstance(child, dict):
                raise Invalid(f"Invalid request: '{key}' nests below a value ('{following}').", param=head)
            node = child
        node[parts[-1] or str(len(node))] = value
    return {key: _lists(value) for key, value in root.items()}


def _lists(value: Any) -> Any:
    """Dicts keyed 0, 1, ... become lists."""
    if not isinstance(value, dict):
        return value
    inner = {key: _lists(child) for key, child in value.items()}
    if inner and all(key.isdigit() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner


def text(name: str, value: Any) -> str | None:
    """A string; the empty string clears the field."""
    if not isinstance(value, str):
        raise Invalid(f"Invalid string: {value}", param=name)
    return value or None


def integer(name: str, value: Any) -> int:
    if not isinstance(value, str) or not re.fullmatch(r"-?\d{1,18}", value):
        raise Invalid(f"Invalid integer: {value}", code="parameter_invalid_integer", param=name)
    return int(value)


def boolean(name: str, value: Any) -> bool:
    if value not in ("true", "false"):
        raise Invalid(f"Invalid boolean: {value}", param=name)
    return bool(value == "true")


def amount(name: str, value: Any) -> int:
    number = integer(name, value)
    if number <= 0:
        raise Invalid("This value must be greater than or equal to 1.", code="parameter_invalid_integer", param=name)
    if number > MAX_AMOUNT:
        raise Invalid(f"Amount must be no more than {MAX_AMOUNT}", code="amount_too_large", param=name)
    return number


def currency(name: str, value: Any) -> str:
    code = (text(name, value) or "").lower()
    if code not in SUPPORTED:
        raise Invalid(f"Invalid currency: {value}.", param=name)
    return code


def metadata(name: str, value: Any) -> dict[str, str]:
    """At most 50 keys of 40 characters with values of 500; an empty value removes its key."""
    if value == "":
        return {}
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise Invalid("Invalid metadata: a set of key-value pairs is expected.", param=name)
    if len(value) > 50 or any(len(key) > 40 or len(item) > 500 for key, item in value.items()):
        raise Invalid("Metadata can have up to 50 keys, with keys of 40 and values of 500 characters.", param=name)
    return dict(value)


def mapping(name: str, value: Any) -> dict[str, Any] | None:
    if value == "":
        return None
    if not isinstance(value, dict):
        raise Invalid("Invalid object", param=name)
    return value


def strings(name: str, value: Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in items):
        raise Invalid("Invalid array", param=name)
    return list(items)


def one_of(*allowed: str) -> Check:
    def check(name: str, value: Any) -> str:
        if value not in allowed:
            raise Invalid(f"Invalid {name}: must be one of {', '.join(allowed)}", param=name)
        return str(value)

    return check


def checked(params: Params, accepts: Mapping[str, Check], required: tuple[str, ...] = ()) -> Params:
    """Parameters converted by their checks; an unknown or a missing one is a 400 that names it."""
    result: Params = {}
    for name, value in params.items():
        if name not in accepts:
            raise Invalid(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
        result[name] = accepts[name](name, value)
    for name in required:
        if result.get(name) is None:
            raise Invalid(f"Missing required param: {name}.", code="parameter_missing", param=name)
    return result


def check_precision(value: int, code: str, name: str = "amount") -> None:
    """Three-decimal currencies are charged in tens of their smallest unit."""
    if code in THREE_DECIMAL and value % 10:
        raise Invalid(f"Invalid amount for {code.upper()}: three-decimal amounts must be a multiple of 10.", param=name)
