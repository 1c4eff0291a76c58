"""Held intents as problems: what a look at one connection's pushes finds, and what became of those it finds no more."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from arsync_pipelines.domain.cases import Problem
from arsync_pipelines.domain.push import IntentState
from arsync_pipelines.ops.bulk import parts
from arsync_pipelines.ops.cases.rows import Case
from arsync_pipelines.ops.cases.seen import Look, Seen
from arsync_pipelines.ops.planned import supersede
from arsync_pipelines.ops.rows import OPEN_STATES
from arsync_pipelines.ops.settling import same_key
from arsync_pipelines.ops.tables import push_intent, push_key
from arsync_pipelines.ops.tables.cases import HELD
from arsync_pipelines.ops.unit import Unit

_WHY = {
    IntentState.ACKNOWLEDGED: "the target accepted the change",
    IntentState.SUPERSEDED: "the change is no longer wanted",
    IntentState.REJECTED: "it is refused for another reason now",
    IntentState.DEAD: "it fails for another reason now",
}


@dataclass(frozen=True, slots=True)
class HeldIntent:
    """A rejected or dead intent with its payload."""

    intent_id: str
    connection: str
    object: str
    business_key: str
    state: IntentState
    failure_class: str
    code: str
    message: str
    payload: Mapping[str, Any]
    correlation_id: str
    held_at: datetime


Describe = Callable[[HeldIntent], Problem | None]
"""What is wrong with a held intent; None: nothing any more, the difference has gone."""


def look(connection: str, describe: Describe, now: datetime) -> Look:
    """A look at the held intents of `connection`, inside the transaction that moves the cases."""

    def run(unit: Unit, standing: Sequence[Case]) -> Seen:
        problems, gone = [], []
        for intent in _held(unit, connection):
            problem = describe(intent)
            if problem is None:
                gone.append(intent)
            else:
                problems.append(problem)
        _give_up(unit, gone, now)
        named = {problem.case_id for problem in problems}
        under_way, why = _became(unit, connection, [case for case in standing if case.case_id not in named])
        return Seen(problems, frozenset(under_way), why)

    return run


def _held(unit: Unit, connection: str) -> list[HeldIntent]:
    columns = push_intent.c
    query = (
        select(columns.intent_id, columns.connection, columns.object, columns.business_key, columns.state,
               columns.failure_class, columns.code, columns.message, columns.payload, columns.correlation_id,
               columns.settled_at)
        .where(columns.connection == connection, HELD)
        .order_by(columns.settled_at, columns.intent_id)
    )  # fmt: skip
    return [
        HeldIntent(
            row.intent_id, row.connection, row.object, row.business_key, IntentState(row.state),
            row.failure_class or "", row.code, row.message, json.loads(row.payload), row.correlation_id, row.settled_at,
        )
        for row in unit.db.execute(query)
    ]  # fmt: skip


def _give_up(unit: Unit, gone: Sequence[HeldIntent], now: datetime) -> None:
    """Supersede held intents that nothing stands behind any more; those that were let go meanwhile are left alone."""
    if not gone:
        return
    by_id = {intent.intent_id: intent for intent in gone}
    still: list[str] = []
    for part in parts(sorted(by_id)):
        query = select(push_intent.c.intent_id).where(push_intent.c.intent_id.in_(part), HELD).with_for_update()
        still += unit.db.execute(query).scalars()
    supersede(unit, still, now)
    for intent_id in still:
        unit.note(
            now,
            "intent.superseded",
            "intent",
            intent_id,
            by_id[intent_id].correlation_id,
            why="the difference has gone",
        )


def _became(unit: Unit, connection: str, cases: Sequence[Case]) -> tuple[set[str], dict[str, str]]:
    """Of cases without a held intent: those whose newest intent is on its way, and why the others are right."""
    newest: dict[tuple[str, str], IntentState] = {}
    for part in parts(sorted({case.business_key for case in cases})):
        query = (
            select(push_intent.c.object, push_intent.c.business_key, push_intent.c.state)
            .join(push_key, same_key() & (push_key.c.latest_version == push_intent.c.version))
            .where(push_key.c.connection == connection, push_key.c.business_key.in_(part))
        )
        newest.update({(row.object, row.business_key): IntentState(row.state) for row in unit.db.execute(query)})
    under_way, why = set(), {}
    for case in cases:
        state = newest.get((case.object, case.business_key))
        if state in OPEN_STATES:
            under_way.add(case.case_id)
        else:
            why[case.case_id] = _WHY[state] if state else "nothing is planned for this record"
    return under_way, why
