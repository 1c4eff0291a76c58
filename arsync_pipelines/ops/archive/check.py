"""Checking the archive: that every file is as it was written, that the audit in it is the beginning of the chain, and
that nothing was archived but what the audit was told of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from arsync_pipelines.ops.archive import files
from arsync_pipelines.ops.archive.files import Segment
from arsync_pipelines.ops.archive.kinds import AUDIT
from arsync_pipelines.ops.audit.chain import AuditRow
from arsync_pipelines.ops.audit.walk import Finding, Walk


@dataclass(slots=True)
class ArchiveCheck:
    """Feed `rows` to a walk before those of the store, show it every row with `see`, then ask `findings`."""

    folder: Path
    segments: Sequence[Segment]
    _found: list[Finding] = field(default_factory=list)
    _told: dict[str, Any] = field(default_factory=dict)
    _unread: bool = False

    @property
    def last(self) -> int:
        """The last row of the chain that was archived; 0 before any was."""
        return max((segment.last_seq or 0 for segment in self.segments), default=0)

    def rows(self, walk: Walk) -> Iterator[AuditRow]:
        """Rows of the chain from the files, in order. Past a file that is not what it was the walk is led by what the
        store says of it."""
        for segment in self.segments:
            wrong = files.problem(self.folder, segment)
            first, last = segment.first_seq or 0, segment.last_seq or 0
            if segment.kind != AUDIT:
                self._found += [Finding("archive", 0, 0, wrong)] if wrong else []
                continue
            if first != walk.seq + 1:
                text = f"{segment.file} begins at row {first}, the archive before it ends at row {walk.seq}"
                self._found.append(Finding("archive", first, last, text))
            if not wrong:
                try:
                    yield from files.audit_rows(self.folder, segment)
                    wrong = self._ends(walk, segment)
                except (OSError, ValueError) as error:
                    wrong = f"{segment.file} cannot be read as rows of the audit: {error}"
            if wrong:
                self._unread = True
                self._found.append(Finding("archive", first, last, f"{wrong} (rows {first} to {last} of the audit)"))
            walk.skip(last, segment.last_hash)

    @staticmethod
    def _ends(walk: Walk, segment: Segment) -> str:
        same = (walk.seq, walk.hash) == (segment.last_seq, segment.last_hash)
        return "" if same else f"{segment.file} does not end with the row that the store says"

    def see(self, row: AuditRow) -> None:
        """Remember what the audit was told of the archive."""
        if row.action == "archive.removed":
            self._told[row.subject_id] = row.detail

    def findings(self) -> list[Finding]:
        """What is wrong with files, and where store and audit tell different things of them."""
        found = list(self._found)
        known = {str(segment.segment_id): segment for segment in self.segments}
        for number, segment in known.items():
            if number not in self._told:
                # a file that cannot be read may hold the word for it
                if not self._unread:
                    text = f"segment {number} ({segment.file}) was archived without a word to the audit"
                    found.append(Finding("archive", segment.first_seq or 0, segment.last_seq or 0, text))
            elif orjson.loads(self._told[number]) != segment.told:
                text = f"the store says another thing of segment {number} ({segment.file}) than the audit was told"
                found.append(Finding("archive", segment.first_seq or 0, segment.last_seq or 0, text))
        for number in sorted(self._told.keys() - known.keys(), key=int):
            text = f"the store has lost segment {number} of the archive, which the audit was told of"
            found.append(Finding("archive", 0, 0, text))
        return found


def through(rows: Iterator[AuditRow], walk: Walk, *others: Callable[[AuditRow], None]) -> None:
    """Show rows to a walk and to others."""
    for row in rows:
        walk.see(row)
        for see in others:
            see(row)
