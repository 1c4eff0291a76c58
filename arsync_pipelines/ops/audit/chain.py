"""How a row of the chain is hashed. Pure, and all there is to know for checking the chain by other means:

    hash = sha256(previous_hash + "\\n" + json([seq, at, actor, action, kind, id, correlation_id, detail]))

json without blanks, UTF-8 not escaped; `at` in UTC with microseconds, 2026-01-31T08:00:00.000000Z; `detail` as the text
that is stored (itself JSON with sorted keys). The first row follows sixty-four zeros.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

FIRST = "0" * 64


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be told of one change. `kind` and `id` name its subject.

    The detail is stored as it is given: free text in it has been through domain.redaction.
    """

    at: datetime
    action: str
    kind: str
    id: str
    correlation_id: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A row of the chain as it is stored."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject_kind: str
    subject_id: str
    correlation_id: str
    detail: str
    previous_hash: str
    hash: str

    def content_hash(self, seq: int | None = None) -> str:
        """What its hash should be, were it to stand at `seq` (default: where it stands)."""
        return row_hash(
            self.previous_hash, self.seq if seq is None else seq, self.at, self.actor, self.action,
            self.subject_kind, self.subject_id, self.correlation_id, self.detail,
        )  # fmt: skip


def instant_text(at: datetime) -> str:
    """An instant as it is hashed."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def canonical(value: Any) -> str:
    """JSON with sorted keys and without blanks."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def row_hash(
    previous_hash: str,
    seq: int,
    at: datetime,
    actor: str,
    action: str,
    kind: str,
    id_: str,
    correlation: str,
    detail: str,
) -> str:
    """The hash of a row; see the module's text."""
    content = orjson.dumps([seq, instant_text(at), actor, action, kind, id_, correlation, detail])
    return hashlib.sha256(previous_hash.encode() + b"\n" + content).hexdigest()


def linked(entries: list[Entry], actor: str, seq: int, previous_hash: str) -> list[dict[str, Any]]:
    """Rows for `entries`, following the row `seq` with `previous_hash`."""
    rows = []
    for number, entry in enumerate(entries, seq + 1):
        detail = canonical(entry.detail)
        found = row_hash(
            previous_hash, number, entry.at, actor, entry.action, entry.kind, entry.id, entry.correlation_id, detail
        )
        rows.append(
            {
                "seq": number, "at": entry.at, "actor": actor, "action": entry.action, "subject_kind": entry.kind,
                "subject_id": entry.id, "correlation_id": entry.correlation_id, "detail": detail,
                "previous_hash": previous_hash, "hash": found,
            }
        )  # fmt: skip
        previous_hash = found
    return rows
