"""Checkpoints: what the chain was at an instant, kept in the store and, more to the point, outside it.

Whoever can write to the database can rewrite the whole chain or cut its end, and it would agree with itself. The
exported file is what it then disagrees with: copy it to where the database's administrators cannot write.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Table, func, insert, select

from arsync_pipelines.domain.durable import append_synced
from arsync_pipelines.domain.errors import OpsStoreError
from arsync_pipelines.ops.archive.segments import archived_rows
from arsync_pipelines.ops.audit.chain import canonical, instant_text
from arsync_pipelines.ops.tables import audit_checkpoint, push_attempt, push_intent, push_key
from arsync_pipelines.ops.unit import Transactions

COUNTED: tuple[Table, ...] = (push_intent, push_attempt, push_key)
FILE = "audit-checkpoints.jsonl"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The row `seq` had `hash`. `rows`: table -> rows that it had at least, those in the archive included."""

    seq: int
    hash: str
    at: datetime
    rows: Mapping[str, int]

    @property
    def line(self) -> str:
        """As it stands in the exported file."""
        return canonical({"seq": self.seq, "hash": self.hash, "at": instant_text(self.at), "rows": dict(self.rows)})


@dataclass(frozen=True, slots=True)
class Exported:
    """What the file holds: its checkpoints, and the numbers of lines that are none."""

    checkpoints: tuple[Checkpoint, ...]
    broken: tuple[int, ...]


class CheckpointStore:
    """Checkpoints of one chain and the file that they are exported to."""

    def __init__(self, transactions: Transactions, folder: Path) -> None:
        self._transactions = transactions
        self.path = folder / FILE

    def write(self, now: datetime) -> Checkpoint | None:
        """Take a checkpoint at the chain's end and export what the file lacks; None when nothing was told since.

        Raises OpsStoreError when the file cannot be written; the checkpoint then stands in the store, and the next call
        exports it.
        """
        made = None
        with self._transactions.write() as unit:
            counted = count_rows(unit.db)  # before the chain is held: counting takes long, and rows only grow in number
            head = unit.hold_chain()
            if head.seq > (unit.db.execute(select(func.max(audit_checkpoint.c.seq))).scalar() or 0):
                made = Checkpoint(head.seq, head.hash, now, counted)
                unit.db.execute(
                    insert(audit_checkpoint).values(seq=made.seq, hash=made.hash, at=now, rows=canonical(made.rows))
                )
        self._export()
        return made

    def _export(self) -> None:
        """Append what the file lacks, a line each, synced. What stands there is never rewritten.

        Only what was committed, so in a transaction of its own; that holds the chain, so that two do not write at once.
        """
        with self._transactions.write() as unit:
            unit.hold_chain()
            try:
                known = {checkpoint.seq for checkpoint in self.exported().checkpoints}
                missing = [checkpoint for checkpoint in stored(unit.db) if checkpoint.seq not in known]
                if missing:
                    append_synced(self.path, "".join(f"{checkpoint.line}\n" for checkpoint in missing).encode())
            except OSError as error:
                raise OpsStoreError(
                    f"checkpoints of the audit cannot be written to {self.path}: {error.strerror}. "
                    "Make room or correct its permissions; the next push writes what is missing."
                ) from error

    def exported(self) -> Exported:
        """Those in the file, in its order; a last line that a crash cut short is left out."""
        if not self.path.is_file():
            return Exported((), ())
        text = self.path.read_bytes()
        found, broken = [], []
        for number, line in enumerate(text[: text.rfind(b"\n") + 1].splitlines(), 1):
            checkpoint = _parsed(line)
            if checkpoint is None:
                broken.append(number)
            else:
                found.append(checkpoint)
        return Exported(tuple(found), tuple(broken))


def stored(db: Connection) -> list[Checkpoint]:
    """Those in the store, in order."""
    query = select(audit_checkpoint).order_by(audit_checkpoint.c.seq)
    return [Checkpoint(row.seq, row.hash, row.at, json.loads(row.rows)) for row in db.execute(query)]


def count_rows(db: Connection) -> dict[str, int]:
    """Table -> rows, of the tables from which none leaves but for the archive: those there included."""
    # first: what is archived between two statements is then missing from the sum, never in it twice
    archived = archived_rows(db)
    return {
        str(table.name): int(db.execute(select(func.count()).select_from(table)).scalar() or 0) + archived[table.name]
        for table in COUNTED
    }


def _parsed(line: bytes) -> Checkpoint | None:
    try:
        values = json.loads(line)
        rows = {str(name): int(number) for name, number in values["rows"].items()}
        return Checkpoint(int(values["seq"]), str(values["hash"]), datetime.fromisoformat(values["at"]), rows)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
