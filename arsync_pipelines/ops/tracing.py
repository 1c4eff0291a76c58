"""What the operational store knows of one fact: its intents with every attempt, and what the audit was told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select

from arsync_pipelines.ops.audit.chain import AuditRow
from arsync_pipelines.ops.bulk import parts
from arsync_pipelines.ops.tables import audit_event, push_attempt, push_intent
from arsync_pipelines.ops.unit import Transactions


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at an intent; `ended_at` None while it is under way."""

    intent_id: str
    number: int
    kind: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str
    code: str
    message: str


class TraceStore:
    """Reads only."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def intents(self, key: str, limit: int) -> list[Mapping[str, Any]]:
        """Rows of push_intent with this correlation id, intent id or business key, newest first."""
        columns = push_intent.c
        query = select(push_intent).where(
            or_(columns.correlation_id == key, columns.intent_id == key, columns.business_key == key)
        )
        newest = query.order_by(columns.created_at.desc(), columns.version.desc()).limit(limit)
        with self._transactions.read() as db:
            return [dict(row._mapping) for row in db.execute(newest)]

    def attempts(self, intent_ids: Sequence[str]) -> list[Attempt]:
        """All attempts at these intents, in the order in which they were made."""
        found: list[Attempt] = []
        with self._transactions.read() as db:
            for part in parts(list(intent_ids)):
                query = select(push_attempt).where(push_attempt.c.intent_id.in_(part))
                found += [
                    Attempt(
                        row.intent_id, row.number, row.kind, row.started_at, row.ended_at, row.outcome or "", row.code,
                        row.message,
                    )
                    for row in db.execute(query.order_by(push_attempt.c.attempt_id))
                ]  # fmt: skip
        return found

    def audit(self, correlation_ids: Sequence[str]) -> list[AuditRow]:
        """What was told under these ids, in the order of the chain."""
        found: list[AuditRow] = []
        with self._transactions.read() as db:
            for part in parts(sorted(set(correlation_ids))):
                query = select(audit_event).where(
                    audit_event.c.correlation_id.in_(part), audit_event.c.correlation_id != ""
                )
                found += [AuditRow(**row._mapping) for row in db.execute(query)]
        return sorted(found, key=lambda row: row.seq)
