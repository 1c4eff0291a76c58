"""Rows of archive_segment: what was archived, and how many rows of each table are no longer in the store."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from arsync_pipelines.ops.archive.files import Segment
from arsync_pipelines.ops.audit.chain import canonical
from arsync_pipelines.ops.tables import archive_segment


def stored(db: Connection, kind: str = "") -> list[Segment]:
    """Segments in the order in which they were written."""
    query = select(archive_segment).order_by(archive_segment.c.segment_id)
    if kind:
        query = query.where(archive_segment.c.kind == kind)
    return [_segment(row) for row in db.execute(query)]


def add(db: Connection, segment: Segment) -> None:
    """Store a segment: from here on its rows may be removed."""
    values = {field.name: getattr(segment, field.name) for field in fields(Segment)}
    values |= {"rows": canonical(dict(segment.rows)), "states": canonical(dict(segment.states))}
    db.execute(insert(archive_segment).values(values))


def next_id(db: Connection) -> int:
    """The number of the next segment."""
    return int(db.execute(select(func.max(archive_segment.c.segment_id))).scalar() or 0) + 1


def archived_rows(db: Connection) -> Counter[str]:
    """Table -> rows that were archived."""
    found: Counter[str] = Counter()
    texts: list[str] = list(db.execute(select(archive_segment.c.rows)).scalars())
    for text in texts:
        found.update(json.loads(text))
    return found


def _segment(row: Row[Any]) -> Segment:
    values = dict(row._mapping)
    return Segment(**(values | {"rows": json.loads(row.rows), "states": json.loads(row.states)}))
