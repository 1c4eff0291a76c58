"""The archive. A row of `archive_segment` names a file and the rows that stand in it; rows of the audit may be removed
only where such a row covers them, and such a row is taken only where it continues the chain from the last one, ends at
a row that stands with that hash, misses none in between, and lies under a checkpoint."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0030"

_INSTANT = sa.DateTime(timezone=True)
_FIRST = "0" * 64  # what the first row follows

_BEFORE = "select {} from archive_segment where kind = 'audit' order by last_seq desc limit 1"
_CONTINUES = f"""
    new.first_seq = 1 + coalesce(({_BEFORE.format("last_seq")}), 0)
    and new.previous_hash = coalesce(({_BEFORE.format("last_hash")}), '{_FIRST}')
    and exists (select 1 from audit_event where seq = new.last_seq and hash = new.last_hash)
    and (select count(*) from audit_event where seq between new.first_seq and new.last_seq)
        = new.last_seq - new.first_seq + 1
    and exists (select 1 from audit_checkpoint where seq >= new.last_seq)
    and length(new.sha256) = 64 and new.file <> ''
"""
_COVERED = """
    exists (
        select 1 from archive_segment
        where kind = 'audit' and last_seq >= old.seq and first_seq <= old.seq
    )
"""


def upgrade() -> None:
    op.create_table(
        "archive_segment",
        sa.Column("segment_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("rows", sa.Text, nullable=False),
        sa.Column("states", sa.Text, nullable=False),
        sa.Column("first_id", sa.String(255), nullable=False),
        sa.Column("last_id", sa.String(255), nullable=False),
        sa.Column("first_seq", sa.BigInteger()),
        sa.Column("last_seq", sa.BigInteger()),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("last_hash", sa.String(64), nullable=False),
        sa.Column("from_at", _INSTANT, nullable=False),
        sa.Column("to_at", _INSTANT, nullable=False),
        sa.Column("file", sa.String(200), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("segment_id"),
    )
    op.create_index("archive_segment_kind", "archive_segment", ["kind", "last_seq"])
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgres()
    else:
        _guard_sqlite()


def _guard_sqlite() -> None:
    name = "archive_segment"
    abort = f"begin select raise(abort, '{name} is append-only'); end"
    op.execute(f"create trigger {name}_no_update before update on {name} {abort}")
    op.execute(f"create trigger {name}_no_delete before delete on {name} {abort}")
    replaced = f"exists (select 1 from {name} where segment_id = new.segment_id)"
    op.execute(f"create trigger {name}_no_replace before insert on {name} when {replaced} {abort}")
    apart = f"begin select raise(abort, '{name} only continues the audit'); end"
    op.execute(
        f"create trigger {name}_continues before insert on {name} "
        f"when new.kind = 'audit' and coalesce(not ({_CONTINUES}), 1) {apart}"
    )
    op.execute("drop trigger audit_event_no_delete")
    op.execute(
        f"create trigger audit_event_no_delete before delete on audit_event when not {_COVERED} "
        "begin select raise(abort, 'audit_event is append-only'); end"
    )


def _guard_postgres() -> None:
    for event, scope in (("update", "row"), ("delete", "row"), ("truncate", "statement")):
        op.execute(
            f"create trigger archive_segment_no_{event} before {event} on archive_segment "
            f"for each {scope} execute function audit_refuse()"
        )
    op.execute(
        "create function archive_segment_continues() returns trigger language plpgsql as $$ begin "
        f"if new.kind = 'audit' and coalesce(not ({_CONTINUES}), true) then "
        "raise exception 'archive_segment only continues the audit'; end if; return new; end $$"
    )
    op.execute(
        "create trigger archive_segment_continues before insert on archive_segment "
        "for each row execute function archive_segment_continues()"
    )
    op.execute(
        "create function audit_event_only_archived() returns trigger language plpgsql as $$ begin "
        f"if not {_COVERED} then raise exception 'audit_event is append-only'; end if; return old; end $$"
    )
    op.execute("drop trigger audit_event_no_delete on audit_event")
    op.execute(
        "create trigger audit_event_no_delete before delete on audit_event "
        "for each row execute function audit_event_only_archived()"
    )
