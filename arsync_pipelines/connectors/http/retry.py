"""When to send again: a budget, exponential backoff with full jitter, and the vendor's own Retry-After.

A request is never sent before the instant the vendor named; when that lies beyond the budget, we give up at once.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx


@dataclass(frozen=True, slots=True)
class RetryBudget:
    """At most `attempts` sends and `seconds` in all; waits drawn from [0, min(cap, base * 2**n)] seconds."""

    attempts: int = 8
    seconds: float = 180.0
    base: float = 0.5
    cap: float = 30.0


@dataclass(frozen=True, slots=True)
class Retry:
    """A budget and the means to wait, replaceable in tests. `monotonic` in seconds, `draw(high)` from [0, high]."""

    budget: RetryBudget = field(default_factory=RetryBudget)
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    draw: Callable[[float], float] = lambda high: random.uniform(0, high)  # noqa: S311 - jitter needs no secrecy

    def delay(self, attempt: int, retry_after: float | None) -> float:
        """Seconds to wait after failed attempt `attempt` (from 1); jitter comes on top of the vendor's own wait."""
        jitter = self.draw(min(self.budget.cap, self.budget.base * 2 ** (attempt - 1)))
        return jitter if retry_after is None else retry_after + min(jitter, self.budget.base)

    def allows(self, attempt: int, started: float, delay: float) -> bool:
        """Whether another send after `delay` fits the budget that began at monotonic instant `started`."""
        return attempt < self.budget.attempts and self.monotonic() + delay - started <= self.budget.seconds


def retry_after_seconds(response: httpx.Response) -> float | None:
    """Retry-After as seconds: a number, or an HTTP-date measured against the *server's* Date (its clock decides).

    None when absent or unreadable (RFC 9110, 10.2.3).
    """
    text = response.headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    until = http_date(text)
    if until is None:
        return None
    now = http_date(response.headers.get("date", "")) or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def http_date(text: str) -> datetime | None:
    """An HTTP-date as an aware UTC datetime, None when it is none."""
    try:
        parsed = parsedate_to_datetime(text)
    except ValueError:
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
