"""Exception cases and their notes; held intents can be found without looking at all others."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0006"

_INSTANT = sa.DateTime(timezone=True)


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    op.create_table(
        "exception_case",
        sa.Column("case_id", sa.String(36), nullable=False),
        sa.Column("fingerprint", sa.String(16), nullable=False),
        sa.Column("origin", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("failure_class", sa.String(20), nullable=False),
        sa.Column("code", sa.String(100), nullable=False),
        sa.Column("system", sa.String(60), nullable=False),
        sa.Column("connection", sa.String(100), nullable=False),
        sa.Column("object", sa.String(100), nullable=False),
        sa.Column("business_key", sa.String(255), nullable=False),
        sa.Column("field", sa.String(200), nullable=False),
        sa.Column("legal_entity_id", sa.String(255), nullable=False),
        sa.Column("customer_id", sa.String(255), nullable=False),
        sa.Column("customer_name", sa.Text, nullable=False),
        sa.Column("region", sa.String(100), nullable=False),
        sa.Column("invoice", sa.String(255), nullable=False),
        sa.Column("amount", sa.String(40)),
        sa.Column("currency", sa.String(10), nullable=False),
        sa.Column("owner", sa.String(60), nullable=False),
        sa.Column("assignee", sa.String(100), nullable=False, server_default=""),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("advice", sa.Text, nullable=False),
        sa.Column("correlation_id", sa.String(36), nullable=False),
        sa.Column("intent_id", sa.String(36), nullable=False),
        sa.Column("evidence", sa.String(255), nullable=False),
        sa.Column("occurrences", sa.Integer, nullable=False),
        sa.Column("first_seen_at", _INSTANT, nullable=False),
        sa.Column("last_seen_at", _INSTANT, nullable=False),
        sa.Column("moved_at", _INSTANT, nullable=False),
        sa.Column("sla_due_at", _INSTANT, nullable=False),
        sa.Column("waived_until", _INSTANT),
        sa.Column("waived_because", sa.Text, nullable=False, server_default=""),
        sa.CheckConstraint("state in ('open', 'replaying', 'waived', 'resolved')", name="exception_case_state"),
        sa.PrimaryKeyConstraint("case_id"),
    )
    op.create_index("ix_exception_case_fingerprint", "exception_case", ["fingerprint"])
    op.create_index(
        "exception_case_standing", "exception_case", ["origin", "connection"], **_where("state <> 'resolved'")
    )
    op.create_table(
        "case_note",
        sa.Column("note_id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("case_id", sa.String(36), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("actor", sa.String(100), nullable=False),
        sa.Column("event", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("text", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("note_id"),
        sa.ForeignKeyConstraint(["case_id"], ["exception_case.case_id"]),
    )
    op.create_index("ix_case_note_case_id", "case_note", ["case_id"])
    op.create_index(
        "push_intent_held", "push_intent", ["connection", "settled_at"], **_where("state in ('rejected', 'dead')")
    )
