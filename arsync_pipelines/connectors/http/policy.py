"""Failure policy as a table: vendor status + code (+ words of the message) -> action and failure class.

The tables themselves live in the vendors' folders; here is how one is written and read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx
import orjson

from arsync_pipelines.domain.limits import Quota
from arsync_pipelines.domain.push import FailureClass

Action = Literal["retry", "refresh", "reject", "stop"]


@dataclass(frozen=True, slots=True)
class VendorError:
    """A failed answer as the vendor tells it. `body` is the decoded JSON, or None."""

    status: int
    code: str = ""
    message: str = ""
    body: Any = None

    def __str__(self) -> str:
        return f"HTTP {self.status} {self.code}".rstrip() + (f": {self.message}" if self.message else "")


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table; "" and () match everything, the first line that matches decides.

    retry    send again within the budget          refresh  drop the token, authenticate once more, send again
    reject   this request is wrong, others are not  stop     nothing more of this connection will succeed
    `ambiguous`: this answer does not say whether the request took effect; an unsafe request is then not repeated.
    """

    action: Action
    failure: FailureClass
    status: tuple[int, ...] = ()
    code: str = ""
    words: str = ""
    ambiguous: bool = False
    advice: str = ""

    def matches(self, error: VendorError) -> bool:
        return (
            (not self.status or error.status in self.status)
            and (not self.code or self.code == error.code)
            and (not self.words or self.words.lower() in error.message.lower())
        )


COMMON: tuple[Rule, ...] = (
    Rule("retry", FailureClass.TRANSIENT, (408, 425, 429, 503)),
    Rule("retry", FailureClass.TRANSIENT, (500, 502, 504), ambiguous=True),
    Rule("refresh", FailureClass.PERMANENT, (401,), advice="check the credentials of the connection"),
    Rule("stop", FailureClass.PERMANENT, (403,), advice="grant the connection's user the permission it lacks"),
    Rule("reject", FailureClass.BUSINESS),
)
"""What the HTTP statuses mean by themselves (RFC 9110); a vendor's lines go before these."""


def read_plain(response: httpx.Response) -> VendorError:
    """Fallback reader: status and the first characters of the body."""
    return VendorError(response.status_code, "", response.text[:200], decode_or_none(response))


def decode_or_none(response: httpx.Response) -> Any:
    """The body as JSON, None when it is none (an HTML page of a proxy, an empty body)."""
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None


def failed_status(response: httpx.Response) -> bool:
    """Default test for failure: anything that is not 2xx."""
    return not response.is_success


def no_quota(_response: httpx.Response) -> Quota | None:
    """Default: the vendor says nothing of it."""
    return None


@dataclass(frozen=True, slots=True)
class FailurePolicy:
    """A vendor's table. `read` turns a failed response into a VendorError; `failed` tells which responses failed,
    `quota` what an answer says of the account's requests."""

    vendor: str
    rules: tuple[Rule, ...] = ()
    read: Callable[[httpx.Response], VendorError] = field(default=read_plain)
    failed: Callable[[httpx.Response], bool] = field(default=failed_status)
    quota: Callable[[httpx.Response], Quota | None] = field(default=no_quota)

    def judge(self, error: VendorError) -> Rule:
        """The first line that matches; COMMON ends with one that always does."""
        return next(rule for rule in (*self.rules, *COMMON) if rule.matches(error))
