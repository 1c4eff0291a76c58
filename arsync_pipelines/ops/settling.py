"""Settling: what an attempt did to its intent. The attempt is closed, the intent moved and the audit told, in one
transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, select, update

from arsync_pipelines.domain.errors import LeaseLost
from arsync_pipelines.domain.push import ALLOWED, IntentState
from arsync_pipelines.domain.redaction import redact_text
from arsync_pipelines.ops.bulk import parts, set_each
from arsync_pipelines.ops.leases import Lease
from arsync_pipelines.ops.rows import Settlement, attempt_values, move_values
from arsync_pipelines.ops.tables import push_attempt, push_intent, push_key
from arsync_pipelines.ops.unit import Unit

_ON_THE_WAY = (IntentState.IN_FLIGHT.value, IntentState.UNKNOWN.value)
_CLOSED = [push_attempt.c[n] for n in ("ended_at", "outcome", "failure_class", "code", "message")]
_GIVES_WAY = (IntentState.PENDING, IntentState.REJECTED, IntentState.DEAD)
_MOVED = [
    push_intent.c[n]
    for n in ("state", "failure_class", "code", "message", "target_id", "next_attempt_at", "settled_at")
]


def same_key() -> ColumnElement[bool]:
    """The row of push_key that an intent's row belongs to."""
    return and_(
        push_key.c.connection == push_intent.c.connection,
        push_key.c.object == push_intent.c.object,
        push_key.c.business_key == push_intent.c.business_key,
    )


def settle(unit: Unit, settlements: Sequence[Settlement], lease: Lease | None = None) -> None:
    """Close attempts and move intents; what would wait or be held although a newer version exists is superseded.

    Raises ValueError for what is not on its way, and for a move outside domain.push.ALLOWED, LeaseLost for what another
    lease than `lease` has claimed; nothing of the transaction is stored then. None: the caller knows himself alone.
    """
    rows = _locked(unit, [settlement.intent_id for settlement in settlements])
    moves, told = [], []
    for settlement in settlements:
        row = rows.get(settlement.intent_id)
        if row is None:
            raise ValueError(f"intent {settlement.intent_id} is not in the store")
        if lease is not None and row.lease_token != lease.token:
            raise LeaseLost(
                f"intent {settlement.intent_id} is claimed with token {row.lease_token}, not with {lease.token} of "
                f"lease {lease.name}: it was taken over. Nothing was stored; who took it over settles it."
            )
        state = settlement.state
        if row.state not in _ON_THE_WAY or state not in ALLOWED[IntentState(row.state)]:
            raise ValueError(f"intent {settlement.intent_id}: {row.state} cannot become {state}")
        # held or waiting, it would stand in the way of the version that replaced it while it was on its way
        if state in _GIVES_WAY and row.latest_version > row.version:
            state = IntentState.SUPERSEDED
        moves.append(move_values(settlement, state, row))
        told.append((settlement, state, row))
    _close_attempts(unit, settlements)
    set_each(unit.db, push_intent, push_intent.c.intent_id, _MOVED, moves)
    for settlement, state, row in told:
        _note(unit, settlement, state, row)


def _close_attempts(unit: Unit, settlements: Sequence[Settlement]) -> None:
    """One statement for all that ended alike, as most of a batch do; the others each with their own values."""
    is_open = push_attempt.c.ended_at.is_(None)
    alike: dict[tuple[Any, ...], list[str]] = {}
    for settlement in settlements:
        alike.setdefault(tuple(attempt_values(settlement).items()), []).append(settlement.intent_id)
    alone = []
    for values, ids in alike.items():
        if len(ids) == 1:
            alone.append({"intent_id": ids[0], **dict(values)})
            continue
        for part in parts(ids):
            unit.db.execute(
                update(push_attempt).where(push_attempt.c.intent_id.in_(part), is_open).values(dict(values))
            )
    set_each(unit.db, push_attempt, push_attempt.c.intent_id, _CLOSED, alone, is_open)


def _locked(unit: Unit, intent_ids: Sequence[str]) -> dict[str, Row[Any]]:
    """Rows with their key's newest version. Keys are locked: a planner's newer version is seen, or comes later."""
    found: dict[str, Row[Any]] = {}
    columns = push_intent.c
    for part in parts(sorted(intent_ids)):
        query = (
            select(
                columns.intent_id, columns.state, columns.version, columns.attempts, columns.target_id,
                columns.next_attempt_at, columns.correlation_id, columns.lease_token, push_key.c.latest_version,
            )
            .join(push_key, same_key())
            .where(columns.intent_id.in_(part))
            .order_by(push_key.c.connection, push_key.c.object, push_key.c.business_key)
            .with_for_update(of=push_key)
        )  # fmt: skip
        found.update({row.intent_id: row for row in unit.db.execute(query)})
    return found


def _note(unit: Unit, settlement: Settlement, state: IntentState, row: Row[Any]) -> None:
    detail: dict[str, Any] = {"state": state.value, "outcome": settlement.outcome, "attempt": row.attempts}
    for name in ("target_id", "failure_class", "code", "message"):
        if value := getattr(settlement, name):
            detail[name] = redact_text(str(value))[:500]
    action = "intent.read_back" if settlement.outcome == "read_back" else "intent.settled"
    unit.note(settlement.at, action, "intent", settlement.intent_id, row.correlation_id, **detail)
