"""NetSuite's error body. What went wrong is decided elsewhere; this only says it as the vendor does."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response

ERROR_TYPE = "application/vnd.oracle.resource+json; type=error"
_RFC = "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html#sec10."
_SECTIONS = {
    400: "4.1",
    401: "4.2",
    403: "4.4",
    404: "4.5",
    405: "4.6",
    409: "4.10",
    415: "4.16",
    429: "4.1",
    500: "5.1",
}
_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    415: "Unsupported Media Type",
    429: "Bad Request",  # sic: the vendor's own concurrency answer carries this title
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class ApiError(Exception):
    """An answer that is not 2xx. `path`, `query` and `header` name the culprit as the vendor's optional keys do."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        path: str = "",
        query: str = "",
        header: str = "",
        title: str = "",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.title = title
        self.headers = headers or {}
        self.entry: dict[str, str] = {"detail": detail}
        for key, value in (("o:errorPath", path), ("o:errorQueryParam", query), ("o:errorHeader", header)):
            if value:
                self.entry[key] = value
        self.entry["o:errorCode"] = code

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "type": _RFC + _SECTIONS.get(self.status, "5.1"),
            "title": self.title or _TITLES.get(self.status, "Internal Server Error"),
            "status": self.status,
            "o:errorDetails": [self.entry],
        }
        if self.status == 429:
            body["o:errorCode"] = "USER_ERROR"
        return body

    def response(self) -> Response:
        return Response(orjson.dumps(self.body()), self.status, self.headers, media_type=ERROR_TYPE)


def concurrency_exceeded() -> ApiError:
    return ApiError(429, "CONCURRENCY_LIMIT_EXCEEDED", "Concurrent request limit exceeded. Request blocked.")


def invalid_login(realm: str) -> ApiError:
    detail = (
        "Invalid login attempt. For more details, see the Login Audit Trail in the NetSuite UI"
        " at Setup > Users/Roles > User Management > View Login Audit Trail."
    )
    challenge = f'OAuth realm="{realm}", error="token_rejected", error_description="Invalid login attempt."'
    return ApiError(401, "INVALID_LOGIN", detail, headers={"WWW-Authenticate": challenge})


def bad_query(detail: str) -> ApiError:
    text = f"Invalid search query. Detailed unprocessed description follows. {detail}"
    return ApiError(400, "INVALID_PARAMETER", text, query="q")


def injected(status: int, code: str = "") -> ApiError:
    """What a fault rule asks for, dressed as the vendor would."""
    if status == 429:
        return concurrency_exceeded()
    if status == 401:
        return invalid_login("")
    code = code or ("UNEXPECTED_ERROR" if status >= 500 else "USER_ERROR")
    return ApiError(status, code, "An unexpected error occurred. Error ID: sandbox-injected-fault")
