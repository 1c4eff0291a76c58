"""Tables of the operational store (SQLAlchemy Core). Intent and attempt are different rows; nothing is overwritten
but an intent's state, and every change of state leaves an attempt or a reason behind."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

from arsync_pipelines.domain.push import IntentState

metadata = MetaData()

_STATES = ", ".join(f"'{state.value}'" for state in IntentState)

push_intent = Table(
    "push_intent",
    metadata,
    Column("intent_id", String(36), primary_key=True),
    Column("connection", String(100), nullable=False),
    Column("object", String(60), nullable=False),
    Column("business_key", String(255), nullable=False),
    Column("version", Integer, nullable=False),
    Column("operation", String(20), nullable=False),
    Column("payload", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("payload_hash", String(64), nullable=False),
    Column("idempotency_key", String(64), nullable=False, unique=True),
    Column("parent_key", String(255), nullable=False),
    Column("correlation_id", String(36), nullable=False),
    Column("snapshot_id", String(64), nullable=False),
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("target_id", String(64), nullable=False, server_default=""),
    Column("failure_class", String(20)),
    Column("code", String(100), nullable=False, server_default=""),
    Column("message", Text, nullable=False, server_default=""),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("next_attempt_at", DateTime(timezone=True), nullable=False),
    Column("settled_at", DateTime(timezone=True)),
    CheckConstraint(f"state in ({_STATES})", name="push_intent_state"),
    Index("push_intent_version", "connection", "object", "business_key", "version", unique=True),
    # at most one version of a key may be on its way: order is kept per business key
    Index(
        "push_intent_in_flight",
        "connection",
        "object",
        "business_key",
        unique=True,
        sqlite_where=text("state in ('in_flight', 'unknown')"),
        postgresql_where=text("state in ('in_flight', 'unknown')"),
    ),
    Index("push_intent_due", "connection", "state", "object", "next_attempt_at"),
)

push_attempt = Table(
    "push_attempt",
    metadata,
    Column("attempt_id", Integer, primary_key=True, autoincrement=True),
    Column("intent_id", String(36), ForeignKey("push_intent.intent_id"), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("outcome", String(20)),
    Column("failure_class", String(20)),
    Column("code", String(100), nullable=False, server_default=""),
    Column("message", Text, nullable=False, server_default=""),
)
