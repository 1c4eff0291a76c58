"""Cutting a beginning off the audit chain: which rows, checked before they go, and nothing but those."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select

from arsync_pipelines.domain.errors import OpsStoreError
from arsync_pipelines.ops.archive import files, segments
from arsync_pipelines.ops.archive.files import Segment
from arsync_pipelines.ops.archive.kinds import AUDIT
from arsync_pipelines.ops.audit.chain import FIRST, AuditRow
from arsync_pipelines.ops.audit.walk import Walk
from arsync_pipelines.ops.tables import archive_segment, audit_checkpoint, audit_event

_ROWS = 5000  # of one file and one transaction


def archived_to(db: Connection) -> tuple[int, str]:
    """The last row of the chain that was archived, and its hash; 0 and what the first row follows before that."""
    query = (
        select(archive_segment.c.last_seq, archive_segment.c.last_hash)
        .where(archive_segment.c.kind == AUDIT)
        .order_by(archive_segment.c.last_seq.desc())
        .limit(1)
    )
    row = db.execute(query).one_or_none()
    return (0, FIRST) if row is None else (int(row.last_seq), str(row.last_hash))


def candidates(db: Connection, before: datetime) -> tuple[int, datetime | None, datetime | None]:
    """Rows that may leave, and the instants of the first and the last of them."""
    start, end = archived_to(db)[0], _end(db, before)
    query = select(func.count(), func.min(audit_event.c.at), func.max(audit_event.c.at)).where(
        audit_event.c.seq > start, audit_event.c.seq <= end
    )
    row: Any = db.execute(query).one()
    return int(row[0]), row[1], row[2]


def next_cut(db: Connection, before: datetime, now: datetime) -> tuple[Segment, bytes] | None:
    """The next rows to leave as a segment and its file's content; None when there are none.

    Raises OpsStoreError when they do not hold: what is wrong is kept where it is.
    """
    seq, last_hash = archived_to(db)
    query = select(audit_event).where(audit_event.c.seq > seq, audit_event.c.seq <= _end(db, before))
    rows = [AuditRow(**row._mapping) for row in db.execute(query.order_by(audit_event.c.seq).limit(_ROWS))]
    if not rows:
        return None
    walk = Walk(seq, last_hash)
    for row in rows:
        walk.see(row)
    if found := walk.findings():
        raise OpsStoreError(
            f"the audit is not archived, as it does not hold: {found[0].text}. `arsync audit verify` names everything."
        )
    content = files.packed(
        ("audit_event", {name: getattr(row, name) for name in AuditRow.__slots__}) for row in rows
    )  # fmt: skip
    first, last = rows[0], rows[-1]
    instants = [row.at for row in rows]
    segment = segment_of(
        db, AUDIT, content, {"audit_event": len(rows)}, {}, str(first.seq), str(last.seq), min(instants),
        max(instants), now, first.seq, last.seq, last_hash, last.hash,
    )  # fmt: skip
    return segment, content


def remove(db: Connection, segment: Segment) -> None:
    """Remove the rows of a segment, which the database allows because the segment stands."""
    rows = audit_event.c
    gone = db.execute(delete(audit_event).where(rows.seq >= segment.first_seq, rows.seq <= segment.last_seq)).rowcount
    if gone != segment.rows["audit_event"]:
        raise OpsStoreError(f"archiving the audit: {gone} rows would be removed that were not all written; none was")


def segment_of(
    db: Connection, kind: str, content: bytes, rows: Mapping[str, int], states: Mapping[str, int], first_id: str,
    last_id: str, from_at: datetime, to_at: datetime, now: datetime, first_seq: int | None = None,
    last_seq: int | None = None, previous_hash: str = "", last_hash: str = "",
) -> Segment:  # fmt: skip
    """The next segment, with this content."""
    number = segments.next_id(db)
    return Segment(
        number, kind, _plain(rows), _plain(states), first_id[:255], last_id[:255], first_seq, last_seq, previous_hash,
        last_hash, from_at, to_at, files.name_of(number, kind, content), hashlib.sha256(content).hexdigest(), now,
    )  # fmt: skip


def _plain(counts: Mapping[str, int]) -> dict[str, int]:
    return {str(name): int(number) for name, number in counts.items()}


def _end(db: Connection, before: datetime) -> int:
    """The last row that may leave: all up to it are older than `before`, and a checkpoint has seen it."""
    young = select(audit_event.c.seq).where(audit_event.c.at >= before).order_by(audit_event.c.seq).limit(1)
    first_young = db.execute(young).scalar()
    seen = int(db.execute(select(func.max(audit_checkpoint.c.seq))).scalar() or 0)
    return seen if first_young is None else min(seen, int(first_young) - 1)
