"""Tables of the audit chain. Triggers of the migrations keep their rows as they are; `audit_head` alone moves."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, String, Table, Text, text

from arsync_pipelines.ops.tables.base import BigId, Instant, metadata

audit_event = Table(
    "audit_event",
    metadata,
    Column("seq", BigId, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor", String(100), nullable=False),
    Column("action", String(60), nullable=False),
    Column("subject_kind", String(30), nullable=False),
    Column("subject_id", String(255), nullable=False),
    Column("correlation_id", String(36), nullable=False),
    # canonical JSON, kept as the text that was hashed
    Column("detail", Text, nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("audit_event_correlation", "correlation_id", sqlite_where=text("correlation_id <> ''"),
          postgresql_where=text("correlation_id <> ''")),
)  # fmt: skip

audit_head = Table(
    "audit_head",
    metadata,
    # one row: who appends holds it until the transaction ends
    Column("head_id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    CheckConstraint("head_id = 1", name="audit_head_only"),
)

audit_checkpoint = Table(
    "audit_checkpoint",
    metadata,
    Column("seq", BigId, primary_key=True, autoincrement=False),
    Column("hash", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    # canonical JSON, table -> rows that it held
    Column("rows", Text, nullable=False),
)
