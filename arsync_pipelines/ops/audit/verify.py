"""Verifying the audit: the chain with itself, with its head, with its checkpoints in the store and outside it. What was
archived is read from its files: the chain is one, wherever its rows stand.

Streams, as of one instant: what is told meanwhile is not looked at. Needs memory for checkpoints only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from arsync_pipelines.ops.archive import segments
from arsync_pipelines.ops.archive.check import ArchiveCheck, through
from arsync_pipelines.ops.audit import log
from arsync_pipelines.ops.audit.chain import FIRST, AuditRow
from arsync_pipelines.ops.audit.checkpoints import Checkpoint, CheckpointStore, Exported, count_rows, stored
from arsync_pipelines.ops.audit.walk import Finding, Walk
from arsync_pipelines.ops.tables import audit_event
from arsync_pipelines.ops.unit import Transactions


@dataclass(frozen=True, slots=True)
class Verification:
    """`rows` were checked, the last of them `last`, against so many `checkpoints`. `more`: findings not listed.

    `archived` of the rows stand in the archive, which has so many `files`, of the audit and of all else.
    """

    findings: tuple[Finding, ...]
    rows: int
    last: int
    checkpoints: int
    more: int
    archived: int = 0
    files: int = 0

    @property
    def holds(self) -> bool:
        """Nothing was found."""
        return not self.findings


def verify(transactions: Transactions, checkpoints: CheckpointStore, archive: Path) -> Verification:
    """Check everything, with the files in the folder `archive`. Does not stop at the first finding."""
    exported = checkpoints.exported()  # first: all that stands in the file was committed before
    with transactions.read() as db:
        walk = Walk(0, FIRST, locate=lambda hash_: _locate(db, hash_))
        known = stored(db)
        marks = _Marks(known, exported)
        check = ArchiveCheck(archive, segments.stored(db))
        through(check.rows(walk), walk, marks.see, check.see)
        archived = walk.rows
        through(log.rows(db, check.last), walk, marks.see, check.see)
        findings = [*walk.findings(), *_end(log.head(db), walk), *check.findings(), *_back(db, check.last)]
        findings += marks.findings(walk, findings)
        findings += _compared(known, exported, checkpoints.path.name)
        findings += _counts(count_rows(db), [*known, *exported.checkpoints])
    ordered = tuple(sorted(findings, key=lambda finding: (finding.first, finding.last)))
    files = len(check.segments)
    return Verification(ordered, walk.rows, walk.seq, marks.checked, walk.more, archived, files)


def _locate(db: Connection, hash_: str) -> int | None:
    found = db.execute(select(audit_event.c.seq).where(audit_event.c.hash == hash_).limit(1)).scalar()
    return None if found is None else int(found)


def _back(db: Connection, last: int) -> list[Finding]:
    """Rows that stand in the store though the archive has them: nothing is put back there."""
    query = select(func.min(audit_event.c.seq), func.max(audit_event.c.seq)).where(audit_event.c.seq <= last)
    row: Any = db.execute(query).one()
    if row[0] is None:
        return []
    first, end = int(row[0]), int(row[1])
    return [Finding("inserted", first, end, f"rows {first} to {end} stand in the store, and were archived before")]


def _end(head: log.Head | None, walk: Walk) -> list[Finding]:
    """The last row against the head."""
    if head is None:
        return [
            Finding("removed", walk.seq, walk.seq, "the head of the chain is missing: nobody can say where it ends")
        ]
    if head.seq > walk.seq:
        return [Finding("removed", walk.seq + 1, head.seq, f"rows {walk.seq + 1} to {head.seq} are missing at the end")]
    if head.seq < walk.seq:
        return [Finding("inserted", head.seq + 1, walk.seq, f"rows {head.seq + 1} to {walk.seq} stand beyond the head")]
    if head.hash != walk.hash:
        return [Finding("edited", walk.seq, walk.seq, f"row {walk.seq} is not the one that the head was set to")]
    return []


class _Marks:
    """Checkpoints of store and file, compared with the rows that pass by."""

    def __init__(self, known: list[Checkpoint], exported: Exported) -> None:
        # the file is the independent witness: where both speak, it counts
        merged = {c.seq: c for c in known} | {c.seq: c for c in exported.checkpoints}
        self._marks = [merged[seq] for seq in sorted(merged)]
        self._missed: list[Checkpoint] = []
        self._next = 0
        self.checked = 0

    def see(self, row: AuditRow) -> None:
        while self._next < len(self._marks) and self._marks[self._next].seq <= row.seq:
            mark = self._marks[self._next]
            self._next += 1
            if mark.seq < row.seq:
                continue  # the row is missing, which the walk says
            self.checked += 1
            if mark.hash != row.hash:
                self._missed.append(mark)

    def findings(self, walk: Walk, found: list[Finding]) -> list[Finding]:
        """What neither the walk nor the head could see: a chain that agrees with itself and is another one."""
        result = []
        for mark in self._missed[:1]:
            if not any(f.first <= mark.seq for f in found):
                seen = f"the checkpoint of {mark.at:%Y-%m-%d %H:%M}"
                text = f"rows up to {mark.seq} are not those of {seen}: written anew"
                result.append(Finding("rewritten", 1, mark.seq, text))
        if self._next < len(self._marks):
            last = self._marks[-1]
            if not any(f.kind == "removed" and f.last >= last.seq for f in found):
                text = f"rows {walk.seq + 1} to {last.seq} are missing at the end; a checkpoint has seen row {last.seq}"
                result.append(Finding("removed", walk.seq + 1, last.seq, text))
        return result


def _compared(known: list[Checkpoint], exported: Exported, file: str) -> list[Finding]:
    """Checkpoints of the file against those of the store. The store may be ahead: a crash came before the export."""
    by_seq = {c.seq: c for c in known}
    found = []
    for mark in exported.checkpoints:
        if mark.seq not in by_seq:
            text = f"the store has lost the checkpoint at row {mark.seq} that {file} has"
            found.append(Finding("checkpoint", mark.seq, mark.seq, text))
        elif by_seq[mark.seq] != mark:
            text = f"the checkpoint at row {mark.seq} is another in {file} than in the store"
            found.append(Finding("checkpoint", mark.seq, mark.seq, text))
    found += [Finding("checkpoint", 0, 0, f"line {number} of {file} is no checkpoint") for number in exported.broken]
    return found


def _counts(now: dict[str, int], marks: list[Checkpoint]) -> list[Finding]:
    """Rows only ever grow in number."""
    seen: dict[str, int] = {}
    for mark in marks:
        for table, number in mark.rows.items():
            seen[table] = max(number, seen.get(table, 0))
    return [
        Finding("rows", 0, 0, f"{table} has {now.get(table, 0)} rows; a checkpoint saw {number}")
        for table, number in sorted(seen.items())
        if now.get(table, 0) < number
    ]
