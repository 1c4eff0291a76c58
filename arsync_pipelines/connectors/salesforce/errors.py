"""What Salesforce's failures mean: of a whole request (POLICY), and of one row among others (row_outcome).

Whole requests fail with a JSON array of {message, errorCode}; rows of collections carry `statusCode` instead, and rows
of bulk jobs a text CODE:message:fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from xml.sax.saxutils import unescape

import httpx

from arsync_pipelines.connectors.http import FailurePolicy, Rule, VendorError
from arsync_pipelines.connectors.http.policy import decode_or_none
from arsync_pipelines.domain.limits import Quota
from arsync_pipelines.domain.push import FailureClass
from arsync_pipelines.ports.sink import Outcome

_USAGE = re.compile(r"(?:^|[\s,;])api-usage=(\d+)/(\d+)")

_FAULT = re.compile(r"<faultstring[^>]*>([^<]*)</faultstring>")
SOAP_FAULT = "SOAP_FAULT"
"""Stands for the code of a call that the Metadata API refused as a whole, which comes as status 500."""

TRANSIENT_CODES = frozenset(
    {
        "UNABLE_TO_LOCK_ROW",
        "SERVER_UNAVAILABLE",
        "REQUEST_RUNNING_TOO_LONG",
        "QUERY_TIMEOUT",
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "PROCESSING_HALTED",
        "TXN_LIMIT_EXCEEDED",
        "UNKNOWN_EXCEPTION",
    }
)
"""Codes that go away by themselves; a row with one took no effect."""

STRUCTURAL_CODES = frozenset(
    {
        "INVALID_TYPE",
        "INVALID_FIELD",
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "NOT_FOUND",
        "INSUFFICIENT_ACCESS",
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "METHOD_NOT_ALLOWED",
        "API_DISABLED_FOR_ORG",
    }
)
"""Codes of a wrong set-up: an object, field or permission is missing, and every row would fare alike."""


def read_error(response: httpx.Response) -> VendorError:
    """The first error of Salesforce's array; OAuth's {error, error_description} and SOAP faults are understood too."""
    body = decode_or_none(response)
    if isinstance(body, list) and body and isinstance(body[0], dict) and "errorCode" in body[0]:
        return VendorError(response.status_code, str(body[0]["errorCode"]), str(body[0].get("message", "")), body)
    if isinstance(body, dict) and "error" in body:
        return VendorError(response.status_code, str(body["error"]), str(body.get("error_description", "")), body)
    if response.status_code == 300:
        return VendorError(300, "MULTIPLE_CHOICES", "the external id matches several records", body)
    if fault := _FAULT.search(response.text):
        return VendorError(response.status_code, SOAP_FAULT, unescape(" ".join(fault[1].split())))
    return VendorError(response.status_code, "", " ".join(response.text[:200].split()), body)


def read_quota(response: httpx.Response) -> Quota | None:
    """The org's requests of the last 24 hours, from `Sforce-Limit-Info: api-usage=18/5000`."""
    found = _USAGE.search(response.headers.get("Sforce-Limit-Info", ""))
    return None if found is None else Quota(int(found[1]), int(found[2]))


POLICY = FailurePolicy(
    "salesforce",
    (
        Rule("refresh", FailureClass.PERMANENT, (401,), advice="check the connected app and its user"),
        Rule("retry", FailureClass.TRANSIENT, (403,), "REQUEST_LIMIT_EXCEEDED", "Concurrent"),
        Rule(
            "stop",
            FailureClass.TRANSIENT,
            (403,),
            "REQUEST_LIMIT_EXCEEDED",
            advice="the org's daily API requests are used up; wait until the rolling 24 hours free some, or buy more",
        ),
        Rule("retry", FailureClass.TRANSIENT, (400, 409), "UNABLE_TO_LOCK_ROW"),
        Rule("retry", FailureClass.TRANSIENT, (400,), "QUERY_TIMEOUT"),
        Rule("reject", FailureClass.PERMANENT, (500,), SOAP_FAULT),
        Rule(
            "reject",
            FailureClass.PERMANENT,
            (400, 404),
            "INVALID_FIELD",
            advice="run `arsync init` to create missing AR fields, give the connection's user access to the field, or "
            "correct the connection's mapping",
        ),
        Rule(
            "reject",
            FailureClass.PERMANENT,
            (400, 404),
            "INVALID_TYPE",
            advice="run `arsync init` to create the AR objects, or give the connection's user access to the object",
        ),
    ),
    read_error,
    quota=read_quota,
)


def row_outcome(intent_id: str, code: str, message: str, fields: Iterable[str] = ()) -> Outcome:
    """The outcome of a row that failed with `code`."""
    named = [f for f in fields if f and f not in message]
    text = message + (f" (fields {', '.join(named)})" if named else "")
    if code in TRANSIENT_CODES:
        return Outcome(intent_id, "retry", code=code, message=text, failure_class=FailureClass.TRANSIENT)
    kind = FailureClass.PERMANENT if code in STRUCTURAL_CODES else FailureClass.BUSINESS
    return Outcome(intent_id, "rejected", code=code, message=text, failure_class=kind)


def retry_outcome(intent_id: str, code: str, message: str, not_before: datetime | None = None) -> Outcome:
    """The row surely took no effect and may be sent again."""
    return Outcome(
        intent_id, "retry", code=code, message=message, failure_class=FailureClass.TRANSIENT, not_before=not_before
    )


def unknown_outcome(intent_id: str, message: str) -> Outcome:
    """Nobody knows whether the row took effect."""
    return Outcome(intent_id, "unknown", code="NO_ANSWER", message=message, failure_class=FailureClass.AMBIGUOUS)


def collection_outcome(intent_id: str, result: Mapping[str, Any]) -> Outcome:
    """The outcome of one element of a collections answer; one without a verdict is unknown."""
    if result.get("success") is True and result.get("id"):
        return Outcome(intent_id, "acknowledged", target_id=str(result["id"]), created=result.get("created") is True)
    errors = result.get("errors")
    if result.get("success") is False and isinstance(errors, list) and errors and isinstance(errors[0], Mapping):
        first = errors[0]
        code = str(first.get("statusCode") or first.get("errorCode") or "UNKNOWN_EXCEPTION")
        return row_outcome(intent_id, code, str(first.get("message", "")), [str(f) for f in first.get("fields") or []])
    return unknown_outcome(intent_id, "Salesforce answered for this row neither success nor an error")


def bulk_outcome(intent_id: str, error: str) -> Outcome:
    """The outcome of a failed bulk row from its sf__Error, CODE:message:fields --."""
    code, _, rest = error.partition(":")
    message, _, fields = rest.removesuffix("--").strip().rpartition(":")
    return row_outcome(intent_id, code.strip() or "UNKNOWN_EXCEPTION", message or rest, fields.split())
