"""Verifying the audit: the chain with itself, with its head, with its checkpoints in the store and outside it.

Streams, as of one instant: what is told meanwhile is not looked at. Needs memory for checkpoints only.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from arsync_pipelines.ops.audit import log
from arsync_pipelines.ops.audit.chain import FIRST, AuditRow
from arsync_pipelines.ops.audit.checkpoints import Checkpoint, CheckpointStore, Exported, count_rows, stored
from arsync_pipelines.ops.audit.walk import Finding, Walk
from arsync_pipelines.ops.tables import audit_event
from arsync_pipelines.ops.unit import Transactions


@dataclass(frozen=True, slots=True)
class Verification:
    """`rows` were checked, the last of them `last`, against so many `checkpoints`. `more`: findings not listed."""

    findings: tuple[Finding, ...]
    rows: int
    last: int
    checkpoints: int
    more: int

    @property
    def holds(self) -> bool:
        """Nothing was found."""
        return not self.findings


def verify(transactions: Transactions, checkpoints: CheckpointStore) -> Verification:
    """Check everything. Does not stop at the first finding."""
    exported = checkpoints.exported()  # first: all that stands in the file was committed before
    with transactions.read() as db:
        walk = Walk(0, FIRST, locate=lambda hash_: _locate(db, hash_))
        known = stored(db)
        marks = _Marks(known, exported)
        for row in log.rows(db):
            walk.see(row)
            marks.see(row)
        findings = [*walk.findings(), *_end(log.head(db), walk)]
        findings += marks.findings(walk, findings)
        findings += _compared(known, exported, checkpoints.path.name)
        findings += _counts(count_rows(db), [*known, *exported.checkpoints])
    ordered = tuple(sorted(findings, key=lambda finding: (finding.first, finding.last)))
    return Verification(ordered, walk.rows, walk.seq, marks.checked, walk.more)


def _locate(db: Connection, hash_: str) -> int | None:
    found = db.execute(select(audit_event.c.seq).where(audit_event.c.hash == hash_).limit(1)).scalar()
    return None if found is None else int(found)


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
