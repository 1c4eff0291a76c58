"""Archiving: what has ended long ago is written to a file, and removed in the transaction that says so.

A file stands on the disk before the transaction that removes its rows commits. Killed at any point, the store has the
rows or the archive has them, and the next run goes on; a file that no row of the store names was never relied upon.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import delete, func, select, text

from arsync_pipelines.domain.errors import OpsStoreError
from arsync_pipelines.domain.failpoint import failpoint
from arsync_pipelines.ops.archive import chain, files, segments
from arsync_pipelines.ops.archive.files import Segment
from arsync_pipelines.ops.archive.kinds import AUDIT, KINDS, TABLES, Kind
from arsync_pipelines.ops.unit import Transactions, Unit

_LOCK = 0x61726368  # any number that nobody else takes an advisory lock on
_ROWS = 2000  # of one file and one transaction; an IN list takes so many
_CANDIDATES = 100_000


@dataclass(frozen=True, slots=True)
class Before:
    """What ended before `records` may leave the store, and the audit's rows from before `audit`."""

    records: datetime
    audit: datetime


@dataclass(frozen=True, slots=True)
class Candidates:
    """Rows of a kind that may leave: how many, and between which instants they ended."""

    kind: str
    rows: int
    oldest: datetime | None
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class Found:
    """Rows found in the archive, and what could not be read."""

    rows: Sequence[dict[str, Any]]
    notes: Sequence[str]


class ArchiveStore:
    """The archive of one store, in `folder`."""

    def __init__(self, transactions: Transactions, folder: Path) -> None:
        self._transactions = transactions
        self.folder = folder

    def look(self, before: Before) -> list[Candidates]:
        """What a run would archive; changes nothing."""
        found = []
        with self._transactions.read() as db:
            for kind in KINDS:
                query = select(func.count(kind.key), func.min(kind.ended), func.max(kind.ended)).where(
                    *kind.may_leave(before.records)
                )
                row: Any = db.execute(query).one()
                found.append(Candidates(kind.name, int(row[0]), row[1], row[2]))
            found.append(Candidates(AUDIT, *chain.candidates(db, before.audit)))
        return [one for one in found if one.rows]

    def run(
        self, before: Before, now: datetime, progress: Callable[[Segment], None] = lambda _segment: None
    ) -> list[Segment]:
        """Archive all that may leave, a file and a transaction at a time; what was archived, in order.

        Raises OpsStoreError when a file cannot be written, or the audit that is to be archived does not hold; what was
        archived before stays so, and the next run goes on.
        """
        done = [one for kind in KINDS for one in self._rounds(kind, before.records, now, progress)]
        while (segment := self._audit(before.audit, now)) is not None:
            progress(segment)
            done.append(segment)
        return done

    def stored(self) -> list[Segment]:
        """All that was archived, in order."""
        with self._transactions.read() as db:
            return segments.stored(db)

    def states(self, kind: str) -> Counter[str]:
        """State -> rows of a kind that were archived."""
        found: Counter[str] = Counter()
        for segment in self.stored():
            if segment.kind == kind:
                found.update(segment.states)
        return found

    def find(self, table: str, needles: Sequence[str], *columns: str, since: datetime | None = None) -> Found:
        """Archived rows of a table (`audit_event` for the audit's) of which one of `columns` is one of `needles`.

        Reads the files; `since` leaves out those whose rows all ended before.
        """
        wanted, rows, notes = set(needles), [], []
        marks = [orjson.dumps(needle)[1:-1] for needle in wanted]
        for segment in self.stored():
            if table not in segment.rows or (since is not None and segment.to_at < since):
                continue
            try:
                lines = files.lines(self.folder, segment)
            except OSError:
                notes.append(
                    f"{segment.file} cannot be read from the archive {self.folder}: what it holds is not shown"
                )
                continue
            for line in (line for line in lines if any(mark in line for mark in marks)):
                values = orjson.loads(line)
                if values.pop("table") == table and any(values[column] in wanted for column in columns):
                    rows.append(values)
        return Found([files.restored(TABLES[table], row) for row in rows] if table in TABLES else rows, notes)

    def _rounds(
        self, kind: Kind, before: datetime, now: datetime, progress: Callable[[Segment], None]
    ) -> Iterator[Segment]:
        query = select(kind.key).where(*kind.may_leave(before)).order_by(kind.ended, kind.key).limit(_CANDIDATES)
        while True:
            with self._transactions.read() as db:
                keys: list[Any] = list(db.execute(query).scalars())
            archived = 0
            for start in range(0, len(keys), _ROWS):
                segment = self._archive(kind, keys[start : start + _ROWS], before, now)
                if segment is not None:
                    progress(segment)
                    archived += 1
                    yield segment
            if not archived:
                return

    def _archive(self, kind: Kind, keys: Sequence[Any], before: datetime, now: datetime) -> Segment | None:
        """Those of `keys` that still may leave."""
        with self._transactions.write() as unit:
            _take_turns(unit)
            chosen = select(kind.table).where(kind.key.in_(keys), *kind.may_leave(before))
            found = unit.db.execute(chosen.order_by(kind.key).with_for_update(of=kind.table)).mappings().all()
            if not found:
                return None
            ids = [row[kind.key.name] for row in found]
            lines: list[tuple[str, Mapping[str, Any]]] = [(kind.table.name, dict(row)) for row in found]
            rows = {kind.table.name: len(found)}
            for table, column in kind.parts:
                query = select(table).where(column.in_(ids)).order_by(*table.primary_key.columns)
                below = unit.db.execute(query).mappings().all()
                lines += [(table.name, dict(row)) for row in below]
                rows[table.name] = len(below)
            states = Counter(row[kind.state.name] for row in found) if kind.state is not None else Counter()
            ended: datetime = unit.db.execute(select(func.max(kind.ended)).where(kind.key.in_(ids))).scalar_one()
            content = files.packed(lines)
            segment = chain.segment_of(
                unit.db, kind.name, content, rows, states, str(ids[0]), str(ids[-1]),
                min(row[kind.began.name] for row in found), ended, now,
            )  # fmt: skip
            self._write(unit, segment, content, now)
            for table, column in kind.parts:
                _removed(unit.db.execute(delete(table).where(column.in_(ids))).rowcount, rows[table.name], table.name)
            gone = unit.db.execute(delete(kind.table).where(kind.key.in_(ids))).rowcount
            _removed(gone, len(found), kind.table.name)
            failpoint("archive.removed")
        failpoint("archive.committed")
        return segment

    def _audit(self, before: datetime, now: datetime) -> Segment | None:
        with self._transactions.write() as unit:
            _take_turns(unit)
            cut = chain.next_cut(unit.db, before, now)
            if cut is None:
                return None
            segment, content = cut
            self._write(unit, segment, content, now)
            chain.remove(unit.db, segment)
            failpoint("archive.removed")
        failpoint("archive.committed")
        return segment

    def _write(self, unit: Unit, segment: Segment, content: bytes, now: datetime) -> None:
        """The file, then the row that authorises the removal, and the audit's word for it."""
        files.write(self.folder, segment, content)
        failpoint("archive.written")
        segments.add(unit.db, segment)
        unit.note(now, "archive.removed", "archive", str(segment.segment_id), "", **segment.told)


def _take_turns(unit: Unit) -> None:
    """One archives at a time; SQLite lets one write at a time anyway."""
    if unit.db.dialect.name == "postgresql":
        unit.db.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def _removed(gone: int, written: int, table: str) -> None:
    if gone != written:
        raise OpsStoreError(f"archiving {table}: {written} rows were written and {gone} would be removed; nothing was")
