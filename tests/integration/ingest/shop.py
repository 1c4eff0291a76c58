"""A source made for tests: an ordered log of changes, read by keyset, and lines that belong to documents."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from arsync_pipelines.ports.source import (
    ConnectionCheck,
    Cursor,
    CursorSpec,
    Field,
    Page,
    StreamSpec,
)

DOCUMENT = StreamSpec(
    system="shop",
    name="document",
    primary_key=("id",),
    fields=(Field("id", required=True), Field("amount", required=True), Field("changed", required=True)),
    cursor=CursorSpec("changed", timedelta(seconds=1), timedelta(seconds=2)),
)
LINE = StreamSpec(
    system="shop",
    name="line",
    primary_key=("document", "id"),
    fields=(Field("document"), Field("id"), Field("amount"), Field("changed")),
    cursor=CursorSpec("changed", timedelta(seconds=1), timedelta(seconds=2)),
    delete_detection="scope",
    scope=("document",),
)
TERM = StreamSpec(
    system="shop",
    name="term",
    primary_key=("id",),
    fields=(Field("id"), Field("name")),
    delete_detection="full",
)
OVERLAP = 3


class FixedClock:
    def now(self) -> datetime:
        return datetime(2026, 7, 1, 6, tzinfo=UTC)


@dataclass
class Shop:
    """`log` holds (tick, document id, amount, number of lines); `fail_after` pages a stream raises `error`."""

    connection: str = "shop_eu"
    system: str = "shop"
    log: list[tuple[int, str, str | None, int]] = field(default_factory=list)
    terms: dict[str, str] = field(default_factory=dict)
    page_size: int = 4
    fail_after: dict[str, int] = field(default_factory=dict)
    error: Exception | None = None
    reads: list[tuple[str, Cursor | None, datetime | None]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sell(self, count: int, lines: int = 2) -> None:
        for _ in range(count):
            tick = len(self.log) + 1
            self.log.append((tick, f"d{tick}", f"{tick}.00", lines))

    def change(self, document: str, amount: str, lines: int = 2) -> None:
        self.log.append((len(self.log) + 1, document, amount, lines))

    def streams(self) -> Sequence[StreamSpec]:
        return (TERM, DOCUMENT, LINE)

    def read(self, stream: str, cursor: Cursor | None, *, since: datetime | None = None) -> Iterator[Page]:
        with self._lock:
            self.reads.append((stream, cursor, since))
        pages = self._terms() if stream == "term" else self._changes(stream, cursor, since)
        for number, page in enumerate(pages):
            if number == self.fail_after.get(stream, -1):
                raise self.error or RuntimeError("fail_after needs an error")
            yield page

    def _terms(self) -> Iterator[Page]:
        rows = [{"id": key, "name": name} for key, name in self.terms.items()]
        chunks = [rows[n : n + self.page_size] for n in range(0, len(rows), self.page_size)] or [[]]
        for number, chunk in enumerate(chunks):
            yield Page(chunk, {}, final=number == len(chunks) - 1)

    def _changes(self, stream: str, cursor: Cursor | None, since: datetime | None) -> Iterator[Page]:
        """Every document once, at its latest change: what a keyset over last-modified stamps shows."""
        start = max(0, int(cursor["tick"]) - OVERLAP) if cursor else 0
        if since is not None:
            start = since.day - 1
        latest = {document: (tick, amount, lines) for tick, document, amount, lines in self.log}
        changed = sorted(
            (tick, key, amount or "", lines) for key, (tick, amount, lines) in latest.items() if tick > start
        )
        for n in range(0, len(changed), self.page_size):
            chunk = changed[n : n + self.page_size]
            rows = [row for entry in chunk for row in _rows(stream, *entry)]
            scopes = [(entry[1],) for entry in chunk] if stream == "line" else []
            yield Page(rows, {"tick": chunk[-1][0]}, scopes, n + self.page_size >= len(changed))

    def has_changes(self, stream: str, cursor: Cursor | None) -> bool:
        return True

    def check(self) -> Sequence[ConnectionCheck]:
        return ()

    def expected(self) -> dict[str, set[tuple[Any, ...]]]:
        """What staging must see at the end."""
        latest = {document: (tick, amount, lines) for tick, document, amount, lines in self.log}
        return {
            "term": set(self.terms.items()),
            "document": {(document, amount) for document, (_, amount, _) in latest.items()},
            "line": {(document, str(n)) for document, (_, _, lines) in latest.items() for n in range(lines)},
        }


def _rows(stream: str, tick: int, document: str, amount: str, lines: int) -> list[Mapping[str, Any]]:
    if stream == "document":
        return [{"id": document, "amount": amount or None, "changed": str(tick)}]
    return [{"document": document, "id": str(n), "amount": "1", "changed": str(tick)} for n in range(lines)]
