"""Between the values of domain.push and the rows of the operational store."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, literal_column

from arsync_pipelines.domain.errors import OpsStoreError
from arsync_pipelines.domain.push import FailureClass, IntentState, PushIntent
from arsync_pipelines.domain.redaction import redact_text

OPEN_STATES = (IntentState.PENDING, IntentState.IN_FLIGHT, IntentState.UNKNOWN)
MESSAGE_LENGTH = 2000


def stands_in(column: ColumnElement[Any], *states: IntentState) -> ColumnElement[bool]:
    """`column in (states)`, spelt out: a database uses a partial index only where a query repeats its condition."""
    literals: list[ColumnElement[str]] = [literal_column(f"'{state.value}'") for state in states]
    return column == literals[0] if len(literals) == 1 else column.in_(literals)


@dataclass(frozen=True, slots=True)
class LatestVersion:
    """The newest intent of a business key, as the planner needs to see it."""

    intent_id: str
    version: int
    payload_hash: str
    state: IntentState
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What an attempt did to its intent: the next state and, for `pending`, when to try again."""

    intent_id: str
    state: IntentState
    outcome: str
    at: datetime
    target_id: str = ""
    failure_class: FailureClass | None = None
    code: str = ""
    message: str = ""
    next_attempt_at: datetime | None = None


def attempt_values(settlement: Settlement) -> dict[str, Any]:
    """Columns that close the open attempt of a settled intent."""
    return {
        "ended_at": settlement.at,
        "outcome": settlement.outcome,
        "failure_class": settlement.failure_class,
        "code": settlement.code,
        "message": redact_text(settlement.message)[:MESSAGE_LENGTH],
    }


def move_values(settlement: Settlement, state: IntentState, row: Row[Any]) -> dict[str, Any]:
    """Columns of an intent that goes to `state`; what the settlement leaves open stays as `row` has it."""
    return {
        "intent_id": settlement.intent_id,
        "state": state.value,
        "failure_class": settlement.failure_class,
        "code": settlement.code,
        "message": redact_text(settlement.message)[:MESSAGE_LENGTH],
        "target_id": settlement.target_id or row.target_id,
        "next_attempt_at": settlement.next_attempt_at or row.next_attempt_at,
        "settled_at": None if state in OPEN_STATES else settlement.at,
    }


def to_row(intent: PushIntent, now: datetime) -> dict[str, Any]:
    """Columns of a new intent."""
    return {
        "intent_id": intent.intent_id,
        "connection": intent.connection,
        "object": intent.object,
        "business_key": intent.business_key,
        "version": intent.version,
        "operation": intent.operation,
        "payload": json.dumps(intent.payload, sort_keys=True, ensure_ascii=False),
        "before": json.dumps(intent.before, sort_keys=True, ensure_ascii=False),
        "payload_hash": intent.payload_hash,
        "idempotency_key": intent.idempotency_key,
        "parent_key": intent.parent_key,
        "correlation_id": intent.correlation_id,
        "snapshot_id": intent.snapshot_id,
        "priority": intent.priority,
        "reason": intent.reason,
        "state": IntentState.PENDING.value,
        "created_at": intent.created_at,
        "next_attempt_at": now,
    }


def to_intent(row: Row[Any]) -> PushIntent:
    """The intent of a row of push_intent. Raises OpsStoreError when it is not what was planned: such a row must not be
    sent, and nobody knows what it was."""
    try:
        intent = _read(row)
    except (ValueError, TypeError):  # a payload that is no JSON
        intent = None
    if intent is None or (intent.payload_hash, intent.idempotency_key) != (row.payload_hash, row.idempotency_key):
        raise OpsStoreError(
            f"intent {row.intent_id} of {row.connection} {row.object} {row.business_key} is not what was planned: its "
            "content does not agree with its hashes, so the operational store was damaged or edited. Nothing of its "
            "connection is sent. Run `arsync audit verify`, and bring the store back from its backup."
        )
    return intent


def _read(row: Row[Any]) -> PushIntent:
    return PushIntent(
        intent_id=row.intent_id,
        connection=row.connection,
        object=row.object,
        business_key=row.business_key,
        version=row.version,
        payload=json.loads(row.payload),
        before=json.loads(row.before),
        parent_key=row.parent_key,
        correlation_id=row.correlation_id,
        snapshot_id=row.snapshot_id,
        created_at=row.created_at,
        operation=row.operation,
        priority=row.priority,
        reason=row.reason,
    )


def in_utc(value: datetime) -> datetime:
    """A stored instant as UTC without a zone, as the warehouse keeps it."""
    return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
