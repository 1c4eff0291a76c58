"""Stripe's error shapes, and the exceptions that become them.

    Refusal            any error answer; `stored` says whether an idempotent replay repeats it
    |-- Invalid        400 before execution began: never stored
    |-- Missing        404 resource_missing
    |-- Declined       402 card_error

Which error belongs to which situation is decided where it happens; here is only the rendering.
"""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response


class Refusal(Exception):
    """An error answer: HTTP status and the members of the `error` object."""

    stored = True

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: dict[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.error: dict[str, Any] = {"type": kind, "message": message}
        if code:
            self.error["code"] = code
            self.error["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
        if param:
            self.error["param"] = param
        self.error.update(extra)


class Invalid(Refusal):
    """400 because parameters do not validate."""

    stored = False

    def __init__(self, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(400, "invalid_request_error", message, code=code, param=param)


class NotAllowed(Refusal):
    """400 because the object's state forbids what the (valid) parameters ask."""

    def __init__(self, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(400, "invalid_request_error", message, code=code, param=param)


class Missing(Refusal):
    """404: no object of this kind has the id. As a parameter of a write it is a 400, as Stripe does it."""

    def __init__(self, kind: str, object_id: str, *, param: str = "id", status: int = 404) -> None:
        message = f"No such {kind.replace('_', ' ')}: '{object_id}'"
        super().__init__(status, "invalid_request_error", message, code="resource_missing", param=param)


class Declined(Refusal):
    """402: the card was declined; names the failed charge and its payment intent."""

    def __init__(self, charge: str, payment_intent: dict[str, Any] | None) -> None:
        extra: dict[str, Any] = {"charge": charge, "decline_code": "generic_decline"}
        if payment_intent:
            extra["payment_intent"] = payment_intent
        super().__init__(402, "card_error", "Your card was declined.", code="card_declined", **extra)


def unauthorised(message: str, code: str | None = None) -> Refusal:
    return Refusal(401, "invalid_request_error", message, code=code)


def rate_limited(reason: str = "global-rate") -> Refusal:
    """429 of the rate limiter. No `stripe-should-retry`: the official client then leaves it to its caller."""
    return Refusal(
        429,
        "invalid_request_error",
        "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
        code="rate_limit",
        headers={"Stripe-Rate-Limited-Reason": reason},
    )


def lock_timeout() -> Refusal:
    """429 because another request holds the object: not a matter of rate, and worth a retry."""
    refusal = Refusal(
        429,
        "invalid_request_error",
        "This object cannot be accessed right now because another API request or Stripe process is currently "
        "accessing it. If you see this error intermittently, retry the request.",
        code="lock_timeout",
        headers={"stripe-should-retry": "true"},
    )
    refusal.stored = False
    return refusal


def internal(message: str = "An unknown error occurred") -> Refusal:
    return Refusal(500, "api_error", message)


def injected(status: int, code: str) -> Refusal:
    """The refusal for an injected status, with the code that Stripe would give it."""
    if status == 429:
        return lock_timeout() if code == "lock_timeout" else rate_limited(code or "global-rate")
    if status == 401:
        return unauthorised("Invalid API Key provided", code or None)
    if status == 403:
        return Refusal(403, "invalid_request_error", "The provided key does not have the required permissions.")
    if status == 409:
        return Refusal(409, "invalid_request_error", "The request conflicts with another request.")
    if status >= 500:
        return Refusal(status, "api_error", "Sorry! There was an error while talking to one of our backends.")
    return Refusal(status, "invalid_request_error", "The request was refused.", code=code or None)


def render(refusal: Refusal, request_id: str) -> Response:
    """The refusal as an HTTP response."""
    error = {**refusal.error, "request_log_url": f"https://dashboard.stripe.com/test/logs/{request_id}"}
    return Response(
        orjson.dumps({"error": error}, option=orjson.OPT_INDENT_2),
        refusal.status,
        {"Request-Id": request_id, **refusal.headers},
        "application/json",
    )
