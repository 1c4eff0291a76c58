"""Intents have a priority. What is not urgent is claimed by the index it always was; the urgent have a small one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_URGENT = sa.text("state = 'pending' and priority > 0")


def upgrade() -> None:
    op.add_column("push_intent", sa.Column("priority", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(
        "push_intent_urgent",
        "push_intent",
        ["connection", "object", "priority", "parent_key", "business_key", "version", "next_attempt_at"],
        sqlite_where=_URGENT,
        postgresql_where=_URGENT,
    )
