"""Reading the audit chain. Appending to it is ops.unit: nothing is told but with the change that it tells of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select

from arsync_pipelines.ops.audit.chain import AuditRow
from arsync_pipelines.ops.tables import audit_event, audit_head


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain; seq 0 while it is empty."""

    seq: int
    hash: str


def head(db: Connection) -> Head | None:
    """Where the chain ends; None when somebody removed even that."""
    row = db.execute(select(audit_head)).one_or_none()
    return None if row is None else Head(row.seq, row.hash)


def rows(db: Connection, after: int = 0) -> Iterator[AuditRow]:
    """Rows beyond `after` by seq; streamed."""
    query = select(audit_event).where(audit_event.c.seq > after).order_by(audit_event.c.seq)
    for row in db.execute(query, execution_options={"yield_per": 2000}):
        yield AuditRow(**row._mapping)
