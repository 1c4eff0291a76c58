"""Table of what sources told us: stored before it is answered, once per event of a connection, never changed but in
where it stands."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, String, Table, Text, text

from arsync_pipelines.domain.inbox import EVENT_ID_LENGTH, InboxState
from arsync_pipelines.ops.tables.base import BigId, Instant, metadata

_STATES = ", ".join(f"'{state.value}'" for state in InboxState)

# As literal text: a database uses a partial index only where the query repeats the index's condition.
OPEN = text("state in ('pending', 'taken')")

inbox_event = Table(
    "inbox_event",
    metadata,
    Column("inbox_id", BigId, primary_key=True, autoincrement=True),
    Column("connection", String(100), nullable=False),
    Column("event_id", String(EVENT_ID_LENGTH), nullable=False),
    Column("kind", String(100), nullable=False),
    # which kind of signature was verified; nothing unverified is stored
    Column("signature", String(40), nullable=False),
    # what the event is about, and all that is to be read again: [[stream, key], ...]
    Column("stream", String(60), nullable=False),
    Column("record_key", String(255), nullable=False),
    Column("hints", Text, nullable=False),
    Column("correlation_id", String(36), nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("body_hash", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("run_id", String(100), nullable=False, server_default=""),
    Column("due_at", Instant, nullable=False),
    Column("settled_at", Instant),
    CheckConstraint(f"state in ({_STATES})", name="inbox_event_state"),
    Index("inbox_event_once", "connection", "event_id", unique=True),
    Index("inbox_event_open", "connection", "inbox_id", sqlite_where=OPEN, postgresql_where=OPEN),
    Index("inbox_event_record", "record_key", "stream", "connection"),
    Index("inbox_event_correlation", "correlation_id"),
    # what retention asks for
    Index("inbox_event_settled", "settled_at"),
)
