"""Alerts, the messages about them, and the quotas that were last seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "alert",
        sa.Column("fingerprint", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("affected", sa.Integer, nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("opened_at", _INSTANT, nullable=False),
        sa.Column("last_seen_at", _INSTANT, nullable=False),
        sa.Column("last_sent_at", _INSTANT),
        sa.Column("recovered_at", _INSTANT),
        sa.PrimaryKeyConstraint("fingerprint"),
    )
    op.create_index("ix_alert_kind", "alert", ["kind"])
    op.create_table(
        "alert_message",
        sa.Column("message_id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("channel", sa.String(30), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("next_attempt_at", _INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("error", sa.Text, nullable=False, server_default=""),
        sa.Column("sent_at", _INSTANT),
        sa.Column("gave_up_at", _INSTANT),
        sa.PrimaryKeyConstraint("message_id"),
    )
    waiting = sa.text("sent_at is null and gave_up_at is null")
    op.create_index(
        "alert_message_waiting", "alert_message", ["next_attempt_at"], sqlite_where=waiting, postgresql_where=waiting
    )
    op.create_index("alert_message_kind", "alert_message", ["kind", "created_at"])
    op.create_table(
        "quota_level",
        sa.Column("connection", sa.String(100), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("used", sa.Integer, nullable=False),
        sa.Column("allowed", sa.Integer, nullable=False),
        sa.Column("seen_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("connection", "name"),
    )
