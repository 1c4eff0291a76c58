"""The audit chain and its checkpoints. Triggers refuse to change or to remove what was told, and to move the chain's
head back."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_INSTANT = sa.DateTime(timezone=True)
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_FIRST = "0" * 64  # what the first row follows
_KEPT = ("audit_event", "audit_checkpoint")


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    op.create_table(
        "audit_event",
        sa.Column("seq", _ID, autoincrement=False, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("actor", sa.String(100), nullable=False),
        sa.Column("action", sa.String(60), nullable=False),
        sa.Column("subject_kind", sa.String(30), nullable=False),
        sa.Column("subject_id", sa.String(255), nullable=False),
        sa.Column("correlation_id", sa.String(36), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("audit_event_correlation", "audit_event", ["correlation_id"], **_where("correlation_id <> ''"))
    op.create_table(
        "audit_head",
        sa.Column("head_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.CheckConstraint("head_id = 1", name="audit_head_only"),
        sa.PrimaryKeyConstraint("head_id"),
    )
    op.create_table(
        "audit_checkpoint",
        sa.Column("seq", _ID, autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("rows", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.execute(f"insert into audit_head (head_id, seq, hash) values (1, 0, '{_FIRST}')")
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgres()
    else:
        _guard_sqlite()


def _guard_sqlite() -> None:
    for table in _KEPT:
        abort = f"begin select raise(abort, '{table} is append-only'); end"
        op.execute(f"create trigger {table}_no_update before update on {table} {abort}")
        op.execute(f"create trigger {table}_no_delete before delete on {table} {abort}")
        # "insert or replace" removes a row without asking the trigger above
        replaced = f"exists (select 1 from {table} where seq = new.seq)"
        op.execute(f"create trigger {table}_no_replace before insert on {table} when {replaced} {abort}")
    abort = "begin select raise(abort, 'audit_head only moves on'); end"
    op.execute(f"create trigger audit_head_moves_on before update on audit_head when new.seq <= old.seq {abort}")
    op.execute(f"create trigger audit_head_no_delete before delete on audit_head {abort}")
    op.execute(f"create trigger audit_head_no_replace before insert on audit_head {abort}")


def _guard_postgres() -> None:
    op.execute(
        "create function audit_refuse() returns trigger language plpgsql as $$ "
        "begin raise exception '% is append-only', tg_table_name; end $$"
    )
    op.execute(
        "create function audit_head_moves_on() returns trigger language plpgsql as $$ begin "
        "if new.seq <= old.seq then raise exception 'audit_head only moves on'; end if; return new; end $$"
    )
    for table in _KEPT:
        for event, scope in (("update", "row"), ("delete", "row"), ("truncate", "statement")):
            _trigger(f"{table}_no_{event}", event, table, scope, "audit_refuse")
    for event, scope in (("delete", "row"), ("truncate", "statement")):
        _trigger(f"audit_head_no_{event}", event, "audit_head", scope, "audit_refuse")
    _trigger("audit_head_moves_on", "update", "audit_head", "row", "audit_head_moves_on")


def _trigger(name: str, event: str, table: str, scope: str, function: str) -> None:
    op.execute(f"create trigger {name} before {event} on {table} for each {scope} execute function {function}()")
