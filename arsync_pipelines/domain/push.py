"""A push intent: one change that a target system should carry, its states, and what can happen to it.

    pending -> in_flight -> acknowledged
       ^          |-------> rejected      business: a person must act, never retried blindly
       |          |-------> pending       transient: again at `next_attempt_at`, until the attempt budget is spent
       |          |-------> unknown       nobody knows whether it took effect: read back before any retry
       |                       |--> acknowledged | pending
       '- pending -> superseded           a newer version of the same key replaced it before it was sent
    in_flight | unknown -> superseded     it would wait or be held, but a newer version was planned meanwhile
    in_flight | unknown -> dead           attempt budget spent
    rejected | dead -> pending            replayed: a person said so, and no newer version exists

Pure values; storage is ops/, moving them is services/deliver.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal


class IntentState(StrEnum):
    PENDING = "pending"
    IN_FLIGHT = "in_flight"
    ACKNOWLEDGED = "acknowledged"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    SUPERSEDED = "superseded"
    DEAD = "dead"


ALLOWED: Mapping[IntentState, frozenset[IntentState]] = {
    IntentState.PENDING: frozenset({IntentState.IN_FLIGHT, IntentState.SUPERSEDED}),
    IntentState.IN_FLIGHT: frozenset(
        {
            IntentState.ACKNOWLEDGED,
            IntentState.REJECTED,
            IntentState.PENDING,
            IntentState.UNKNOWN,
            IntentState.DEAD,
            IntentState.SUPERSEDED,
        }
    ),
    IntentState.UNKNOWN: frozenset(
        {IntentState.ACKNOWLEDGED, IntentState.PENDING, IntentState.DEAD, IntentState.SUPERSEDED}
    ),
    IntentState.ACKNOWLEDGED: frozenset(),
    IntentState.REJECTED: frozenset({IntentState.SUPERSEDED, IntentState.PENDING}),
    IntentState.SUPERSEDED: frozenset(),
    IntentState.DEAD: frozenset({IntentState.SUPERSEDED, IntentState.PENDING}),
}


class FailureClass(StrEnum):
    """Technical failures are retried or stop the connection; business failures go to a person."""

    TRANSIENT = "transient"
    PERMANENT = "permanent"
    BUSINESS = "business"
    AMBIGUOUS = "ambiguous"


Reason = Literal["change", "drift", "recreate"]
"""change: we want another value. drift: somebody else wrote to what is ours. recreate: the record was deleted there."""


@dataclass(frozen=True, slots=True)
class PushIntent:
    """One version of one record for one target.

    `object` is the canonical object (account, account_balance, invoice), `business_key` what identifies the record in
    the target: the value of its external id, or the target's own id for `account`. `payload` holds canonical field
    names -> JSON values (money as decimal strings, dates ISO 8601, None = cleared); the sink maps them to the vendor's.
    `parent_key` groups rows that lock each other (the CRM account id). `before` is what the target was seen to hold.
    `priority`: higher goes before lower, 0 is for what is not urgent. `reason`: what called for it, see Reason.
    """

    intent_id: str
    connection: str
    object: str
    business_key: str
    version: int
    payload: Mapping[str, Any]
    before: Mapping[str, Any]
    parent_key: str
    correlation_id: str
    snapshot_id: str
    created_at: datetime
    operation: str = "upsert"
    priority: int = 0
    reason: Reason = "change"

    @property
    def payload_hash(self) -> str:
        """SHA-256 of the canonical JSON of operation and payload."""
        return payload_hash(self.operation, self.payload)

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt at this version and for no other."""
        text = f"{self.connection}|{self.object}|{self.business_key}|{self.version}|{self.payload_hash}"
        return hashlib.sha256(text.encode()).hexdigest()


def payload_hash(operation: str, payload: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of operation and payload."""
    text = json.dumps([operation, dict(payload)], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
