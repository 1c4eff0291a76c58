"""Salesforce-shaped failures: a JSON array of `{"message", "errorCode"[, "fields"]}`, or rows with `statusCode`.

Which condition raises which code is decided where the condition is noticed; only the shapes live here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class RowError:
    """One failure of one record. `status` is the HTTP status it takes when the record stood alone."""

    code: str
    message: str
    fields: tuple[str, ...] = ()
    status: int = 400

    def as_row(self) -> dict[str, Any]:
        """The shape inside collections: `statusCode`, always with `fields`."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields)}

    def as_call(self) -> dict[str, Any]:
        """The shape of a failed call: `errorCode`; `fields` only for failures that name or could name fields."""
        body: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.code not in _WITHOUT_FIELDS:
            body["fields"] = list(self.fields)
        return body

    def as_text(self) -> str:
        """The `sf__Error` text of a bulk result."""
        return f"{self.code}:{self.message}:{' '.join(self.fields)} --"


_WITHOUT_FIELDS = frozenset(
    {
        "INVALID_SESSION_ID",
        "REQUEST_LIMIT_EXCEEDED",
        "NOT_FOUND",
        "MALFORMED_QUERY",
        "INVALID_FIELD",
        "INVALID_TYPE",
        "JSON_PARSER_ERROR",
        "INVALID_QUERY_LOCATOR",
        "METHOD_NOT_ALLOWED",
        "UNSUPPORTED_MEDIA_TYPE",
        "SERVER_UNAVAILABLE",
    }
)


@dataclass(slots=True)
class RecordFailure(Exception):
    """A record cannot be written: the per-record form of every validation."""

    error: RowError

    def __str__(self) -> str:
        return f"{self.error.code}: {self.error.message}"


@dataclass(slots=True)
class SalesforceError(Exception):
    """A whole call fails with `status` and one error."""

    status: int
    code: str
    message: str
    fields: tuple[str, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)

    def body(self) -> list[dict[str, Any]]:
        """The JSON array on the wire."""
        return [RowError(self.code, self.message, self.fields).as_call()]

    def __str__(self) -> str:
        return f"{self.status} {self.code}: {self.message}"


def reject(code: str, message: str, *fields: str, status: int = 400) -> RecordFailure:
    """A record failure, ready to raise."""
    return RecordFailure(RowError(code, message, fields, status))


def not_found(message: str = "The requested resource does not exist") -> SalesforceError:
    """404 as Salesforce words it."""
    return SalesforceError(404, "NOT_FOUND", message)


def body_for_status(status: int) -> list[dict[str, Any]]:
    """The body that goes with an injected transport failure."""
    if status == 401:
        return _array("INVALID_SESSION_ID", "Session expired or invalid")
    if status in (403, 429):
        return _array("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    if status == 503:
        return _array("SERVER_UNAVAILABLE", "Server is currently busy or unavailable")
    if status == 404:
        return _array("NOT_FOUND", "The requested resource does not exist")
    return _array("UNKNOWN_EXCEPTION", "An unexpected error occurred. Please include this ErrorId: 1234-5678")


def _array(code: str, message: str) -> list[dict[str, Any]]:
    """A one-element error array."""
    return [RowError(code, message).as_call()]
