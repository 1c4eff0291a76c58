"""A unit of work: one transaction, and what the audit will say of it, written together at its end.

The chain's head is locked last, after every other row: who waits for it holds nothing that the holder could still need.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, insert, select, update

from arsync_pipelines.domain.failpoint import failpoint
from arsync_pipelines.ops.audit.chain import Entry, linked
from arsync_pipelines.ops.tables import audit_event, audit_head

log = logging.getLogger(__name__)
_PART = 5000


class Unit:
    """An open transaction and its audit entries."""

    def __init__(self, db: Connection) -> None:
        self.db = db
        self.entries: list[Entry] = []

    def note(self, at: datetime, action: str, kind: str, id_: str, correlation_id: str, **detail: Any) -> None:
        """Tell the audit of a change made in this transaction."""
        self.entries.append(Entry(at, action, kind, id_, correlation_id, detail))

    def hold_chain(self) -> Row[Any]:
        """The chain's head, locked until the transaction ends: nobody else commits rows numbered after this."""
        return self.db.execute(select(audit_head.c.seq, audit_head.c.hash).with_for_update()).one()

    def append(self, actor: str) -> None:
        """Link the entries to the end of the chain."""
        if not self.entries:
            return
        head = self.hold_chain()
        seq, last_hash = int(head.seq), str(head.hash)
        for start in range(0, len(self.entries), _PART):
            rows = linked(self.entries[start : start + _PART], actor, seq, last_hash)
            self.db.execute(insert(audit_event), rows)
            seq, last_hash = rows[-1]["seq"], rows[-1]["hash"]
        self.db.execute(update(audit_head).values(seq=seq, hash=last_hash))


class Transactions:
    """Opens units on one engine. `actor` is who the audit names where a change does not say it."""

    def __init__(self, engine: Engine, actor: str = "arsync") -> None:
        self._engine = engine
        self._actor = actor
        self.shared = engine.dialect.name == "postgresql"
        """Whether processes of several machines may have the store open."""
        options: dict[str, Any] = {"arsync_reading": True}
        if engine.dialect.name == "postgresql":
            options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._reader = engine.execution_options(**options)

    @contextmanager
    def write(self) -> Iterator[Unit]:
        """A unit that commits at the end with its audit rows, or nothing of either."""
        with self._engine.begin() as db:
            unit = Unit(db)
            yield unit
            unit.append(self._actor)
            failpoint("ops.before_commit")
        failpoint("ops.committed")
        if log.isEnabledFor(logging.INFO):
            for entry in unit.entries:  # committed: what was told to the audit is told to the log, under the same id
                ids = {"correlation_id": entry.correlation_id, "object": entry.kind}
                log.info("%s %s", entry.action, entry.id, extra=ids)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection to read with: all its queries see the store at one instant, and it locks nobody out."""
        with self._reader.connect() as db:
            yield db
