"""What the operational store and its archive know of one fact: its intents with every attempt, and what the audit was
told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select

from arsync_pipelines.ops.archive.store import ArchiveStore
from arsync_pipelines.ops.audit.chain import AuditRow
from arsync_pipelines.ops.bulk import parts
from arsync_pipelines.ops.inbox import InboxEntry, entry_of
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

    def __init__(self, transactions: Transactions, archive: ArchiveStore) -> None:
        self._transactions = transactions
        self._archive = archive

    def intents(self, key: str, limit: int) -> list[Mapping[str, Any]]:
        """Rows of push_intent with this correlation id, intent id or business key, newest first."""
        columns = push_intent.c
        query = select(push_intent).where(
            or_(columns.correlation_id == key, columns.intent_id == key, columns.business_key == key)
        )
        newest = query.order_by(columns.created_at.desc(), columns.version.desc()).limit(limit)
        with self._transactions.read() as db:
            return [dict(row._mapping) for row in db.execute(newest)]

    def archived_intents(self, keys: Sequence[str], notes: list[str]) -> list[dict[str, Any]]:
        """As `intents`, of all these keys and from the archive; what could not be read goes into `notes`."""
        found = self._archive.find("push_intent", keys, "correlation_id", "intent_id", "business_key")
        notes += found.notes
        return sorted(found.rows, key=lambda row: (row["created_at"], row["version"]), reverse=True)

    def archived_attempts(self, intent_ids: Sequence[str], notes: list[str]) -> list[Attempt]:
        """Attempts at intents that were archived, in the order in which they were made."""
        found = self._archive.find("push_attempt", intent_ids, "intent_id")
        notes += found.notes
        return [_attempt(row) for row in sorted(found.rows, key=lambda row: row["attempt_id"])]

    def archived_events(self, keys: Sequence[str], notes: list[str]) -> list[InboxEntry]:
        """Events with one of these correlation ids, event ids or record keys, from the archive."""
        found = self._archive.find("inbox_event", keys, "correlation_id", "event_id", "record_key")
        notes += found.notes
        return [entry_of(row) for row in sorted(found.rows, key=lambda row: row["inbox_id"])]

    def attempts(self, intent_ids: Sequence[str]) -> list[Attempt]:
        """All attempts at these intents, in the order in which they were made."""
        found: list[Attempt] = []
        with self._transactions.read() as db:
            for part in parts(list(intent_ids)):
                query = select(push_attempt).where(push_attempt.c.intent_id.in_(part))
                rows = db.execute(query.order_by(push_attempt.c.attempt_id)).mappings()
                found += [_attempt(dict(row)) for row in rows]
        return found

    def audit(
        self, correlation_ids: Sequence[str], since: datetime | None = None, notes: list[str] | None = None
    ) -> list[AuditRow]:
        """What was told under these ids, in the order of the chain. `since`: when the first of them came to be; where
        the store does not reach back so far, the archive is read as well."""
        found: list[AuditRow] = []
        with self._transactions.read() as db:
            oldest = db.execute(select(audit_event.c.at).order_by(audit_event.c.seq).limit(1)).scalar()
            for part in parts(sorted(set(correlation_ids))):
                query = select(audit_event).where(
                    audit_event.c.correlation_id.in_(part), audit_event.c.correlation_id != ""
                )
                found += [AuditRow(**row._mapping) for row in db.execute(query)]
        if since is not None and (oldest is None or since <= oldest):
            archived = self._archive.find("audit_event", correlation_ids, "correlation_id", since=since)
            found += [AuditRow(**{**row, "at": datetime.fromisoformat(row["at"])}) for row in archived.rows]
            if notes is not None:
                notes += archived.notes
        return sorted(found, key=lambda row: row.seq)


def _attempt(row: Mapping[str, Any]) -> Attempt:
    return Attempt(
        row["intent_id"], row["number"], row["kind"], row["started_at"], row["ended_at"], row["outcome"] or "",
        row["code"], row["message"],
    )  # fmt: skip
