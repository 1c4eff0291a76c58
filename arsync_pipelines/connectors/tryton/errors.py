"""Tryton's failures: the policy table, and how an answer is read that fails with HTTP 200.

A Tryton transaction is rolled back before an error is told, so an error in JSON-RPC's shape means: no effect. Only an
answer that is none of Tryton's (a proxy's 502, 504) leaves the effect open.
"""

from __future__ import annotations

import re
from typing import Any

import httpx

from arsync_pipelines.connectors.http import FailurePolicy, Rule, VendorError
from arsync_pipelines.connectors.http.policy import decode_or_none
from arsync_pipelines.domain.push import FailureClass

USER_ERROR = "UserError"
USER_WARNING = "UserWarning"
CONCURRENCY = "ConcurrencyException"
LOGIN = "LoginException"
UNEXPECTED = "Exception"
"""Any other exception of the server: told as its text and a traceback, without a name."""

_LOGIN_ADVICE = "check user and password of the connection"
_ACCESS = "give the user the groups that may read the model (Administration > Users)"
_CONTENTION = (
    "database is locked",
    "could not serialize access",
    "deadlock detected",
    "could not obtain lock",
    "canceling statement due to lock timeout",
)

RULES: tuple[Rule, ...] = (
    Rule("reject", FailureClass.TRANSIENT, code=CONCURRENCY, advice="somebody else changed the record; read it again"),
    Rule("reject", FailureClass.BUSINESS, code=USER_ERROR),
    Rule("reject", FailureClass.BUSINESS, code=USER_WARNING, advice="a person has to confirm this in Tryton"),
    Rule("stop", FailureClass.PERMANENT, code=LOGIN, advice=_LOGIN_ADVICE),
    *(Rule("retry", FailureClass.TRANSIENT, (200,), UNEXPECTED, words) for words in _CONTENTION),
    Rule("reject", FailureClass.PERMANENT, code=UNEXPECTED),
    # the session ended (401), or an older server says so with 403
    Rule("refresh", FailureClass.PERMANENT, (401, 403), advice=f"{_LOGIN_ADVICE}, or {_ACCESS}"),
    Rule("stop", FailureClass.PERMANENT, (404,), advice="check base_url and database of the connection"),
    Rule("stop", FailureClass.PERMANENT, (405,), advice="is this Tryton 8 or later? older series have another path"),
    # the server's own time limit: the transaction was rolled back
    Rule("retry", FailureClass.TRANSIENT, (504,), ambiguous=True, advice="lower `page_rows`"),
)

_NAMED = {USER_ERROR, USER_WARNING, CONCURRENCY, LOGIN}
_RESULT = re.compile(rb'\{"id":\s*[^,]{1,20},\s*"result":')


def failed(response: httpx.Response) -> bool:
    """Whether an answer is a failure: not 2xx, or a JSON-RPC error. A result is told by its first bytes."""
    if not response.is_success:
        return True
    if _RESULT.match(response.content):
        return False
    body = decode_or_none(response)
    return isinstance(body, dict) and "error" in body


def read_error(response: httpx.Response) -> VendorError:
    """Class and message of a JSON-RPC error; status and the first words otherwise."""
    body = decode_or_none(response)
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, list) or not error:
        return VendorError(response.status_code, "", _plain(response.text), body)
    name, rest = str(error[0]), error[1] if len(error) > 1 else ""
    if name in _NAMED:
        return VendorError(response.status_code, name, _message(name, rest), body)
    return VendorError(response.status_code, UNEXPECTED, name[:500], body)


def _message(name: str, told: Any) -> str:
    """UserError: [message, description, domain]; UserWarning: [name, message, description]; others: text."""
    if not isinstance(told, list):
        return str(told)
    words = told[1:3] if name == USER_WARNING else told[:2]
    return " ".join(str(word) for word in words if word)


def _plain(text: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())[:200]


POLICY = FailurePolicy("tryton", RULES, read=read_error, failed=failed)
