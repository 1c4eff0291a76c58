"""Repository of push intents and their attempts: planned, claimed, settled, looked at, along domain.push only.

How a claim chooses, how a settlement is checked and how a version is superseded stand in claims, settling and planned.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from arsync_pipelines.domain.drift import DriftFinding
from arsync_pipelines.domain.push import IntentState, PushIntent
from arsync_pipelines.ops import claims, drift, planned, settling
from arsync_pipelines.ops.bulk import parts
from arsync_pipelines.ops.leases import Lease, LeaseStore
from arsync_pipelines.ops.rows import OPEN_STATES, LatestVersion, Settlement, in_utc, stands_in, to_intent
from arsync_pipelines.ops.tables import push_attempt, push_intent, push_key
from arsync_pipelines.ops.unit import Transactions, Unit

_TROUBLED = (IntentState.REJECTED.value, IntentState.DEAD.value, IntentState.UNKNOWN.value)


class IntentStore:
    """Push intents of one store; each method is a transaction of its own.

    Several may deliver to a connection, each under a lease. Who claims and settles without one must be alone.
    """

    def __init__(self, transactions: Transactions, leases: LeaseStore) -> None:
        self._transactions = transactions
        self.leases = leases

    @property
    def shared(self) -> bool:
        """Whether several machines may work on this store (Postgres); else it is a file of one machine (SQLite)."""
        return self._transactions.shared

    def latest_versions(self, connection: str, object_name: str, keys: Collection[str]) -> dict[str, LatestVersion]:
        """Newest intent of each of these business keys of one object that has any."""
        query = (
            select(
                push_intent.c.business_key, push_intent.c.intent_id, push_intent.c.version, push_intent.c.payload_hash,
                push_intent.c.state, push_intent.c.settled_at,
            )
            .join(push_key, settling.same_key() & (push_key.c.latest_version == push_intent.c.version))
            .where(push_key.c.connection == connection, push_key.c.object == object_name)
        )  # fmt: skip
        with self._transactions.read() as db:
            return {
                row.business_key: LatestVersion(
                    row.intent_id, row.version, row.payload_hash, IntentState(row.state), row.settled_at
                )
                for part in parts(sorted(keys))
                for row in db.execute(query.where(push_key.c.business_key.in_(part)))
            }

    def waiting_keys(self, connection: str, object_name: str) -> dict[str, str]:
        """Business key -> id of each intent of one object that waits; a key has no more than one, its newest."""
        query = select(push_intent.c.business_key, push_intent.c.intent_id).where(
            push_intent.c.connection == connection, push_intent.c.object == object_name, claims.PENDING
        )
        with self._transactions.read() as db:
            return {row.business_key: row.intent_id for row in db.execute(query)}

    def add(self, intents: Sequence[PushIntent], now: datetime, found: Sequence[DriftFinding] = ()) -> None:
        """Store new intents and supersede what waits, was rejected or died under the same keys, in one transaction
        with the findings of drift that led to them.

        Raises StaleWrite when a key has the same or a newer version already; nothing is stored then.
        """
        with self._transactions.write() as unit:
            planned.add(unit, intents, now)
            drift.add(unit, found, now)

    def supersede_pending(self, intent_ids: Iterable[str], now: datetime) -> int:
        """Give up waiting intents whose difference has gone away. Returns how many."""
        with self._transactions.write() as unit:
            rows = [
                row
                for part in parts(sorted(set(intent_ids)))
                for row in unit.db.execute(
                    select(push_intent.c.intent_id, push_intent.c.correlation_id)
                    .where(push_intent.c.intent_id.in_(part), claims.PENDING)
                    .with_for_update()
                )
            ]
            planned.supersede(unit, [row.intent_id for row in rows], now)
            why = "the difference has gone"
            for row in rows:
                unit.note(now, "intent.superseded", "intent", row.intent_id, row.correlation_id, why=why)
            return len(rows)

    def claim(
        self,
        connection: str,
        object_name: str,
        limit: int,
        now: datetime,
        lease: Lease | None = None,
        parents: Sequence[str] = (),
    ) -> list[PushIntent]:
        """Take up to `limit` due intents of one object, oldest version first, and open an attempt for each.

        What has an unsettled intent of one of `parents` under the same parent key waits. Raises LeaseLost.
        """
        with self._writing(lease) as unit:
            return claims.claim(unit, connection, object_name, limit, now, lease, parents)

    def claim_urgent(
        self,
        connection: str,
        object_name: str,
        limit: int,
        now: datetime,
        lease: Lease,
        parents: Sequence[str] = (),
        children: Sequence[str] = (),
    ) -> list[PushIntent]:
        """As `claim`, of the urgent alone, highest priority first, and of what urgent intents of `children` wait for.

        Raises LeaseLost.
        """
        with self._writing(lease) as unit:
            return claims.claim_urgent(unit, connection, object_name, limit, now, lease, parents, children)

    def urgent_due(self, connection: str, objects: Sequence[str], now: datetime) -> bool:
        """Whether an urgent intent of these objects is due."""
        query = claims.urgent(connection, objects, now)
        with self._transactions.read() as db:
            return db.execute(query.limit(1)).first() is not None

    def take_over(self, connection: str, lease: Lease, at: datetime) -> list[PushIntent]:
        """What was claimed under leases that have expired since, as `unknown` and ours: it is to be read back.

        Raises LeaseLost when `lease` itself has expired.
        """
        if not self.claimed_by_others(connection, lease):
            return []
        with self._writing(lease) as unit:
            return claims.take_over(unit, connection, lease, self.leases, at)

    def claimed_by_others(self, connection: str, lease: Lease | None = None, objects: Sequence[str] = ()) -> int:
        """How many intents (of `objects`, if any are named) are on their way under other leases, living or expired."""
        query = select(func.count()).where(
            push_intent.c.connection == connection, stands_in(push_intent.c.state, *claims.ON_THE_WAY)
        )
        if objects:
            query = query.where(push_intent.c.object.in_(objects))
        if lease is not None:
            query = query.where(push_intent.c.lease_token != lease.token)
        with self._transactions.read() as db:
            return int(db.execute(query).scalar() or 0)

    def settle(self, settlements: Sequence[Settlement], lease: Lease | None = None) -> None:
        """Close the open attempt of each intent and move its state, in one transaction.

        What would wait or be held although a newer version of its record exists is superseded: sent later than that
        one it would put back an old value. Stores nothing and raises ValueError when a move is not in
        domain.push.ALLOWED, LeaseLost when `lease` has expired or did not claim it.
        """
        if not settlements:
            return
        with self._writing(lease) as unit:
            settling.settle(unit, settlements, lease)

    @contextmanager
    def _writing(self, lease: Lease | None) -> Iterator[Unit]:
        with self._transactions.write() as unit:
            if lease is not None:
                self.leases.require(unit, lease)
            yield unit

    def record_read_back(self, intents: Sequence[PushIntent], at: datetime, lease: Lease | None = None) -> None:
        """Open an attempt of kind `read_back` for each; `settle` closes it with what was found. Raises LeaseLost."""
        if not intents:
            return
        with self._writing(lease) as unit:
            claims.open_attempts(unit, [(intent.intent_id, 0) for intent in intents], "read_back", at)

    def in_states(self, connection: str, states: Sequence[IntentState], object_name: str = "") -> list[PushIntent]:
        """Intents in any of these states, oldest first."""
        query = select(push_intent).where(
            push_intent.c.connection == connection, stands_in(push_intent.c.state, *states)
        )
        if object_name:
            query = query.where(push_intent.c.object == object_name)
        with self._transactions.read() as db:
            return [to_intent(row) for row in db.execute(query.order_by(push_intent.c.created_at))]

    def waiting(self, connection: str, object_name: str) -> int:
        """How many intents of an object wait, due or not."""
        query = select(func.count()).where(
            push_intent.c.connection == connection, push_intent.c.object == object_name, claims.PENDING
        )
        with self._transactions.read() as db:
            return int(db.execute(query).scalar() or 0)

    def unsettled(self, connection: str, object_name: str) -> int:
        """How many intents of an object wait or are on their way."""
        query = select(func.count()).where(
            push_intent.c.connection == connection,
            push_intent.c.object == object_name,
            stands_in(push_intent.c.state, *OPEN_STATES),
        )
        with self._transactions.read() as db:
            return int(db.execute(query).scalar() or 0)

    def next_due(self, connection: str, object_name: str) -> datetime | None:
        """When the earliest waiting intent of an object may be tried; None when nothing waits."""
        query = select(func.min(push_intent.c.next_attempt_at)).where(
            push_intent.c.connection == connection,
            push_intent.c.object == object_name,
            claims.PENDING,
        )
        with self._transactions.read() as db:
            return db.execute(query).scalar()

    def attempts_by_intent(self, intents: Sequence[PushIntent]) -> dict[str, int]:
        """Delivery attempts made so far, for many."""
        found: dict[str, int] = {}
        ids = [intent.intent_id for intent in intents]
        with self._transactions.read() as db:
            for part in parts(ids):
                query = select(push_intent.c.intent_id, push_intent.c.attempts).where(push_intent.c.intent_id.in_(part))
                found.update({row.intent_id: row.attempts for row in db.execute(query)})
        return found

    def last_attempt(self) -> int:
        """Highest attempt id, 0 while there is none."""
        with self._transactions.read() as db:
            return int(db.execute(select(func.max(push_attempt.c.attempt_id))).scalar() or 0)

    def ended_attempts(self, after: int, limit: int) -> list[Mapping[str, Any]]:
        """Attempts beyond `after` by id, up to the first that has not ended, with what they were for; times in UTC."""
        beyond = push_attempt.c.attempt_id > after
        with self._transactions.read() as db:
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
        with self._transactions.read() as db:
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
        with self._transactions.read() as db:
            return [dict(row._mapping) for row in db.execute(query)]
