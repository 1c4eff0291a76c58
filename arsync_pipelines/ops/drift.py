"""Repository of drift: what we have written to records, and what others did to them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select

from arsync_pipelines.domain.drift import DriftFinding, FieldDrift, FieldEdit, Verdict, Written
from arsync_pipelines.domain.push import IntentState
from arsync_pipelines.domain.redaction import redact_text
from arsync_pipelines.ops.bulk import insert_into, parts
from arsync_pipelines.ops.rows import stands_in
from arsync_pipelines.ops.tables import drift_finding, push_intent
from arsync_pipelines.ops.unit import Transactions, Unit


@dataclass(frozen=True, slots=True)
class DriftFilter:
    """Which findings; "" and None do not restrict. `since` is of when they were found."""

    connection: str = ""
    object: str = ""
    business_key: str = ""
    kind: str = ""
    action: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class FoundDrift:
    """A finding and where its intent stands, None when nothing is sent for it."""

    finding: DriftFinding
    state: IntentState | None


class DriftStore:
    """Reads findings, and the values of ours that they were judged by. Findings are added with the intents that put
    them right, see ops.intents."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def written(self, connection: str, object_name: str, keys: Sequence[str]) -> dict[str, Written]:
        """What we have written to records, for those of `keys` to which anything was acknowledged."""
        columns = push_intent.c
        acknowledged = stands_in(columns.state, IntentState.ACKNOWLEDGED)
        found: dict[str, list[Row[Any]]] = {}
        with self._transactions.read() as db:
            for part in parts(list(keys)):
                mine = [columns.connection == connection, columns.object == object_name, columns.business_key.in_(part)]
                last = (
                    select(columns.business_key, func.max(columns.version).label("version"))
                    .where(*mine, acknowledged)
                    .group_by(columns.business_key)
                    .subquery()
                )
                query = (
                    select(columns.business_key, columns.version, columns.payload, columns.settled_at)
                    .join(last, (columns.business_key == last.c.business_key) & (columns.version >= last.c.version))
                    # what was never sent cannot have arrived
                    .where(*mine, acknowledged | (columns.attempts > 0))
                    .order_by(columns.business_key, columns.version)
                )
                for row in db.execute(query):
                    found.setdefault(row.business_key, []).append(row)
        return {
            key: Written([json.loads(row.payload) for row in rows], rows[0].settled_at) for key, rows in found.items()
        }

    def known(self, ids: Sequence[str]) -> set[str]:
        """Those of these finding ids that are kept already."""
        with self._transactions.read() as db:
            return {
                row.finding_id
                for part in parts(list(ids))
                for row in db.execute(
                    select(drift_finding.c.finding_id).where(drift_finding.c.finding_id.in_(part))
                )
            }  # fmt: skip

    def repairs(self, connection: str, object_name: str, keys: Sequence[str], since: datetime) -> dict[str, int]:
        """How often each of these records was put right since then."""
        columns = drift_finding.c
        with self._transactions.read() as db:
            return {
                row.business_key: int(row.times)
                for part in parts(list(keys))
                for row in db.execute(
                    select(columns.business_key, func.count().label("times"))
                    .where(columns.connection == connection, columns.object == object_name)
                    .where(columns.business_key.in_(part), columns.found_at >= since, columns.intent_id != "")
                    .group_by(columns.business_key)
                )
            }  # fmt: skip

    def find(self, wanted: DriftFilter = DriftFilter(), limit: int | None = None) -> list[FoundDrift]:
        """Findings, newest first."""
        query = (
            select(drift_finding, push_intent.c.state)
            .outerjoin(push_intent, drift_finding.c.intent_id == push_intent.c.intent_id)
            .where(*_conditions(wanted))
            .order_by(drift_finding.c.found_at.desc(), drift_finding.c.finding_id)
            .limit(limit)
        )
        with self._transactions.read() as db:
            return [
                FoundDrift(_finding(row), IntentState(row.state) if row.state else None) for row in db.execute(query)
            ]

    def count(self, wanted: DriftFilter = DriftFilter()) -> int:
        """How many `find` would see without its limit."""
        query = select(func.count(drift_finding.c.finding_id)).where(*_conditions(wanted))
        with self._transactions.read() as db:
            return int(db.execute(query).scalar() or 0)

    def standing(self, connection: str) -> list[DriftFinding]:
        """What waits for a person: of each record the newest finding, where nothing was sent for it and no later
        version of the record was planned since."""
        columns, later = drift_finding.c, drift_finding.alias("later")
        same = (later.c.connection == columns.connection) & (later.c.object == columns.object)
        same &= (later.c.business_key == columns.business_key) & (later.c.found_at > columns.found_at)
        planned = (push_intent.c.connection == columns.connection) & (push_intent.c.object == columns.object)
        planned &= (push_intent.c.business_key == columns.business_key) & (push_intent.c.created_at > columns.found_at)
        query = (
            select(drift_finding)
            .where(columns.connection == connection, columns.action == "case")
            .where(~select(later.c.finding_id).where(same).exists())
            .where(~select(push_intent.c.intent_id).where(planned).exists())
            .order_by(columns.found_at, columns.finding_id)
        )
        with self._transactions.read() as db:
            return [_finding(row) for row in db.execute(query)]


def add(unit: Unit, findings: Sequence[DriftFinding], now: datetime) -> None:
    """Keep findings that are not kept yet, and tell the audit of them."""
    for finding in findings:
        stored = insert_into(unit.db, drift_finding).values(_row(finding)).on_conflict_do_nothing()
        if not unit.db.execute(stored).rowcount:
            continue
        detail = {
            "connection": finding.connection, "object": finding.object, "key": finding.business_key,
            "what": finding.kind, "done": finding.action, "fields": sorted(finding.fields or ()),
            "by": finding.by_id, "own_user": finding.is_own_user, "intent": finding.intent_id,
        }  # fmt: skip
        unit.note(now, "drift.found", "drift", finding.finding_id, finding.correlation_id, **detail)


def _conditions(wanted: DriftFilter) -> list[ColumnElement[bool]]:
    columns = drift_finding.c
    named = {name: getattr(wanted, name) for name in ("connection", "object", "business_key", "kind", "action")}
    conditions: list[ColumnElement[bool]] = [columns[name] == value for name, value in named.items() if value]
    if wanted.since:
        conditions.append(columns.found_at >= wanted.since)
    return conditions


def _row(finding: DriftFinding) -> dict[str, Any]:
    given = {name: getattr(finding, name) for name in finding.__slots__ if name not in ("fields", "by")}
    fields = {name: _field_data(field) for name, field in (finding.fields or {}).items()}
    text = json.dumps(fields, sort_keys=True, ensure_ascii=False, default=str)
    return given | {"by_name": redact_text(finding.by)[:255], "fields": text}


def _finding(row: Row[Any]) -> DriftFinding:
    values = {name: getattr(row, name) for name in DriftFinding.__slots__ if name not in ("fields", "by")}
    fields = {name: _field(data) for name, data in json.loads(row.fields).items()}
    return DriftFinding(by=row.by_name, fields=fields, **values)


def _field_data(field: FieldDrift) -> dict[str, Any]:
    data = asdict(field)
    if field.edit:
        data["edit"] |= {"by": redact_text(field.edit.by)[:255], "changed_at": field.edit.changed_at.isoformat()}
    return data | {"edit_unknown": redact_text(field.edit_unknown)[:500]}


def _field(data: dict[str, Any]) -> FieldDrift:
    """Findings of earlier versions have no `edit`."""
    edit = data.get("edit")
    if edit:
        edit = FieldEdit(**edit | {"changed_at": datetime.fromisoformat(edit["changed_at"])})
    return FieldDrift(**data | {"verdict": Verdict(data["verdict"]), "edit": edit})
