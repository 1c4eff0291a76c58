"""What is kept of a body that somebody sent us: enough to see what came, nothing that must not be kept. Pure.

Values of members that carry personal or payment data are removed by name, free text is searched as everywhere else.
"""

from __future__ import annotations

import json
import re
from typing import Any

from arsync_pipelines.domain.redaction import REMOVED, redact_text

KEPT = 4000
"""Most characters kept of a body."""

_PROTECTED = re.compile(
    r"(?i)card|iban|bank|account_?number|routing|fingerprint|last4|cvc|secret|token|password|e?mail|phone|fax|address"
    r"|street|postal|zip|birth|tax_?id|vat|ip$|^name$|_name$|receipt|client_secret|session"
)
_XML = re.compile(r"<((?:\w+:)?(\w+))([^<>]*)>([^<>]+)</\1>")


def redact_body(raw: bytes) -> str:
    """The body as text without protected values, cut after KEPT characters."""
    text = raw.decode("utf-8", "replace").replace("\x00", "")
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        text = redact_text(_XML.sub(_element, text))
    else:
        text = json.dumps(_without(told, 0), ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= KEPT else f"{text[:KEPT]}... ({len(raw)} bytes)"


def _without(value: Any, depth: int) -> Any:
    if depth > 20:
        return REMOVED
    if isinstance(value, dict):
        return {
            name: REMOVED if _PROTECTED.search(name) and below not in (None, "", [], {}) else _without(below, depth + 1)
            for name, below in value.items()
        }
    if isinstance(value, list):
        return [_without(below, depth + 1) for below in value]
    if isinstance(value, str):
        return redact_text(value[:KEPT])
    return value


def _element(found: re.Match[str]) -> str:
    tag, name, attributes, text = found.groups()
    return f"<{tag}{attributes}>{REMOVED if _PROTECTED.search(name) else text}</{tag}>"
