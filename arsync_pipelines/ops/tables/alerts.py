"""Tables of alerts: what holds or held, and the messages about it, which wait here until their channel took them."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text, text

from arsync_pipelines.ops.tables.base import Instant, metadata

WAITING = text("sent_at is null and gave_up_at is null")

alert = Table(
    "alert",
    metadata,
    Column("fingerprint", String(32), primary_key=True),
    Column("kind", String(30), nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("affected", Integer, nullable=False),
    Column("run_id", String(64), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    # of the last message that named it
    Column("last_sent_at", Instant),
    Column("recovered_at", Instant),
)

alert_message = Table(
    "alert_message",
    metadata,
    Column("message_id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(30), nullable=False),
    Column("channel", String(30), nullable=False),
    # JSON, as services/alerts/messages reads it
    Column("body", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("next_attempt_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("error", Text, nullable=False, server_default=""),
    Column("sent_at", Instant),
    Column("gave_up_at", Instant),
    Index("alert_message_waiting", "next_attempt_at", sqlite_where=WAITING, postgresql_where=WAITING),
    Index("alert_message_kind", "kind", "created_at"),
)

quota_level = Table(
    "quota_level",
    metadata,
    Column("connection", String(100), primary_key=True),
    Column("name", String(100), primary_key=True),
    Column("used", Integer, nullable=False),
    Column("allowed", Integer, nullable=False),
    Column("seen_at", Instant, nullable=False),
)
