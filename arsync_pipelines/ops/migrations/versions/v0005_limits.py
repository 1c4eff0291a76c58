"""What all who send to a connection share: tokens, the vendor's silence, the day's requests, the circuit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "connection_limit",
        sa.Column("connection", sa.String(100), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("refilled_at", _INSTANT, nullable=False),
        sa.Column("not_before", _INSTANT),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("told_used", sa.Integer()),
        sa.Column("told_limit", sa.Integer()),
        sa.Column("told_at", _INSTANT),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("openings", sa.Integer(), nullable=False),
        sa.Column("open_until", _INSTANT),
        sa.Column("probing", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("connection"),
    )
