"""Claiming: which waiting intents are taken, and the attempts opened for them. Per business key in order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, insert, or_, select, update

from arsync_pipelines.domain.push import IntentState, PushIntent
from arsync_pipelines.ops.bulk import parts
from arsync_pipelines.ops.rows import OPEN_STATES, stands_in, to_intent
from arsync_pipelines.ops.tables import push_attempt, push_intent
from arsync_pipelines.ops.unit import Unit

PENDING = stands_in(push_intent.c.state, IntentState.PENDING)

_other = push_intent.alias("other")
_OVERTAKES = exists().where(
    _other.c.connection == push_intent.c.connection,
    _other.c.object == push_intent.c.object,
    _other.c.business_key == push_intent.c.business_key,
    _other.c.intent_id != push_intent.c.intent_id,
    stands_in(_other.c.state, *OPEN_STATES),
    or_(~stands_in(_other.c.state, IntentState.PENDING), _other.c.version < push_intent.c.version),
)


def claim(unit: Unit, connection: str, object_name: str, limit: int, now: datetime) -> list[PushIntent]:
    """Take up to `limit` due intents and open an attempt for each."""
    due = (
        select(push_intent)
        .where(push_intent.c.connection == connection, push_intent.c.object == object_name, PENDING)
        .where(push_intent.c.next_attempt_at <= now, ~_OVERTAKES)
        .order_by(push_intent.c.parent_key, push_intent.c.business_key, push_intent.c.version)
        .limit(limit)
        .with_for_update(skip_locked=True, of=push_intent)
    )
    rows = unit.db.execute(due).all()
    if not rows:
        return []
    for part in parts([row.intent_id for row in rows]):
        unit.db.execute(
            update(push_intent)
            .where(push_intent.c.intent_id.in_(part))
            .values(state=IntentState.IN_FLIGHT.value, attempts=push_intent.c.attempts + 1)
        )
    open_attempts(unit, [(row.intent_id, row.attempts + 1) for row in rows], "deliver", now)
    # told once for all of them: what became of each is told when it is settled, and each has its attempt
    taken = {row.intent_id: row.attempts + 1 for row in rows}
    unit.note(now, "intents.claimed", "object", f"{connection}|{object_name}", "", attempts=taken)
    return [to_intent(row) for row in rows]


def open_attempts(unit: Unit, numbered: Sequence[tuple[str, int]], kind: str, at: datetime) -> None:
    """An open attempt for each (intent id, number).

    Holds the chain from here on, so that ids are given in the order in which they become visible: who copies attempts
    by their ids (`ended_attempts`) would otherwise pass over one that is committed late.
    """
    unit.hold_chain()
    unit.db.execute(
        insert(push_attempt),
        [{"intent_id": intent_id, "number": number, "kind": kind, "started_at": at} for intent_id, number in numbered],
    )
