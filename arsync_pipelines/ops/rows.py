"""Between the values of domain.push and the rows of the operational store.

SQLite drops the zone of a timestamp, so instants coming out are made aware again here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, update

from arsync_pipelines.domain.push import FailureClass, IntentState, PushIntent
from arsync_pipelines.ops.tables import push_attempt, push_intent

OPEN_STATES = (IntentState.PENDING, IntentState.IN_FLIGHT, IntentState.UNKNOWN)


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


CLOSE_ATTEMPT = (
    update(push_attempt)
    .where(push_attempt.c.intent_id == bindparam("id"), push_attempt.c.ended_at.is_(None))
    .values(
        ended_at=bindparam("at"), outcome=bindparam("result"), failure_class=bindparam("class_"),
        code=bindparam("code_"), message=bindparam("message_"),
    )
)  # fmt: skip

MOVE = (
    update(push_intent)
    .where(push_intent.c.intent_id == bindparam("id"))
    .values(
        state=bindparam("state_"), failure_class=bindparam("class_"), code=bindparam("code_"),
        message=bindparam("message_"),
        target_id=func.coalesce(func.nullif(bindparam("target"), ""), push_intent.c.target_id),
        next_attempt_at=func.coalesce(bindparam("next_at"), push_intent.c.next_attempt_at),
        settled_at=bindparam("settled"),
    )
)  # fmt: skip


def attempt_values(settlement: Settlement) -> dict[str, Any]:
    return {
        "id": settlement.intent_id,
        "at": settlement.at,
        "result": settlement.outcome,
        "class_": settlement.failure_class,
        "code_": settlement.code,
        "message_": settlement.message[:2000],
    }


def move_values(settlement: Settlement) -> dict[str, Any]:
    return {
        "id": settlement.intent_id,
        "state_": settlement.state.value,
        "class_": settlement.failure_class,
        "code_": settlement.code,
        "message_": settlement.message[:2000],
        "target": settlement.target_id,
        "next_at": settlement.next_attempt_at,
        "settled": None if settlement.state in OPEN_STATES else settlement.at,
    }


def to_row(intent: PushIntent, now: datetime) -> dict[str, Any]:
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
        "state": IntentState.PENDING.value,
        "created_at": intent.created_at,
        "next_attempt_at": now,
    }


def to_intent(row: Row[Any]) -> PushIntent:
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
        created_at=aware(row.created_at) or datetime.now(UTC),
        operation=row.operation,
    )


def in_utc(value: datetime) -> datetime:
    """A stored instant as UTC without a zone, as the warehouse keeps it."""
    return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)


def aware(value: datetime | None) -> datetime | None:
    if value is None or value.tzinfo is not None:
        return value
    return value.replace(tzinfo=UTC)
