"""Repository of push intents and their attempts: every query has one purpose and moves states only along domain.push.

Times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, and_, bindparam, exists, func, insert, or_, select, update

from arsync_pipelines.domain.push import ALLOWED, FailureClass, IntentState, PushIntent
from arsync_pipelines.ops.rows import (
    CLOSE_ATTEMPT,
    MOVE,
    LatestVersion,
    Settlement,
    attempt_values,
    aware,
    in_utc,
    move_values,
    to_intent,
    to_row,
)
from arsync_pipelines.ops.tables import push_attempt, push_intent

_TROUBLED = (IntentState.REJECTED.value, IntentState.DEAD.value, IntentState.UNKNOWN.value)


class IntentStore:
    """Push intents on one engine. Methods open their own transaction unless given one."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def latest_versions(self, connection: str, object_name: str) -> dict[str, LatestVersion]:
        """Newest intent per business key of one object."""
        newest = (
            select(push_intent.c.business_key, func.max(push_intent.c.version).label("version"))
            .where(push_intent.c.connection == connection, push_intent.c.object == object_name)
            .group_by(push_intent.c.business_key)
            .subquery()
        )
        query = select(push_intent).join(
            newest,
            and_(push_intent.c.business_key == newest.c.business_key, push_intent.c.version == newest.c.version),
        )
        query = query.where(push_intent.c.connection == connection, push_intent.c.object == object_name)
        with self._engine.connect() as db:
            return {
                row.business_key: LatestVersion(
                    row.intent_id, row.version, row.payload_hash, IntentState(row.state), aware(row.settled_at)
                )
                for row in db.execute(query)
            }

    def add(self, intents: Sequence[PushIntent], now: datetime) -> None:
        """Store new intents and supersede what waits, was rejected or died under the same keys, in one transaction."""
        if not intents:
            return
        rows = [to_row(intent, now) for intent in intents]
        replaced = (IntentState.PENDING, IntentState.REJECTED, IntentState.DEAD)
        supersede = (
            update(push_intent)
            .where(
                push_intent.c.connection == bindparam("on_connection"),
                push_intent.c.object == bindparam("on_object"),
                push_intent.c.business_key == bindparam("on_key"),
                or_(*(push_intent.c.state == state.value for state in replaced)),  # IN does not go with executemany
            )
            .values(state=IntentState.SUPERSEDED.value, settled_at=now)
        )
        keys = [{"on_connection": i.connection, "on_object": i.object, "on_key": i.business_key} for i in intents]
        with self._engine.begin() as db:
            db.execute(supersede, keys)
            db.execute(insert(push_intent), rows)

    def supersede_pending(self, intent_ids: Iterable[str], now: datetime) -> int:
        """Give up waiting intents whose difference has gone away. Returns how many."""
        count = 0
        with self._engine.begin() as db:
            for intent_id in intent_ids:
                result = db.execute(
                    update(push_intent)
                    .where(push_intent.c.intent_id == intent_id, push_intent.c.state == IntentState.PENDING.value)
                    .values(state=IntentState.SUPERSEDED.value, settled_at=now)
                )
                count += result.rowcount
        return count

    def claim(self, connection: str, object_name: str, limit: int, now: datetime) -> list[PushIntent]:
        """Take up to `limit` due intents of one object, oldest version first, and open an attempt for each."""
        busy = select(push_intent.c.business_key).where(
            push_intent.c.connection == connection,
            push_intent.c.object == object_name,
            push_intent.c.state.in_([IntentState.IN_FLIGHT.value, IntentState.UNKNOWN.value]),
        )
        due = (
            select(push_intent)
            .where(
                push_intent.c.connection == connection,
                push_intent.c.object == object_name,
                push_intent.c.state == IntentState.PENDING.value,
                push_intent.c.next_attempt_at <= now,
                push_intent.c.business_key.not_in(busy),
            )
            .order_by(push_intent.c.parent_key, push_intent.c.business_key, push_intent.c.version)
            .limit(limit)
        )
        with self._engine.begin() as db:
            rows = db.execute(due).all()
            if not rows:
                return []
            db.execute(
                update(push_intent)
                .where(push_intent.c.intent_id == bindparam("id"))
                .values(state=IntentState.IN_FLIGHT.value, attempts=push_intent.c.attempts + 1),
                [{"id": row.intent_id} for row in rows],
            )
            db.execute(
                insert(push_attempt),
                [
                    {"intent_id": row.intent_id, "number": row.attempts + 1, "kind": "deliver", "started_at": now}
                    for row in rows
                ],
            )
        return [to_intent(row) for row in rows]

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Close the open attempt of each intent and move its state, in one transaction.

        What would wait again although a newer version of its record exists is superseded: sent later than that one it
        would put back an old value. Raises ValueError, and stores nothing, when a move is not in domain.push.ALLOWED.
        """
        if not settlements:
            return
        with self._engine.begin() as db:
            settlements = _without_overtaken(db, settlements)
            ids = [s.intent_id for s in settlements]
            states: dict[str, IntentState] = {}
            for start in range(0, len(ids), 500):
                part = select(push_intent.c.intent_id, push_intent.c.state).where(
                    push_intent.c.intent_id.in_(ids[start : start + 500])
                )
                states.update({row.intent_id: IntentState(row.state) for row in db.execute(part)})
            for settlement in settlements:
                if settlement.state not in ALLOWED[states[settlement.intent_id]]:
                    old = states[settlement.intent_id]
                    raise ValueError(f"intent {settlement.intent_id}: {old} cannot become {settlement.state}")
            db.execute(CLOSE_ATTEMPT, [attempt_values(s) for s in settlements])
            db.execute(MOVE, [move_values(s) for s in settlements])

    def in_states(self, connection: str, states: Sequence[IntentState], object_name: str = "") -> list[PushIntent]:
        """Intents in any of these states, oldest first."""
        query = select(push_intent).where(
            push_intent.c.connection == connection, push_intent.c.state.in_([state.value for state in states])
        )
        if object_name:
            query = query.where(push_intent.c.object == object_name)
        with self._engine.connect() as db:
            return [to_intent(row) for row in db.execute(query.order_by(push_intent.c.created_at))]

    def mark_unknown(self, intents: Sequence[PushIntent], at: datetime, message: str) -> None:
        """In-flight intents whose process died: nobody knows what became of them."""
        self.settle(
            [
                Settlement(
                    intent.intent_id, IntentState.UNKNOWN, "unknown", at, failure_class=FailureClass.AMBIGUOUS,
                    code="PROCESS_LOST", message=message,
                )
                for intent in intents
            ]
        )  # fmt: skip

    def record_read_back(self, intents: Sequence[PushIntent], at: datetime) -> None:
        """Open an attempt of kind `read_back` for each; `settle` closes it with what was found."""
        with self._engine.begin() as db:
            db.execute(
                insert(push_attempt),
                [{"intent_id": i.intent_id, "number": 0, "kind": "read_back", "started_at": at} for i in intents],
            )

    def next_due(self, connection: str, object_name: str) -> datetime | None:
        """When the earliest waiting intent of an object may be tried; None when nothing waits."""
        query = select(func.min(push_intent.c.next_attempt_at)).where(
            push_intent.c.connection == connection,
            push_intent.c.object == object_name,
            push_intent.c.state == IntentState.PENDING.value,
        )
        with self._engine.connect() as db:
            return aware(db.execute(query).scalar())

    def attempts_by_intent(self, intents: Sequence[PushIntent]) -> dict[str, int]:
        """Delivery attempts made so far, for many."""
        found: dict[str, int] = {}
        ids = [intent.intent_id for intent in intents]
        with self._engine.connect() as db:
            for start in range(0, len(ids), 500):
                query = select(push_intent.c.intent_id, push_intent.c.attempts).where(
                    push_intent.c.intent_id.in_(ids[start : start + 500])
                )
                found.update({row.intent_id: row.attempts for row in db.execute(query)})
        return found

    def last_attempt(self) -> int:
        """Highest attempt id, 0 while there is none."""
        with self._engine.connect() as db:
            return int(db.execute(select(func.max(push_attempt.c.attempt_id))).scalar() or 0)

    def ended_attempts(self, after: int, limit: int) -> list[Mapping[str, Any]]:
        """Attempts beyond `after` by id, up to the first that has not ended, with what they were for; times in UTC."""
        beyond = push_attempt.c.attempt_id > after
        with self._engine.connect() as db:
            still_open = db.execute(
                select(func.min(push_attempt.c.attempt_id)).where(beyond, push_attempt.c.ended_at.is_(None))
            ).scalar()
            query = (
                select(
                    push_attempt.c.attempt_id, push_intent.c.connection, push_intent.c.object,
                    push_intent.c.business_key, push_attempt.c.kind, push_attempt.c.outcome,
                    push_attempt.c.failure_class, push_attempt.c.code, push_intent.c.created_at.label("planned_at"),
                    push_attempt.c.started_at, push_attempt.c.ended_at,
                )
                .join(push_intent, push_attempt.c.intent_id == push_intent.c.intent_id)
                .where(beyond, *([] if still_open is None else [push_attempt.c.attempt_id < still_open]))
                .order_by(push_attempt.c.attempt_id)
                .limit(limit)
            )  # fmt: skip
            return [
                {name: in_utc(value) if isinstance(value, datetime) else value for name, value in row.items()}
                for row in db.execute(query).mappings()
            ]

    def counts(self, connection: str = "") -> list[Mapping[str, Any]]:
        """Rows {connection, object, state, intents}: at rest, intents = the sum of the final states."""
        query = select(
            push_intent.c.connection, push_intent.c.object, push_intent.c.state, func.count().label("intents")
        ).group_by(push_intent.c.connection, push_intent.c.object, push_intent.c.state)
        if connection:
            query = query.where(push_intent.c.connection == connection)
        with self._engine.connect() as db:
            return [dict(row._mapping) for row in db.execute(query.order_by(*query.selected_columns))]

    def failures(self, connection: str, limit: int = 20) -> list[Mapping[str, Any]]:
        """Newest rejected, dead or unknown intents with code and message, for people."""
        query = (
            select(
                push_intent.c.object, push_intent.c.business_key, push_intent.c.state, push_intent.c.failure_class,
                push_intent.c.code, push_intent.c.message, push_intent.c.correlation_id,
            )
            .where(push_intent.c.connection == connection)
            .where(push_intent.c.state.in_(_TROUBLED))
            .order_by(push_intent.c.created_at.desc())
            .limit(limit)
        )  # fmt: skip
        with self._engine.connect() as db:
            return [dict(row._mapping) for row in db.execute(query)]


def _without_overtaken(db: Connection, settlements: Sequence[Settlement]) -> list[Settlement]:
    """The settlements, those to `pending` of a version that a newer one has overtaken turned into `superseded`."""
    waiting = [s.intent_id for s in settlements if s.state is IntentState.PENDING]
    newer = push_intent.alias("newer")
    overtaken: set[str] = set()
    for start in range(0, len(waiting), 500):
        query = select(push_intent.c.intent_id).where(
            push_intent.c.intent_id.in_(waiting[start : start + 500]),
            exists().where(
                newer.c.connection == push_intent.c.connection,
                newer.c.object == push_intent.c.object,
                newer.c.business_key == push_intent.c.business_key,
                newer.c.version > push_intent.c.version,
            ),
        )
        overtaken.update(db.execute(query).scalars())
    return [
        replace(s, state=IntentState.SUPERSEDED, next_attempt_at=None) if s.intent_id in overtaken else s
        for s in settlements
    ]
