"""Walking the chain row by row: which rows are not what they were, or not where they were. Bounded memory, whatever its
length; what is found is summed up in runs.

A row whose content does not give its hash was edited, unless it gives it under another number: then it was moved. Rows
moved among each other were reordered; a shift that lasts to the end means that rows before it were removed or inserted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from arsync_pipelines.ops.audit.chain import AuditRow

Kind = Literal["edited", "removed", "inserted", "reordered", "rewritten", "checkpoint", "rows", "archive"]
_NEAR = 64
_MOST = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with the rows `first` to `last`, in words for people."""

    kind: Kind
    first: int
    last: int
    text: str


@dataclass(slots=True)
class _Run:
    """Rows in a sequence that all belong `offset` further on."""

    first: int
    last: int
    offset: int


@dataclass(slots=True)
class Walk:
    """Feed rows in order of their numbers to `see`, then ask `findings`. Begins after row `seq` with `hash`.

    `locate` answers the number of the row with a hash, None when there is none; asked for few rows only.
    """

    seq: int
    hash: str
    locate: Callable[[str], int | None] = lambda _hash: None
    rows: int = 0
    more: int = 0
    _found: list[Finding] = field(default_factory=list)
    _runs: list[_Run] = field(default_factory=list)
    _asked: int = 0
    _trusted: bool = True

    def see(self, row: AuditRow) -> None:
        """The next row that stands in the store."""
        self.rows += 1
        gap = row.seq > self.seq + 1
        if gap:
            self._add("removed", self.seq + 1, row.seq - 1, "are missing")
        moved = False
        if row.content_hash() != row.hash:
            offset = self._offset(row)
            if offset is None:
                self._add("edited", row.seq, row.seq, "does not give its own hash: its content was changed")
            else:
                moved = True
                self._move(row.seq, offset)
        elif self._trusted and not gap and row.previous_hash != self.hash:
            where = row.seq - 1
            text = f"is not the one that row {row.seq} was written after: it was replaced, hash and all"
            self._add("edited", where, where, text)
        self._trusted = not moved
        self.seq, self.hash = row.seq, row.hash

    def skip(self, seq: int, hash_: str) -> None:
        """Go on after row `seq` with this hash, whatever came before it."""
        self.seq, self.hash, self._trusted = seq, hash_, True

    def findings(self) -> list[Finding]:
        """Everything found, by row."""
        found = list(self._found)
        sums = sum(run.offset * (run.last - run.first + 1) for run in self._runs)
        if self._runs and sums == 0:
            found += [_reordered(run) for run in self._runs]
        else:
            shifts = self._shifts()
            found += [_reordered(run) for run in self._runs if run not in shifts]
            before = 0
            for run in shifts:
                step, before = run.offset - before, run.offset
                found = _shifted(found, run, step)
        return sorted(found, key=lambda finding: (finding.first, finding.last))

    def _shifts(self) -> list[_Run]:
        """The runs that follow each other up to the last row."""
        end = self.seq
        shifts: list[_Run] = []
        for run in reversed(self._runs):
            # an edited row may stand among moved ones
            if run.last < end - 1:
                break
            shifts.insert(0, run)
            end = run.first - 1
        return shifts

    def _offset(self, row: AuditRow) -> int | None:
        """How far from here a row stood when it was written; None when it was nowhere."""
        likely = [self._runs[-1].offset] if self._runs else []
        for offset in (*likely, *(o for n in range(1, _NEAR + 1) for o in (n, -n))):
            if row.seq + offset > 0 and row.content_hash(row.seq + offset) == row.hash:
                return offset
        self._asked += 1
        if self._asked <= _NEAR and (before := self.locate(row.previous_hash)) is not None:
            offset = before + 1 - row.seq
            return offset if row.content_hash(before + 1) == row.hash else None
        return None

    def _move(self, seq: int, offset: int) -> None:
        last = self._runs[-1] if self._runs else None
        if last and last.offset == offset and last.last == seq - 1:
            last.last = seq
        elif len(self._runs) < _MOST:
            self._runs.append(_Run(seq, seq, offset))
        else:
            self.more += 1

    def _add(self, kind: Kind, first: int, last: int, text: str) -> None:
        if len(self._found) < _MOST:
            self._found.append(Finding(kind, first, last, f"{_named(first, last)} {text}"))
        else:
            self.more += 1


def _named(first: int, last: int) -> str:
    return f"row {first}" if first == last else f"rows {first} to {last}"


def _reordered(run: _Run) -> Finding:
    belongs = _named(run.first + run.offset, run.last + run.offset)
    text = f"{_named(run.first, run.last)} stood elsewhere: written as {belongs}"
    return Finding("reordered", run.first, run.last, text)


def _shifted(found: list[Finding], run: _Run, step: int) -> list[Finding]:
    """Add that rows before a run were taken out (step > 0) or put in (step < 0)."""
    if step > 0:
        first = run.first + run.offset - step
        text = f"{_named(first, first + step - 1)} were taken out, and those after renumbered from {run.first} on"
        return [*found, Finding("removed", first, first + step - 1, text)]
    first, last = run.first + step, run.first - 1
    rest = [f for f in found if not (f.kind == "edited" and first <= f.first and f.last <= last)]
    text = f"{_named(first, last)} were put in, and those after renumbered"
    return [*rest, Finding("inserted", first, last, text)] if step else found
