"""NetSuite's failures: the policy table, how an error body is read, and which column a refused query was about."""

from __future__ import annotations

import re

import httpx

from arsync_pipelines.connectors.http import FailurePolicy, Rule, VendorError
from arsync_pipelines.connectors.http.policy import decode_or_none
from arsync_pipelines.domain.push import FailureClass

_ENABLE = "check realm, token and the role's permissions 'Log in using Access Tokens' and 'REST Web Services'"

RULES: tuple[Rule, ...] = (
    # concurrency, not rate: no Retry-After, growing delays drawn apart from each other
    Rule("retry", FailureClass.TRANSIENT, (429,), advice="lower `concurrency`, or raise the account's limit"),
    Rule("retry", FailureClass.TRANSIENT, (400,), words="concurrent request limit exceeded"),
    Rule("refresh", FailureClass.PERMANENT, (401,), advice=_ENABLE),
    Rule("stop", FailureClass.PERMANENT, (403,), advice="give the role the permission named, then run `arsync doctor`"),
)


def read_error(response: httpx.Response) -> VendorError:
    """Status, code and detail of `o:errorDetails`; the title alone often misleads ('Bad Request' on a 429)."""
    body = decode_or_none(response)
    if not isinstance(body, dict):
        return VendorError(response.status_code, "", response.text[:200], body)
    details = body.get("o:errorDetails")
    first = details[0] if isinstance(details, list) and details and isinstance(details[0], dict) else {}
    code = first.get("o:errorCode") or body.get("o:errorCode") or ""
    message = first.get("detail") or body.get("title") or ""
    return VendorError(response.status_code, str(code), str(message), body)


POLICY = FailurePolicy("netsuite", RULES, read=read_error)

_NAMED = (
    re.compile(r"field '?\"?([\w.]+)'?\"? .*?not (?:found|exposed)", re.IGNORECASE | re.DOTALL),
    re.compile(r"(?:invalid|unknown) (?:column|identifier|field)[^\w]+([\w.]+)", re.IGNORECASE),
    re.compile(r"no such column:? '?\"?([\w.]+)", re.IGNORECASE),
)


def column_in(message: str) -> str:
    """The column an error text complains about, without its table alias; "" when it names none."""
    for pattern in _NAMED:
        if found := pattern.search(message):
            return found.group(1).rpartition(".")[2].lower()
    return ""
