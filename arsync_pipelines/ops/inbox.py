"""Repository of the inbox: events are stored once, taken by a run that reads their records again, and settled.

Along domain.inbox only. What is stored was verified before; nothing here looks at a signature.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, func, literal_column, or_, select, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from arsync_pipelines.domain.bodies import redact_body
from arsync_pipelines.domain.errors import OpsStoreError
from arsync_pipelines.domain.failpoint import failpoint
from arsync_pipelines.domain.inbox import Event, Hint, InboxState, correlation_of
from arsync_pipelines.domain.redaction import redact_text
from arsync_pipelines.ops.bulk import insert_into, parts
from arsync_pipelines.ops.tables import inbox_event
from arsync_pipelines.ops.unit import Transactions, Unit

_OPEN = inbox_event.c.state.in_([literal_column("'pending'"), literal_column("'taken'")])
_FIRST_WAIT_S, _LONGEST_WAIT_S = 5.0, 300.0


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """An event as it stands."""

    connection: str
    event_id: str
    kind: str
    signature: str
    hints: tuple[Hint, ...]
    correlation_id: str
    received_at: datetime
    state: InboxState
    attempts: int
    reason: str
    run_id: str
    settled_at: datetime | None
    body_hash: str
    body: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits of one connection: events not settled, and since when the oldest of them."""

    connection: str
    events: int
    oldest: datetime


class InboxStore:
    """Events of one store; each method is a transaction of its own. Any raises OpsStoreError when the store refuses.

    `attempts`: runs that may fail upon an event before it counts as failed.
    """

    def __init__(self, transactions: Transactions, attempts: int = 20) -> None:
        self._transactions = transactions
        self._attempts = attempts

    def store(self, connection: str, events: Sequence[Event], signature: str, now: datetime) -> int:
        """Keep events that were verified, those known already left alone. Returns how many were new.

        Committed when it returns. Raises OpsStoreError, and keeps none, when the store is locked, full or gone.
        """
        new = 0
        with _refusals(), self._transactions.write() as unit:
            for event in sorted(events, key=lambda event: event.key):  # two deliveries of the same events wait in turn
                new += _insert(unit, connection, event, signature, now)
            failpoint("inbox.stored")
        failpoint("inbox.committed")
        return new

    def waiting(self, now: datetime, limit: int = 10_000) -> list[InboxEntry]:
        """Pending events that are due, in the order of their arrival."""
        query = select(inbox_event).where(_is(InboxState.PENDING), _OPEN, inbox_event.c.due_at <= now)
        with _refusals(), self._transactions.read() as db:
            return [_entry(row) for row in db.execute(query.order_by(inbox_event.c.inbox_id).limit(limit))]

    def take(self, run_id: str, connection: str, streams: Collection[str], now: datetime) -> list[InboxEntry]:
        """Take the pending events of a connection whose records are all in `streams`, due or not: they are about to
        be read anyway."""
        with _refusals(), self._transactions.write() as unit:
            query = (
                select(inbox_event)
                .where(inbox_event.c.connection == connection, _is(InboxState.PENDING), _OPEN)
                .order_by(inbox_event.c.inbox_id)
                .with_for_update(skip_locked=True)
            )
            rows = [
                row for row in unit.db.execute(query).all() if {hint.stream for hint in _hints(row)} <= set(streams)
            ]
            for part in parts([row.inbox_id for row in rows]):
                unit.db.execute(
                    update(inbox_event)
                    .where(inbox_event.c.inbox_id.in_(part))
                    .values(state=InboxState.TAKEN.value, run_id=run_id, attempts=inbox_event.c.attempts + 1)
                )
            if rows:
                _tell(unit, now, "inbox.taken", connection, run_id, rows)
            return [_entry(row) for row in rows]

    def done(self, run_id: str, connection: str, now: datetime) -> int:
        """The records of what `run_id` took of a connection were read again and loaded. Returns how many events."""
        with _refusals(), self._transactions.write() as unit:
            rows = _taken_by(unit, run_id, connection)
            _move(unit, rows, {"state": InboxState.DONE.value, "settled_at": now, "reason": ""})
            if rows:
                _tell(unit, now, "inbox.done", connection, run_id, rows)
            return len(rows)

    def give_back(self, run_id: str, reason: str, now: datetime, connection: str = "") -> int:
        """The run failed: what it took waits again, later each time; what has no attempt left has failed.

        Safe twice. Returns how many events it still held.
        """
        why = redact_text(reason)[:1000]
        with _refusals(), self._transactions.write() as unit:
            rows = _taken_by(unit, run_id, connection)
            spent = [row for row in rows if row.attempts >= self._attempts]
            _move(unit, spent, {"state": InboxState.FAILED.value, "settled_at": now, "reason": why})
            for attempts in sorted({row.attempts for row in rows if row not in spent}):
                again = [row for row in rows if row.attempts == attempts]
                wait = timedelta(seconds=min(_FIRST_WAIT_S * 2.0 ** min(attempts - 1, 20), _LONGEST_WAIT_S))
                _move(unit, again, {"state": InboxState.PENDING.value, "due_at": now + wait, "reason": why})
            for name in sorted({row.connection for row in rows}):
                of_one = [row for row in rows if row.connection == name]
                _tell(unit, now, "inbox.returned", name, run_id, of_one, why=why,
                      failed=[row.event_id for row in of_one if row in spent])  # fmt: skip
            return len(rows)

    def failed(self, connection: str = "", limit: int | None = None) -> list[InboxEntry]:
        """Events whose attempts are spent, oldest first."""
        query = select(inbox_event).where(_is(InboxState.FAILED)).order_by(inbox_event.c.inbox_id).limit(limit)
        if connection:
            query = query.where(inbox_event.c.connection == connection)
        with _refusals(), self._transactions.read() as db:
            return [_entry(row) for row in db.execute(query)]

    def retry(self, connection: str, event_ids: Collection[str], now: datetime, actor: str) -> list[str]:
        """Let failed events of a connection wait again, at once and with all their attempts. Ids of those moved; safe
        twice: what has not failed is left alone."""
        with _refusals(), self._transactions.write() as unit:
            rows: list[Row[Any]] = []
            for part in parts(sorted(set(event_ids))):
                query = select(inbox_event).where(
                    inbox_event.c.connection == connection, inbox_event.c.event_id.in_(part), _is(InboxState.FAILED)
                )
                rows += unit.db.execute(query.order_by(inbox_event.c.inbox_id).with_for_update()).all()
            _move(unit, rows, {"state": InboxState.PENDING.value, "due_at": now, "settled_at": None, "attempts": 0})
            if rows:
                _tell(unit, now, "inbox.retried", connection, "", rows, by=redact_text(actor)[:100])
            return [row.event_id for row in rows]

    def holders(self) -> list[str]:
        """Ids of the runs that hold taken events."""
        query = select(inbox_event.c.run_id).where(_is(InboxState.TAKEN), _OPEN).distinct()
        with _refusals(), self._transactions.read() as db:
            return sorted(db.execute(query).scalars())

    def backlog(self) -> list[Backlog]:
        """What is not settled, by connection. Raises OpsStoreError when the store does not answer."""
        query = (
            select(inbox_event.c.connection, func.count().label("events"), func.min(inbox_event.c.received_at))
            .where(_OPEN)
            .group_by(inbox_event.c.connection)
            .order_by(inbox_event.c.connection)
        )
        with _refusals(), self._transactions.read() as db:
            return [Backlog(row[0], int(row[1]), row[2]) for row in db.execute(query)]

    def counts(self) -> dict[str, int]:
        """State -> events."""
        query = select(inbox_event.c.state, func.count()).group_by(inbox_event.c.state)
        with _refusals(), self._transactions.read() as db:
            return {row[0]: int(row[1]) for row in db.execute(query)}

    def find(self, key: str, limit: int = 50) -> list[InboxEntry]:
        """Events with this correlation id, event id or record key, in the order of their arrival."""
        columns = inbox_event.c
        query = select(inbox_event).where(
            or_(columns.correlation_id == key, columns.event_id == key, columns.record_key == key)
        )
        with _refusals(), self._transactions.read() as db:
            return [_entry(row) for row in db.execute(query.order_by(columns.inbox_id).limit(limit))]


@contextmanager
def _refusals() -> Iterator[None]:
    """The database's refusals as OpsStoreError, without its statement and values."""
    try:
        yield
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise OpsStoreError(f"the operational store refused: {redact_text(reason)}") from None
    except SQLAlchemyError as error:
        raise OpsStoreError(f"the operational store refused: {type(error).__name__}") from None


def _insert(unit: Unit, connection: str, event: Event, signature: str, now: datetime) -> bool:
    first = event.hints[0] if event.hints else Hint("", "")
    correlation_id = correlation_of(connection, event.key)
    ignored = "" if event.hints else "names nothing that is to be read again"
    values = {
        "connection": connection, "event_id": event.key, "kind": event.kind[:100], "signature": signature,
        "stream": first.stream, "record_key": first.record_key[:255],
        "hints": json.dumps([[hint.stream, hint.record_key] for hint in event.hints]),
        "correlation_id": correlation_id, "received_at": now, "body_hash": event.body_hash,
        "body": redact_body(event.body), "state": (InboxState.IGNORED if ignored else InboxState.PENDING).value,
        "reason": ignored, "due_at": now, "settled_at": now if ignored else None,
    }  # fmt: skip
    statement = insert_into(unit.db, inbox_event).values(values)
    known = [inbox_event.c.connection, inbox_event.c.event_id]
    stored = unit.db.execute(
        statement.on_conflict_do_nothing(index_elements=known).returning(inbox_event.c.inbox_id)
    ).scalar()
    if stored is None:
        return False
    told = {name: values[name] for name in ("signature", "stream", "record_key", "body_hash", "state")}
    subject = f"{connection}|{event.key}"
    unit.note(now, "inbox.received", "event", subject, correlation_id, event=event.kind[:100], **told)
    return True


def _taken_by(unit: Unit, run_id: str, connection: str) -> list[Row[Any]]:
    query = select(inbox_event).where(inbox_event.c.run_id == run_id, _is(InboxState.TAKEN), _OPEN)
    if connection:
        query = query.where(inbox_event.c.connection == connection)
    return list(unit.db.execute(query.order_by(inbox_event.c.inbox_id).with_for_update()).all())


def _move(unit: Unit, rows: Sequence[Row[Any]], values: Mapping[str, Any]) -> None:
    for part in parts([row.inbox_id for row in rows]):
        unit.db.execute(update(inbox_event).where(inbox_event.c.inbox_id.in_(part)).values(**values))


def _tell(
    unit: Unit, now: datetime, action: str, connection: str, run_id: str, rows: Sequence[Row[Any]], **more: Any
) -> None:
    # told once for all of a run: each was told when it came
    events = [row.event_id for row in rows]
    unit.note(now, action, "inbox", connection, "", run_id=run_id, events=events, **more)


def _is(state: InboxState) -> ColumnElement[bool]:
    return inbox_event.c.state == state.value


def _hints(row: Row[Any]) -> tuple[Hint, ...]:
    return _hints_of(row.hints)


def _hints_of(text: str) -> tuple[Hint, ...]:
    return tuple(Hint(stream, key) for stream, key in json.loads(text))


def _entry(row: Row[Any]) -> InboxEntry:
    return entry_of(dict(row._mapping))


def entry_of(values: Mapping[str, Any]) -> InboxEntry:
    """The event of a row of inbox_event."""
    known = {f.name: values[f.name] for f in fields(InboxEntry)}
    return InboxEntry(**known | {"hints": _hints_of(values["hints"]), "state": InboxState(values["state"])})
