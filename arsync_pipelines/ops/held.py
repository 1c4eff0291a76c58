"""Held intents: rejected by the target, or dead after their last attempt. They stay where they are until they are
replayed or a newer version supersedes them; nothing drops them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select, update

from arsync_pipelines.domain.push import IntentState
from arsync_pipelines.domain.redaction import redact_text
from arsync_pipelines.ops.bulk import parts
from arsync_pipelines.ops.planned import supersede
from arsync_pipelines.ops.rows import stands_in
from arsync_pipelines.ops.settling import same_key
from arsync_pipelines.ops.tables import push_intent, push_key
from arsync_pipelines.ops.unit import Transactions

_HELD = stands_in(push_intent.c.state, IntentState.REJECTED, IntentState.DEAD)


@dataclass(frozen=True, slots=True)
class HeldFilter:
    """Which held intents; "", () and None do not restrict. Times are of when they came to be held."""

    intent_ids: tuple[str, ...] = ()
    connection: str = ""
    object: str = ""
    state: IntentState | None = None
    code: str = ""
    business_key: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A held intent as people see it."""

    intent_id: str
    connection: str
    object: str
    business_key: str
    version: int
    state: IntentState
    failure_class: str
    code: str
    message: str
    attempts: int
    correlation_id: str
    held_at: datetime


class HeldStore:
    """Dead letters and rejected intents."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def find(self, wanted: HeldFilter = HeldFilter(), limit: int | None = None) -> list[Held]:
        """Held intents, longest held first."""
        found: list[Held] = []
        with self._transactions.read() as db:
            for query in _queries(select(push_intent), wanted):
                ordered = query.order_by(push_intent.c.settled_at, push_intent.c.intent_id).limit(limit)
                found += [_held(row) for row in db.execute(ordered)]
        return sorted(found, key=lambda held: (held.held_at, held.intent_id))[:limit]

    def count(self, wanted: HeldFilter = HeldFilter()) -> int:
        """How many `find` would see without its limit."""
        with self._transactions.read() as db:
            queries = _queries(select(func.count(push_intent.c.intent_id)), wanted)
            return sum(int(db.execute(query).scalar() or 0) for query in queries)

    def replay(self, intent_ids: Sequence[str], now: datetime, actor: str, reason: str) -> list[str]:
        """Let held intents wait to be sent again, with a fresh budget of attempts. Returns the ids of those moved.

        Safe twice: what is no longer held is left alone, what a newer version has replaced is superseded and not sent.
        """
        moved = []
        with self._transactions.write() as unit:
            for part in parts(sorted(set(intent_ids))):
                held = (push_intent.c.intent_id.in_(part), _HELD)
                order = (push_key.c.connection, push_key.c.object, push_key.c.business_key)
                # keys first, as planning and settling do: in the other order each would wait for the other
                keys = select(push_key.c.business_key).join(push_intent, same_key()).where(*held).order_by(*order)
                unit.db.execute(keys.with_for_update(of=push_key)).all()
                query = (
                    select(push_intent.c.intent_id, push_intent.c.version, push_intent.c.state,
                           push_intent.c.correlation_id, push_key.c.latest_version)
                    .join(push_key, same_key())
                    .where(*held)
                    .order_by(*order)
                    .with_for_update(of=push_intent)
                )  # fmt: skip
                rows = unit.db.execute(query).all()
                stale = [row for row in rows if row.latest_version > row.version]
                again = [row for row in rows if row.latest_version <= row.version]
                supersede(unit, [row.intent_id for row in stale], now)
                unit.db.execute(
                    update(push_intent)
                    .where(push_intent.c.intent_id.in_([row.intent_id for row in again]))
                    .values(state=IntentState.PENDING.value, next_attempt_at=now, attempts=0, settled_at=None)
                )
                for row in stale:
                    by = row.latest_version
                    unit.note(now, "intent.superseded", "intent", row.intent_id, row.correlation_id, by_version=by)
                told = {"by": redact_text(actor)[:100], "reason": redact_text(reason)[:500]}
                for row in again:
                    unit.note(
                        now, "intent.replayed", "intent", row.intent_id, row.correlation_id, was=row.state, **told
                    )
                moved += [row.intent_id for row in again]
        return moved


def _queries(query: Select[Any], wanted: HeldFilter) -> list[Select[Any]]:
    """One, or several that share the ids wanted among them."""
    columns = push_intent.c
    named = {name: getattr(wanted, name) for name in ("connection", "object", "code", "business_key", "state")}
    conditions: list[ColumnElement[bool]] = [_HELD]
    conditions += [columns[name] == str(value) for name, value in named.items() if value]
    if wanted.since:
        conditions.append(columns.settled_at >= wanted.since)
    if wanted.until:
        conditions.append(columns.settled_at < wanted.until)
    query = query.where(*conditions)
    if not wanted.intent_ids:
        return [query]
    return [query.where(columns.intent_id.in_(part)) for part in parts(sorted(set(wanted.intent_ids)))]


def _held(row: Row[Any]) -> Held:
    return Held(
        row.intent_id, row.connection, row.object, row.business_key, row.version, IntentState(row.state),
        row.failure_class or "", row.code, row.message, row.attempts, row.correlation_id, row.settled_at,
    )  # fmt: skip
