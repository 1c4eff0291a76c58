"""An event that a source told us of, its states, and what it asks for. Pure values.

    pending -> taken -> done
       |         |-> pending    the run that took it failed: again at `due_at`, until its attempts are spent
       |         '-> failed     attempts spent; polling and reconciliation still bring the record
    failed -> pending           a person said so, with all its attempts
    ignored                     it names nothing that we read; kept because it was acknowledged

An event is a hint: it says which record to read again, never what the record holds.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from enum import StrEnum

EVENT_ID_LENGTH = 150
_NAMESPACE = uuid.UUID("0d3f8a52-6f0f-5b39-8b6e-3a1c7f1d9a44")


class InboxState(StrEnum):
    PENDING = "pending"
    TAKEN = "taken"
    DONE = "done"
    IGNORED = "ignored"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Hint:
    """A record to read again: the stream of the event's source, and the record's key there."""

    stream: str
    record_key: str


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a source told. `event_id` is the same in every delivery of it; `kind` is the source's word.

    `hints`: what it is about first, then what else it touched; () when it names nothing that we read. `body`: what the
    source sent of it, for people; a part of a delivery that told several.
    """

    event_id: str
    kind: str
    hints: tuple[Hint, ...]
    body: bytes

    @property
    def key(self) -> str:
        """`event_id`, or its hash where it is too long to be stored."""
        if len(self.event_id) <= EVENT_ID_LENGTH:
            return self.event_id
        return "sha256:" + hashlib.sha256(self.event_id.encode()).hexdigest()

    @property
    def body_hash(self) -> str:
        """SHA-256 of the body as it came."""
        return hashlib.sha256(self.body).hexdigest()


def correlation_of(connection: str, event_key: str) -> str:
    """Correlation id of an event: the same in every log line, audit row and trace of it."""
    return str(uuid.uuid5(_NAMESPACE, f"{connection}|{event_key}"))
