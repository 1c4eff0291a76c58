"""Drift: what others did to our records, and why an intent was made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0020"

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("push_intent", sa.Column("reason", sa.String(20), nullable=False, server_default="change"))
    op.create_table(
        "drift_finding",
        sa.Column("finding_id", sa.String(36), primary_key=True),
        sa.Column("connection", sa.String(100), nullable=False),
        sa.Column("object", sa.String(60), nullable=False),
        sa.Column("business_key", sa.String(255), nullable=False),
        sa.Column("parent_key", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("found_at", _INSTANT, nullable=False),
        sa.Column("snapshot_id", sa.String(64), nullable=False),
        sa.Column("record_id", sa.String(64), nullable=False),
        sa.Column("by_id", sa.String(64), nullable=False),
        sa.Column("by_name", sa.Text, nullable=False),
        sa.Column("is_own_user", sa.Boolean, nullable=False),
        sa.Column("changed_at", _INSTANT),
        sa.Column("merged_into", sa.String(64), nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("intent_id", sa.String(36), nullable=False),
        sa.Column("correlation_id", sa.String(36), nullable=False),
        sa.CheckConstraint("kind in ('edited', 'deleted', 'merged')", name="drift_finding_kind"),
        sa.CheckConstraint(
            "action in ('restored', 'recreated', 'followed', 'case', 'none')", name="drift_finding_action"
        ),
    )
    op.create_index("drift_finding_record", "drift_finding", ["connection", "object", "business_key", "found_at"])
    op.create_index("drift_finding_found", "drift_finding", ["found_at"])
