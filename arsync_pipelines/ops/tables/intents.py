"""Tables of what is to be sent. Intent and attempt are different rows; nothing is overwritten but an intent's state,
and every change of state leaves an attempt or a reason behind. Rejected and dead intents are held in place: there is no
second table for them."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text, text

from arsync_pipelines.domain.push import IntentState
from arsync_pipelines.ops.tables.base import Instant, metadata

_STATES = ", ".join(f"'{state.value}'" for state in IntentState)

# As literal text: a database uses a partial index only where the query repeats the index's condition.
PENDING = text("state = 'pending'")
ON_THE_WAY = text("state in ('in_flight', 'unknown')")
URGENT = text("state = 'pending' and priority > 0")
UNSETTLED = text("state in ('pending', 'in_flight', 'unknown')")

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
    Column("created_at", Instant, nullable=False),
    Column("next_attempt_at", Instant, nullable=False),
    Column("settled_at", Instant),
    # of the lease under which it was claimed last; 0: under none
    Column("lease_token", BigInteger, nullable=False, server_default="0"),
    # higher goes first; 0: in the order of the queue
    Column("priority", Integer, nullable=False, server_default="0"),
    # why it was planned, as domain.push has it
    Column("reason", String(20), nullable=False, server_default="change"),
    CheckConstraint(f"state in ({_STATES})", name="push_intent_state"),
    Index("push_intent_version", "connection", "object", "business_key", "version", unique=True),
    # at most one version of a key may be on its way: order is kept per business key
    Index(
        "push_intent_in_flight", "connection", "object", "business_key", unique=True,
        sqlite_where=ON_THE_WAY, postgresql_where=ON_THE_WAY,
    ),
    # the order in which intents are claimed: walking it needs no sort, however many wait
    Index(
        "push_intent_queue", "connection", "object", "parent_key", "business_key", "version",
        "next_attempt_at", sqlite_where=PENDING, postgresql_where=PENDING,
    ),
    # the urgent lane: few, claimed before all others; walked backwards, the highest first
    Index(
        "push_intent_urgent", "connection", "object", "priority", "parent_key", "business_key", "version",
        "next_attempt_at", sqlite_where=URGENT, postgresql_where=URGENT,
    ),
    # versions of one key that are not settled: what a claim must not overtake
    Index(
        "push_intent_unsettled", "connection", "object", "business_key", "version",
        sqlite_where=UNSETTLED, postgresql_where=UNSETTLED,
    ),
    Index("push_intent_correlation", "correlation_id"),
)  # fmt: skip

push_attempt = Table(
    "push_attempt",
    metadata,
    Column("attempt_id", Integer, primary_key=True, autoincrement=True),
    Column("intent_id", String(36), ForeignKey("push_intent.intent_id"), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("outcome", String(20)),
    Column("failure_class", String(20)),
    Column("code", String(100), nullable=False, server_default=""),
    Column("message", Text, nullable=False, server_default=""),
    Index("push_attempt_open", "attempt_id", sqlite_where=text("ended_at is null"),
          postgresql_where=text("ended_at is null")),
)  # fmt: skip

push_key = Table(
    "push_key",
    metadata,
    Column("connection", String(100), primary_key=True),
    Column("object", String(60), primary_key=True),
    Column("business_key", String(255), primary_key=True),
    # the newest version ever planned: an older one is refused
    Column("latest_version", Integer, nullable=False),
)
