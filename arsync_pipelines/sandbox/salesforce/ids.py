"""Record ids: 15 case-sensitive characters, or 18 with a suffix that survives case folding.

The suffix holds, per group of five characters, one letter for the pattern of capitals in it. Which object an id
belongs to is told by its first three characters (the key prefix), which the catalog knows.
"""

from __future__ import annotations

import re
from functools import lru_cache

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")

WORLD = "Wd0"  # records that the world made
API = "gK0"  # records that API clients made


@lru_cache(maxsize=65536)
def suffix(fifteen: str) -> str:
    """The three check characters of a 15-character id."""
    out = ""
    for start in (0, 5, 10):
        bits = 0
        for place, character in enumerate(fifteen[start : start + 5]):
            if "A" <= character <= "Z":
                bits |= 1 << place
        out += _SUFFIX[bits]
    return out


def make(prefix: str, number: int, realm: str = API) -> str:
    """The 18-character id of the `number`-th record of an object; ordered by number within a realm."""
    digits = ""
    while number:
        number, rest = divmod(number, 62)
        digits = _ALPHABET[rest] + digits
    fifteen = prefix + realm + digits.rjust(9, "0")
    return fifteen + suffix(fifteen)


def normalize(text: object) -> str | None:
    """The 18-character form of an id given with 15 or 18 characters; None when it is no id at all."""
    if not isinstance(text, str) or not _SHAPE.fullmatch(text):
        return None
    fifteen = text[:15]
    check = suffix(fifteen)
    if len(text) == 18 and text[15:].upper() != check:
        return None
    return fifteen + check
