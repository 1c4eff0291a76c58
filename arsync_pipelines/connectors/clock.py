"""Clocks: the machine's, a fixed one, and a sandbox's, whose business runs on virtual time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from arsync_pipelines.domain.errors import SourceUnreachable


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class FixedClock:
    """Always `instant` (aware); for questions about a past date."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant


@dataclass(frozen=True, slots=True)
class HttpClock:
    """GET `url` answers {"now": "<ISO 8601 instant>"}."""

    url: str

    def now(self) -> datetime:
        try:
            response = httpx.get(self.url, timeout=10)
            response.raise_for_status()
            return datetime.fromisoformat(response.json()["now"]).astimezone(UTC)
        except (httpx.HTTPError, KeyError, ValueError) as error:
            raise SourceUnreachable(
                f"clock at {self.url}: {error}. Is the sandbox running? See [clock] in arsync.toml."
            ) from error
