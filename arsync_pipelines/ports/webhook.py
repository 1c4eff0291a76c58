"""What a source that calls us offers: the check that it was the source who called, and what it told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from arsync_pipelines.domain.inbox import Event


@dataclass(frozen=True, slots=True)
class Posted:
    """One POST as it came. Names of `headers` are lower-case; `body` is the raw bytes, which signatures are over."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Told:
    """What a verified delivery said. `signature`: the kind that was verified, e.g. `stripe-v1`. `answer` and
    `media_type`: the body of a 2xx, where the source wants a certain one."""

    signature: str
    events: tuple[Event, ...]
    answer: bytes = b""
    media_type: str = ""


class Webhook(Protocol):
    """The receiving end of one connection. Thread-safe, and quick: a source waits for its answer."""

    def verify(self, posted: Posted, now: datetime) -> Told:
        """Check the signature over the raw body, in constant time, and read what was told.

        Raises WebhookForged, WebhookStale, WebhookUnreadable, or ConfigError when a secret cannot be read.
        """
        ...
