"""The newest version of every record stands in a row of its own, so that who plans and who settles agree on it; indexes
that serve a claim however many intents wait. Keys are filled from the intents."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_KEYS_OF_INTENTS = """
    insert into push_key (connection, object, business_key, latest_version)
    select connection, object, business_key, max(version)
    from push_intent
    group by connection, object, business_key
"""


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    key = ["connection", "object", "business_key"]
    op.create_table(
        "push_key",
        sa.Column("connection", sa.String(100), nullable=False),
        sa.Column("object", sa.String(60), nullable=False),
        sa.Column("business_key", sa.String(255), nullable=False),
        sa.Column("latest_version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint(*key),
    )
    op.execute(_KEYS_OF_INTENTS)
    op.drop_index("push_intent_due", table_name="push_intent")
    op.create_index(
        "push_intent_queue",
        "push_intent",
        ["connection", "object", "parent_key", "business_key", "version", "next_attempt_at"],
        **_where("state = 'pending'"),
    )
    op.create_index(
        "push_intent_unsettled",
        "push_intent",
        [*key, "version"],
        **_where("state in ('pending', 'in_flight', 'unknown')"),
    )
    op.create_index("push_intent_correlation", "push_intent", ["correlation_id"])
    op.create_index("push_attempt_open", "push_attempt", ["attempt_id"], **_where("ended_at is null"))
