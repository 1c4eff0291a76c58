"""Finding cases: one by one, by what people know of them, and as groups of the same fingerprint."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Select, func, or_, select

from arsync_pipelines.domain.cases import UNRESOLVED, CaseState
from arsync_pipelines.ops.bulk import parts
from arsync_pipelines.ops.cases.rows import Case, Note, to_case
from arsync_pipelines.ops.tables import case_note, exception_case


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases; "", () and None do not restrict. `customer`: id, or a part of the name. Times are of `first_seen`.

    `overdue_at`: only those whose SLA is breached at that instant.
    """

    case_ids: tuple[str, ...] = ()
    fingerprint: str = ""
    states: tuple[CaseState, ...] = UNRESOLVED
    origin: str = ""
    failure_class: str = ""
    code: str = ""
    connection: str = ""
    object: str = ""
    owner: str = ""
    assignee: str = ""
    customer: str = ""
    legal_entity_id: str = ""
    region: str = ""
    business_key: str = ""
    since: datetime | None = None
    until: datetime | None = None
    overdue_at: datetime | None = None


STANDING_CASES = CaseFilter()
"""All that are not resolved."""


@dataclass(slots=True)
class CaseGroup:
    """Cases with one fingerprint. `amounts`: at risk, by currency; `sla_due_at`: of the one that is due first."""

    fingerprint: str
    origin: str
    failure_class: str
    code: str
    connection: str
    object: str
    legal_entity_id: str
    field: str
    owner: str
    example: str
    first_seen_at: datetime
    last_seen_at: datetime
    sla_due_at: datetime
    cases: int = 0
    occurrences: int = 0
    overdue: int = 0
    amounts: dict[str, Decimal] = dataclasses.field(default_factory=dict)


def find(db: Connection, wanted: CaseFilter, limit: int | None = None) -> list[Case]:
    """Cases, the one that is due first before the others."""
    order = (exception_case.c.sla_due_at, exception_case.c.case_id)
    found = [
        to_case(row)
        for query in _queries(select(exception_case), wanted)
        for row in db.execute(query.order_by(*order).limit(limit))
    ]
    return sorted(found, key=lambda case: (case.sla_due_at, case.case_id))[:limit]


def count(db: Connection, wanted: CaseFilter) -> int:
    """How many `find` would see without its limit."""
    queries = _queries(select(func.count(exception_case.c.case_id)), wanted)
    return sum(int(db.execute(query).scalar() or 0) for query in queries)


def groups(cases: Sequence[Case], now: datetime) -> list[CaseGroup]:
    """Cases by fingerprint: the group with breached SLAs first, then by when it is due."""
    found: dict[str, CaseGroup] = {}
    for case in cases:
        group = found.get(case.fingerprint)
        if group is None:
            group = found[case.fingerprint] = CaseGroup(
                case.fingerprint, case.origin, case.failure_class, case.code, case.connection, case.object,
                case.legal_entity_id, case.field, case.owner, case.message, case.first_seen_at, case.last_seen_at,
                case.sla_due_at,
            )  # fmt: skip
        group.cases += 1
        group.occurrences += case.occurrences
        group.overdue += case.is_overdue(now)
        group.first_seen_at = min(group.first_seen_at, case.first_seen_at)
        group.last_seen_at = max(group.last_seen_at, case.last_seen_at)
        group.sla_due_at = min(group.sla_due_at, case.sla_due_at)
        if case.amount is not None:
            group.amounts[case.currency] = group.amounts.get(case.currency, Decimal(0)) + case.amount
    return sorted(found.values(), key=lambda g: (-(g.overdue > 0), g.sla_due_at, g.fingerprint))


def starting_with(db: Connection, prefix: str) -> list[str]:
    """Up to two ids that begin so: one is what was meant, two are too many."""
    escaped = prefix.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    like = exception_case.c.case_id.like(f"{escaped}%", escape="\\")
    return list(db.execute(select(exception_case.c.case_id).where(like).limit(2)).scalars())


def notes(db: Connection, case_id: str) -> list[Note]:
    """What happened to a case, in order."""
    columns = case_note.c
    query = select(columns.case_id, columns.at, columns.actor, columns.event, columns.state, columns.text)
    rows = db.execute(query.where(columns.case_id == case_id).order_by(columns.note_id))
    return [Note(**row._mapping) for row in rows]


def _queries(query: Select[Any], wanted: CaseFilter) -> list[Select[Any]]:
    """One, or several that share the ids wanted among them."""
    columns = exception_case.c
    equal = (
        "fingerprint", "origin", "failure_class", "code", "connection", "object", "owner", "assignee",
        "legal_entity_id", "region", "business_key",
    )  # fmt: skip
    query = query.where(*(columns[name] == getattr(wanted, name) for name in equal if getattr(wanted, name)))
    if wanted.states:
        query = query.where(columns.state.in_([state.value for state in wanted.states]))
    if wanted.customer:
        named = func.lower(columns.customer_name).contains(wanted.customer.lower(), autoescape=True)
        query = query.where(or_(columns.customer_id == wanted.customer, named))
    if wanted.since:
        query = query.where(columns.first_seen_at >= wanted.since)
    if wanted.until:
        query = query.where(columns.first_seen_at < wanted.until)
    if wanted.overdue_at:
        running = columns.state.in_([CaseState.OPEN.value, CaseState.REPLAYING.value])
        query = query.where(running, columns.sla_due_at < wanted.overdue_at)
    if not wanted.case_ids:
        return [query]
    return [query.where(columns.case_id.in_(part)) for part in parts(sorted(set(wanted.case_ids)))]
