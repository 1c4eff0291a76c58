"""What never enters the operational store's messages, an audit row or a log line: secrets, card numbers, IBANs. Pure.

Free text - what a vendor answered, what a person wrote - is searched for what looks like such data.
"""

from __future__ import annotations

import re

REMOVED = "[removed]"

_TEXTS = (
    re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=!-]{8,}"),
    re.compile(r"\b(sk|rk|pk|whsec)_(live|test)?_?\w{8,}"),
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"),
    re.compile(r"(?i)\b(password|passwd|secret|token|api[_-]?key|session[ _-]?id)\b(\s*[=:]\s*|\s+is\s+)\S+"),
    re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),
)
_SUSPECT = re.compile(
    r"\d[ -]?\d[ -]?\d[\d -]{9}|[A-Z]{2}\d\d|://|_live|_test|(?i:bearer|basic|sk_|rk_|pk_|whsec|eyj|pass|secret|token|key|session)"
)
_DIGITS = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w.-])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b")


def redact_text(text: str) -> str:
    """Free text without what looks like a secret, a card number or an IBAN."""
    if len(text) < 8 or not _SUSPECT.search(text):
        return text
    for pattern in _TEXTS:
        text = pattern.sub(REMOVED, text)
    text = _DIGITS.sub(lambda found: REMOVED if _is_card(found.group()) else found.group(), text)
    return _IBAN.sub(lambda found: REMOVED if _is_iban(found.group()) else found.group(), text)


def _is_card(text: str) -> bool:
    """Luhn's check digit, as ISO/IEC 7812 has it."""
    digits = [int(c) for c in text if c.isdigit()]
    doubled = [sum(divmod(2 * d, 10)) for d in digits[-2::-2]]
    return len(set(digits)) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_iban(text: str) -> bool:
    """Check digits by modulus 97, as ISO 13616 has them."""
    plain = text.replace(" ", "")
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1
