"""What the data says of cases: problems that are there open or reopen one, problems that are gone resolve theirs.

Whoever looks says all that is wrong within a scope; what stands open there and was not named is right again. Each look
is one transaction, and two never overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, text

from arsync_pipelines.domain.cases import CaseEvent, CaseState, Origin, Problem, moved
from arsync_pipelines.ops.bulk import parts, set_each
from arsync_pipelines.ops.cases.rows import ARSYNC, Case, Note, due, new_row, note_of, shown, tell, to_case
from arsync_pipelines.ops.tables import exception_case
from arsync_pipelines.ops.tables.cases import STANDING
from arsync_pipelines.ops.unit import Transactions, Unit

_LOCK = 0x63617365  # any number that nobody else takes an advisory lock on
_FIXED = {"case_id", "origin", "code", "connection", "object", "first_seen_at", "assignee"}
_MOVING = [exception_case.c[f.name] for f in fields(Case) if f.name not in _FIXED]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look found: all problems, and of those standing that it did not name, which wait to be sent again
    (`under_way`) and what made the others right (`why`)."""

    problems: Sequence[Problem]
    under_way: frozenset[str] = frozenset()
    why: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Changes:
    """How many cases a look moved, by event; `standing` are those that it left unresolved."""

    events: dict[str, int] = field(default_factory=dict)
    standing: int = 0

    def add(self, other: Changes) -> Changes:
        """Both together."""
        names = {*self.events, *other.events}
        summed = {name: self.events.get(name, 0) + other.events.get(name, 0) for name in sorted(names)}
        return Changes(summed, self.standing + other.standing)


Look = Callable[[Unit, Sequence[Case]], Seen]
"""(open transaction, cases that stand in the scope) -> what is wrong now."""


def observe(transactions: Transactions, origin: Origin, connection: str, look: Look, now: datetime) -> Changes:
    """Open, touch, reopen and resolve the cases of one origin and, unless "", one connection."""
    with transactions.write() as unit:
        if unit.db.dialect.name == "postgresql":
            unit.db.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        query = select(exception_case).where(exception_case.c.origin == origin, STANDING)
        if connection:
            query = query.where(exception_case.c.connection == connection)
        query = query.order_by(exception_case.c.case_id).with_for_update()
        standing = {row.case_id: to_case(row) for row in unit.db.execute(query)}
        seen = look(unit, list(standing.values()))
        return _apply(unit, standing, seen, now)


def _apply(unit: Unit, standing: Mapping[str, Case], seen: Seen, now: datetime) -> Changes:
    problems = {problem.case_id: problem for problem in seen.problems}
    known = dict(standing) | _resolved(unit, [i for i in problems if i not in standing])
    opened, changed, notes = [], [], []
    for case_id, problem in problems.items():
        case = known.get(case_id)
        if case is None:
            state = moved(None, CaseEvent.OPENED)
            opened.append(new_row(problem, state, now))
            notes.append(
                Note(case_id, now, ARSYNC, CaseEvent.OPENED, state, f"{problem.code}: {problem.message}"[:500],
                     problem.correlation_id)
            )  # fmt: skip
            continue
        row, event = _again(case, problem, now)
        if event is not None:
            notes.append(note_of(case, event, row["state"], now, ARSYNC, problem.message[:500]))
        if row != _values(case):
            changed.append(row)
    for case_id, case in standing.items():
        if case_id in problems:
            continue
        event = CaseEvent.RESENT if case_id in seen.under_way else CaseEvent.RESOLVED
        if event is CaseEvent.RESENT and case.state is not CaseState.OPEN:
            continue
        state = moved(case.state, event)
        why = seen.why.get(case_id, "") if event is CaseEvent.RESOLVED else "its change waits to be sent again"
        row = _values(case) | {"state": state, "moved_at": now}
        changed.append(row | ({"waived_until": None, "waived_because": ""} if state is CaseState.RESOLVED else {}))
        notes.append(note_of(case, event, state, now, ARSYNC, why))
    if opened:
        unit.db.execute(insert(exception_case), opened)
    set_each(unit.db, exception_case, exception_case.c.case_id, _MOVING, [_stored(row) for row in changed])
    tell(unit, notes)
    counts = Changes().events
    for note in notes:
        counts[str(note.event)] = counts.get(str(note.event), 0) + 1
    left = len(standing) + len(opened) + counts.get("reopened", 0) - counts.get("resolved", 0)
    return Changes(counts, left)


def _resolved(unit: Unit, ids: Sequence[str]) -> dict[str, Case]:
    found: dict[str, Case] = {}
    for part in parts(ids):
        query = select(exception_case).where(exception_case.c.case_id.in_(part)).with_for_update()
        found.update({row.case_id: to_case(row) for row in unit.db.execute(query)})
    return found


def _again(case: Case, problem: Problem, now: datetime) -> tuple[dict[str, Any], CaseEvent | None]:
    """The row of a case whose problem is seen again, and the event that this is for it, if any."""
    row = _values(case) | shown(problem)
    event: CaseEvent | None = None
    happened = problem.evidence[:255] != case.evidence
    if happened:
        row |= {"evidence": problem.evidence[:255], "last_seen_at": problem.seen_at}
        row["occurrences"] = case.occurrences + 1
    if case.state is CaseState.RESOLVED:
        event = CaseEvent.REOPENED
    elif case.state is CaseState.REPLAYING and happened:
        event = CaseEvent.REFUSED
    elif case.state is CaseState.WAIVED and case.waived_until is not None and case.waived_until <= now:
        event = CaseEvent.WAIVER_ENDED
    if event is not None:
        row |= {"state": moved(case.state, event), "moved_at": now, "waived_until": None, "waived_because": ""}
        if event is not CaseEvent.REFUSED:  # a refusal does not give its owner more time
            row["sla_due_at"] = due(problem, now)
    return row, event


def _values(case: Case) -> dict[str, Any]:
    return {f.name: getattr(case, f.name) for f in fields(Case)}


def _stored(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "state": str(row["state"])}
