"""Between the values of domain.cases and the rows of the operational store, and how a move of a case is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, insert

from arsync_pipelines.domain.cases import CaseEvent, CaseState, Problem
from arsync_pipelines.domain.redaction import redact_text
from arsync_pipelines.ops.rows import MESSAGE_LENGTH
from arsync_pipelines.ops.tables import case_note
from arsync_pipelines.ops.unit import Unit

ARSYNC = "arsync"
"""Who moves a case because of what the data says."""


@dataclass(frozen=True, slots=True)
class Case:
    """An exception case as it is stored. Texts that are not known are "", an amount None."""

    case_id: str
    fingerprint: str
    origin: str
    state: CaseState
    failure_class: str
    code: str
    system: str
    connection: str
    object: str
    business_key: str
    field: str
    legal_entity_id: str
    customer_id: str
    customer_name: str
    region: str
    invoice: str
    amount: Decimal | None
    currency: str
    owner: str
    assignee: str
    message: str
    advice: str
    correlation_id: str
    intent_id: str
    evidence: str
    occurrences: int
    first_seen_at: datetime
    last_seen_at: datetime
    moved_at: datetime
    sla_due_at: datetime
    waived_until: datetime | None
    waived_because: str

    def is_overdue(self, now: datetime) -> bool:
        """Whether its SLA is breached: not resolved, not waived, and due before `now`."""
        return self.state in (CaseState.OPEN, CaseState.REPLAYING) and self.sla_due_at < now


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened to a case; `event` of domain.cases, `assigned` or `comment`."""

    case_id: str
    at: datetime
    actor: str
    event: str
    state: str
    text: str
    correlation_id: str = ""


def to_case(row: Row[Any]) -> Case:
    """The case of a row of exception_case."""
    values = dict(row._mapping)
    return Case(**(values | {"state": CaseState(values["state"])}))


def shown(problem: Problem) -> dict[str, Any]:
    """Columns that say what a problem is, as it was seen last."""
    failure = problem.failure
    return {
        "fingerprint": problem.fingerprint,
        "failure_class": (problem.failure_class or failure.failure_class).value,
        "system": problem.system,
        "business_key": problem.business_key[:255],
        "field": problem.field[:200],
        "legal_entity_id": problem.legal_entity_id,
        "customer_id": problem.customer_id,
        "customer_name": problem.customer_name,
        "region": problem.region,
        "invoice": problem.invoice[:255],
        "amount": problem.amount,
        "currency": problem.currency,
        "owner": problem.owner or failure.owner,
        "message": redact_text(problem.message or failure.title)[:MESSAGE_LENGTH],
        "advice": failure.advice,
        "correlation_id": problem.correlation_id,
        "intent_id": problem.intent_id,
    }


def new_row(problem: Problem, state: CaseState, now: datetime) -> dict[str, Any]:
    """Columns of a case that is opened."""
    return {
        "case_id": problem.case_id,
        "origin": problem.origin,
        "state": state.value,
        "code": problem.code,
        "connection": problem.connection,
        "object": problem.object,
        **shown(problem),
        "assignee": "",
        "evidence": problem.evidence[:255],
        "occurrences": 1,
        "first_seen_at": problem.seen_at,
        "last_seen_at": problem.seen_at,
        "moved_at": now,
        "sla_due_at": due(problem, now),
        "waived_until": None,
        "waived_because": "",
    }


def due(problem: Problem, since: datetime) -> datetime:
    """When a case should be closed that opened at `since`."""
    return since + timedelta(hours=problem.failure.sla_hours)


def tell(unit: Unit, notes: Sequence[Note]) -> None:
    """Store notes, and tell the audit of each, in the unit's transaction."""
    if not notes:
        return
    rows = []
    for note in notes:
        text, actor = redact_text(note.text)[:MESSAGE_LENGTH], redact_text(note.actor)[:100]
        rows.append(
            {"case_id": note.case_id, "at": note.at, "actor": actor, "event": str(note.event), "state": note.state,
             "text": text}
        )  # fmt: skip
        detail = {"state": note.state, "by": actor} | ({"text": text[:500]} if text else {})
        unit.note(note.at, f"case.{note.event}", "case", note.case_id, note.correlation_id, **detail)
    unit.db.execute(insert(case_note), rows)


def note_of(case: Case, event: CaseEvent | str, state: CaseState, at: datetime, actor: str, text: str = "") -> Note:
    """What is told of `case` when it comes to `state`."""
    return Note(case.case_id, at, actor, str(event), state.value, text, case.correlation_id)
