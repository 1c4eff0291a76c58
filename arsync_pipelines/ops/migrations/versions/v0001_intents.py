"""Intents and their attempts, as they were made before there were migrations. A store that has them keeps them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_STATES = "'pending', 'in_flight', 'acknowledged', 'rejected', 'unknown', 'superseded', 'dead'"
_ON_THE_WAY = sa.text("state in ('in_flight', 'unknown')")


def upgrade() -> None:
    if sa.inspect(op.get_bind()).has_table("push_intent"):
        return
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "push_intent",
        sa.Column("intent_id", sa.String(36), primary_key=True),
        sa.Column("connection", sa.String(100), nullable=False),
        sa.Column("object", sa.String(60), nullable=False),
        sa.Column("business_key", sa.String(255), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("operation", sa.String(20), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("payload_hash", sa.String(64), nullable=False),
        sa.Column("idempotency_key", sa.String(64), nullable=False, unique=True),
        sa.Column("parent_key", sa.String(255), nullable=False),
        sa.Column("correlation_id", sa.String(36), nullable=False),
        sa.Column("snapshot_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("target_id", sa.String(64), nullable=False, server_default=""),
        sa.Column("failure_class", sa.String(20)),
        sa.Column("code", sa.String(100), nullable=False, server_default=""),
        sa.Column("message", sa.Text, nullable=False, server_default=""),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("next_attempt_at", instant, nullable=False),
        sa.Column("settled_at", instant),
        sa.CheckConstraint(f"state in ({_STATES})", name="push_intent_state"),
    )
    key = ["connection", "object", "business_key"]
    op.create_index("push_intent_version", "push_intent", [*key, "version"], unique=True)
    op.create_index(
        "push_intent_in_flight", "push_intent", key, unique=True,
        sqlite_where=_ON_THE_WAY, postgresql_where=_ON_THE_WAY,
    )  # fmt: skip
    op.create_index("push_intent_due", "push_intent", ["connection", "state", "object", "next_attempt_at"])
    op.create_table(
        "push_attempt",
        sa.Column("attempt_id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("intent_id", sa.String(36), sa.ForeignKey("push_intent.intent_id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("started_at", instant, nullable=False),
        sa.Column("ended_at", instant),
        sa.Column("outcome", sa.String(20)),
        sa.Column("failure_class", sa.String(20)),
        sa.Column("code", sa.String(100), nullable=False, server_default=""),
        sa.Column("message", sa.Text, nullable=False, server_default=""),
    )
    op.create_index("ix_push_attempt_intent_id", "push_attempt", ["intent_id"])
