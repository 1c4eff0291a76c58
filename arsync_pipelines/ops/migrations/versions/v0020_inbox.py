"""The inbox: what sources told us, once per event of a connection."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0011"

_INSTANT = sa.DateTime(timezone=True)
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    op.create_table(
        "inbox_event",
        sa.Column("inbox_id", _ID, primary_key=True, autoincrement=True),
        sa.Column("connection", sa.String(100), nullable=False),
        sa.Column("event_id", sa.String(150), nullable=False),
        sa.Column("kind", sa.String(100), nullable=False),
        sa.Column("signature", sa.String(40), nullable=False),
        sa.Column("stream", sa.String(60), nullable=False),
        sa.Column("record_key", sa.String(255), nullable=False),
        sa.Column("hints", sa.Text, nullable=False),
        sa.Column("correlation_id", sa.String(36), nullable=False),
        sa.Column("received_at", _INSTANT, nullable=False),
        sa.Column("body_hash", sa.String(64), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
        sa.Column("run_id", sa.String(100), nullable=False, server_default=""),
        sa.Column("due_at", _INSTANT, nullable=False),
        sa.Column("settled_at", _INSTANT),
        sa.CheckConstraint("state in ('pending', 'taken', 'done', 'ignored', 'failed')", name="inbox_event_state"),
    )
    op.create_index("inbox_event_once", "inbox_event", ["connection", "event_id"], unique=True)
    op.create_index(
        "inbox_event_open", "inbox_event", ["connection", "inbox_id"], **_where("state in ('pending', 'taken')")
    )
    op.create_index("inbox_event_record", "inbox_event", ["record_key", "stream", "connection"])
    op.create_index("inbox_event_correlation", "inbox_event", ["correlation_id"])
    op.create_index("inbox_event_settled", "inbox_event", ["settled_at"])
