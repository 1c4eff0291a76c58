"""What may leave the store, as data: which rows of which table have ended, and the rows that go with them.

Nothing that is open, held or unsettled ever matches. Of each record the newest version stays, and the newest that was
acknowledged: order, idempotence and the comparison with what the target holds rest on them. The row with the highest
number of a counted table stays too, so that no number is given twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, and_, exists, func, or_, select

from arsync_pipelines.domain.cases import CaseState
from arsync_pipelines.domain.inbox import InboxState
from arsync_pipelines.domain.push import IntentState
from arsync_pipelines.ops.rows import OPEN_STATES, stands_in
from arsync_pipelines.ops.settling import same_key
from arsync_pipelines.ops.tables import (
    alert,
    alert_message,
    case_note,
    exception_case,
    inbox_event,
    push_attempt,
    push_intent,
    push_key,
)
from arsync_pipelines.ops.tables.cases import STANDING

AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class Kind:
    """Rows of `table` that leave together with those of `parts` (table, column that names the row).

    `began` and `ended` say between which instants a row lived; `may_leave(before)` which rows ended before an instant.
    `state`: column whose values are counted, where there is one.
    """

    name: str
    table: Table
    key: Column[Any]
    began: Column[Any]
    ended: ColumnElement[Any]
    may_leave: Callable[[datetime], Sequence[ColumnElement[bool]]]
    parts: tuple[tuple[Table, Column[Any]], ...] = ()
    state: Column[Any] | None = None


_later = push_intent.alias("later")
_ENDED = (IntentState.ACKNOWLEDGED, IntentState.SUPERSEDED)


def _intents(before: datetime) -> list[ColumnElement[bool]]:
    mine = push_intent.c
    replaced = exists(select(1).where(same_key(), push_key.c.latest_version > mine.version))
    acknowledged_since = exists(
        select(1).where(
            _later.c.connection == mine.connection,
            _later.c.object == mine.object,
            _later.c.business_key == mine.business_key,
            _later.c.version > mine.version,
            _later.c.state == IntentState.ACKNOWLEDGED.value,
        )
    )
    under_way = exists(select(1).where(push_attempt.c.intent_id == mine.intent_id, push_attempt.c.ended_at.is_(None)))
    newest_attempt = select(push_attempt.c.intent_id).order_by(push_attempt.c.attempt_id.desc()).limit(1)
    return [
        mine.state.in_([state.value for state in _ENDED]),
        mine.settled_at < before,
        replaced,
        or_(mine.state != IntentState.ACKNOWLEDGED.value, acknowledged_since),
        mine.intent_id.not_in(select(exception_case.c.intent_id).where(STANDING)),
        ~under_way,
        mine.intent_id != func.coalesce(newest_attempt.scalar_subquery(), ""),
    ]


def _events(before: datetime) -> list[ColumnElement[bool]]:
    mine = inbox_event.c
    return [
        mine.state.in_([InboxState.DONE.value, InboxState.IGNORED.value]),
        mine.settled_at < before,
        mine.inbox_id < select(func.max(inbox_event.c.inbox_id)).scalar_subquery(),
    ]


def _cases(before: datetime) -> list[ColumnElement[bool]]:
    mine = exception_case.c
    newest_note = select(case_note.c.case_id).order_by(case_note.c.note_id.desc()).limit(1)
    states = (IntentState.REJECTED, IntentState.DEAD, *OPEN_STATES)
    unsettled = [select(push_intent.c.intent_id).where(stands_in(push_intent.c.state, state)) for state in states]
    return [
        mine.state == CaseState.RESOLVED.value,
        mine.moved_at < before,
        *(mine.intent_id.not_in(query) for query in unsettled),
        mine.case_id != func.coalesce(newest_note.scalar_subquery(), ""),
    ]


def _alerts(before: datetime) -> list[ColumnElement[bool]]:
    mine = alert.c
    # people were told that it is over, or never that it began
    told = or_(mine.last_sent_at.is_(None), mine.last_sent_at >= mine.recovered_at)
    return [and_(mine.recovered_at.is_not(None), mine.recovered_at < before), told]


def _messages(before: datetime) -> list[ColumnElement[bool]]:
    mine = alert_message.c
    return [_message_ended < before, mine.message_id < select(func.max(alert_message.c.message_id)).scalar_subquery()]


_message_ended: ColumnElement[Any] = func.coalesce(alert_message.c.sent_at, alert_message.c.gave_up_at)

KINDS: tuple[Kind, ...] = (
    Kind(
        "intents", push_intent, push_intent.c.intent_id, push_intent.c.created_at, push_intent.c.settled_at, _intents,
        ((push_attempt, push_attempt.c.intent_id),), push_intent.c.state,
    ),
    Kind(
        "inbox", inbox_event, inbox_event.c.inbox_id, inbox_event.c.received_at, inbox_event.c.settled_at, _events,
        state=inbox_event.c.state,
    ),
    Kind(
        "cases", exception_case, exception_case.c.case_id, exception_case.c.first_seen_at, exception_case.c.moved_at,
        _cases, ((case_note, case_note.c.case_id),), exception_case.c.state,
    ),
    Kind("alerts", alert, alert.c.fingerprint, alert.c.opened_at, alert.c.recovered_at, _alerts),
    Kind(
        "messages", alert_message, alert_message.c.message_id, alert_message.c.created_at, _message_ended, _messages
    ),
)  # fmt: skip
"""All but the audit, which leaves as a beginning of its chain and not by what its rows tell of."""

TABLES = {table.name: table for kind in KINDS for table in (kind.table, *(part for part, _ in kind.parts))}
