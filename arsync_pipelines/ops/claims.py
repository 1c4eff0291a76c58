"""Claiming: which waiting intents are taken, under which lease, and the attempts opened for them. Taking over: what was
claimed under a lease that has expired. Per business key in order, however many claim at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, insert, literal_column, or_, select, update

from arsync_pipelines.domain.push import FailureClass, IntentState, PushIntent
from arsync_pipelines.ops.bulk import parts
from arsync_pipelines.ops.leases import Lease, LeaseStore
from arsync_pipelines.ops.rows import OPEN_STATES, Settlement, stands_in, to_intent
from arsync_pipelines.ops.settling import settle
from arsync_pipelines.ops.tables import push_attempt, push_intent
from arsync_pipelines.ops.unit import Unit

PENDING = stands_in(push_intent.c.state, IntentState.PENDING)

ON_THE_WAY = (IntentState.IN_FLIGHT, IntentState.UNKNOWN)

_NONE: ColumnElement[int] = literal_column("0")  # spelt out, as an index's condition is repeated

_other = push_intent.alias("other")
_parent = push_intent.alias("parent")


def _found(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a row is found, by looking for it in an index, row for row. Without the offset Postgres would join, and
    while it has no statistics of a table that was just filled, row by row without the key."""
    return exists(select(1).where(*conditions).offset(0))


_OVERTAKES = _found(
    _other.c.connection == push_intent.c.connection,
    _other.c.object == push_intent.c.object,
    _other.c.business_key == push_intent.c.business_key,
    _other.c.intent_id != push_intent.c.intent_id,
    stands_in(_other.c.state, *OPEN_STATES),
    or_(~stands_in(_other.c.state, IntentState.PENDING), _other.c.version < push_intent.c.version),
)


def claim(
    unit: Unit,
    connection: str,
    object_name: str,
    limit: int,
    now: datetime,
    lease: Lease | None = None,
    parents: Sequence[str] = (),
) -> list[PushIntent]:
    """Take up to `limit` due intents under `lease` and open an attempt for each.

    What others claim at this moment is passed over. `parents`: objects that go before; an intent waits while one of
    them with its parent key is not settled.
    """
    return _take(unit, due(connection, object_name, limit, now, parents), connection, object_name, now, lease)


def claim_urgent(
    unit: Unit,
    connection: str,
    object_name: str,
    limit: int,
    now: datetime,
    lease: Lease | None,
    parents: Sequence[str],
    children: Sequence[str],
) -> list[PushIntent]:
    """As `claim`, of the urgent alone, highest priority first; when none of them may go, of those that urgent intents
    of `children` wait for."""
    query = due_urgent(connection, object_name, limit, now, parents)
    taken = _take(unit, query, connection, object_name, now, lease)
    if taken or not children:
        return taken
    waiting = select(_parent.c.parent_key).where(
        _parent.c.connection == connection, _parent.c.object.in_(children),
        stands_in(_parent.c.state, IntentState.PENDING), _parent.c.priority > _NONE,
    )  # fmt: skip
    query = due(connection, object_name, limit, now, parents).where(push_intent.c.parent_key.in_(waiting))
    return _take(unit, query, connection, object_name, now, lease)


def _take(
    unit: Unit, query: Select[Any], connection: str, object_name: str, now: datetime, lease: Lease | None
) -> list[PushIntent]:
    rows = unit.db.execute(query).all()
    if not rows:
        return []
    token = 0 if lease is None else lease.token
    for part in parts([row.intent_id for row in rows]):
        unit.db.execute(
            update(push_intent)
            .where(push_intent.c.intent_id.in_(part))
            .values(state=IntentState.IN_FLIGHT.value, attempts=push_intent.c.attempts + 1, lease_token=token)
        )
    open_attempts(unit, [(row.intent_id, row.attempts + 1) for row in rows], "deliver", now)
    # told once for all of them: what became of each is told when it is settled, and each has its attempt
    taken = {row.intent_id: row.attempts + 1 for row in rows}
    by = {} if lease is None else {"lease": lease.name, "holder": lease.holder, "token": lease.token}
    unit.note(now, "intents.claimed", "object", f"{connection}|{object_name}", "", attempts=taken, **by)
    return [to_intent(row) for row in rows]


def due(connection: str, object_name: str, limit: int, now: datetime, parents: Sequence[str] = ()) -> Select[Any]:
    """What a claim takes, in its order."""
    query = _may_go(connection, object_name, limit, now, parents)
    return query.order_by(push_intent.c.parent_key, push_intent.c.business_key, push_intent.c.version)


def due_urgent(connection: str, object_name: str, limit: int, now: datetime, parents: Sequence[str]) -> Select[Any]:
    """What a claim of the urgent takes, in its order."""
    columns = push_intent.c
    query = _may_go(connection, object_name, limit, now, parents).where(columns.priority > _NONE)
    order = (columns.priority, columns.parent_key, columns.business_key, columns.version)
    return query.order_by(*(column.desc() for column in order))


def urgent(connection: str, objects: Sequence[str], now: datetime) -> Select[Any]:
    """Priorities of the urgent that are due."""
    columns = push_intent.c
    return select(columns.priority).where(
        columns.connection == connection, columns.object.in_(objects), PENDING, columns.priority > _NONE,
        columns.next_attempt_at <= now,
    )  # fmt: skip


def _may_go(connection: str, object_name: str, limit: int, now: datetime, parents: Sequence[str]) -> Select[Any]:
    return (
        select(push_intent)
        .where(push_intent.c.connection == connection, push_intent.c.object == object_name, PENDING)
        .where(push_intent.c.next_attempt_at <= now, ~_OVERTAKES, *_after(connection, parents))
        .limit(limit)
        .with_for_update(skip_locked=True, of=push_intent)
    )


def _after(connection: str, parents: Sequence[str]) -> list[ColumnElement[bool]]:
    """Conditions that no intent of `parents` with the same parent key waits or is on its way.

    Two, as each is served by an index: the few on their way are gathered once, the waiting are looked up.
    """
    conditions: list[ColumnElement[bool]] = []
    for name in parents:
        mine = (_parent.c.connection == connection, _parent.c.object == name)
        waits = _found(
            *mine, _parent.c.parent_key == push_intent.c.parent_key, stands_in(_parent.c.state, IntentState.PENDING)
        )
        conditions.append(~waits)
        conditions.append(
            push_intent.c.parent_key.not_in(
                select(_parent.c.parent_key).where(*mine, stands_in(_parent.c.state, *ON_THE_WAY))
            )
        )
    return conditions


def take_over(unit: Unit, connection: str, lease: Lease, leases: LeaseStore, at: datetime) -> list[PushIntent]:
    """Intents that somebody claimed whose lease has expired are ours from now on, and nobody knows what became of them:
    all are `unknown`. Oldest first."""
    lost = leases.expired(unit)
    query = (
        select(push_intent)
        .where(push_intent.c.connection == connection, stands_in(push_intent.c.state, *ON_THE_WAY), lost)
        .order_by(push_intent.c.created_at)
        .with_for_update(skip_locked=True, of=push_intent)
    )
    rows = unit.db.execute(query).all()
    for part in parts([row.intent_id for row in rows]):
        unit.db.execute(update(push_intent).where(push_intent.c.intent_id.in_(part)).values(lease_token=lease.token))
    settle(
        unit,
        [
            Settlement(
                row.intent_id, IntentState.UNKNOWN, "unknown", at, failure_class=FailureClass.AMBIGUOUS,
                code="PROCESS_LOST", message="the process that sent this ended before it saw the answer",
            )
            for row in rows if row.state == IntentState.IN_FLIGHT
        ],
        lease,
    )  # fmt: skip
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
