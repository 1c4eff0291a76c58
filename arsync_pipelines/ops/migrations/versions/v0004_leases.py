"""Leases, and on each intent the token under which it was claimed. What was on its way before has none (0): nobody who
could still answer for it, so it is read back by the next who delivers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "lease",
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("holder", sa.String(100), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sa.UniqueConstraint("token"),
    )
    op.create_table(
        "lease_counter",
        sa.Column("counter_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("counter_id = 1", name="lease_counter_only"),
        sa.PrimaryKeyConstraint("counter_id"),
    )
    op.execute("insert into lease_counter (counter_id, token) values (1, 0)")
    _only_rises()
    op.add_column("push_intent", sa.Column("lease_token", sa.BigInteger(), nullable=False, server_default="0"))


def _only_rises() -> None:
    """A token that was given twice would fence nobody off."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "create function lease_counter_rises() returns trigger language plpgsql as $$ begin "
            "if new.token <= old.token then raise exception 'lease_counter only rises'; end if; return new; end $$"
        )
        op.execute(
            "create trigger lease_counter_rises before update on lease_counter "
            "for each row execute function lease_counter_rises()"
        )
        op.execute(
            "create trigger lease_counter_no_delete before delete on lease_counter "
            "for each row execute function audit_refuse()"
        )
        return
    abort = "begin select raise(abort, 'lease_counter only rises'); end"
    op.execute(f"create trigger lease_counter_rises before update on lease_counter when new.token <= old.token {abort}")
    op.execute(f"create trigger lease_counter_no_delete before delete on lease_counter {abort}")
