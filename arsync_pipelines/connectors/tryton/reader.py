"""Reads one stream: by id inside a window of time, then the keys that are left. Every page checks what came back.

Rows are walked by id, so rows that change meanwhile neither hide others nor come twice, and the server needs no sort.
The window opens one overlap before the newest change that the *previous* read found when it began; how long a read
takes therefore does not matter, only how long a transaction of the server does.

A cursor is {"stamp", "count"} after a whole read. In the middle of one it also holds {"from", "after", "head"}: where
the window opens, the last id stored, and the newest change when the read began.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from arsync_pipelines.connectors.tryton.client import TrytonRpc
from arsync_pipelines.connectors.tryton.spec import Query
from arsync_pipelines.connectors.tryton.values import instant, plain, stamp
from arsync_pipelines.domain.errors import SourceContractBroken
from arsync_pipelines.ports.source import Cursor, Page

KEY_PAGE = 20_000
"""Ids of one request; they travel as a bare list of numbers."""

_CASTS: Mapping[str, Callable[[Any], Any]] = {"boolean": bool, "integer": int}
"""SQLite shows booleans as 0 and 1."""

VANISHED_ALL = 20
"""From so many known rows on, none left means that the user lost its access rather than that all were deleted."""


class StreamReader:
    """Pages of one stream of one database."""

    def __init__(self, rpc: TrytonRpc, query: Query, overlap: timedelta, page_rows: int) -> None:
        self._rpc = rpc
        self._query = query
        self._overlap = overlap
        self._page_rows = page_rows
        self._requested = sorted({*query.fields.values(), "id"})

    def read(self, cursor: Cursor, since: datetime | None) -> Iterator[Page]:
        """Changed rows and, with the last page, the keys of all others. No page at all: nothing changed.

        `since` (UTC) opens the window there instead.
        """
        if self._query.spec.cursor is None:
            yield from self._whole(cursor)
            return
        if "after" in cursor and since is None:
            opened, after, head = cursor["from"], int(cursor["after"]), cursor["head"]
        else:
            head = self.newest() or cursor.get("stamp", "")
            opened = stamp(instant(cursor["stamp"]) - self._overlap) if cursor.get("stamp") else ""
            opened = opened if since is None else stamp(since)
            after = 0
        done = {key: cursor[key] for key in ("stamp", "count") if key in cursor}
        window = _since(opened) if opened else []
        resumed = after > 0
        pending: list[dict[str, Any]] = []
        for rows in self._walk(window, after):
            self._check_window(rows, opened)
            if pending:
                yield Page(pending, {**done, "from": opened, "after": pending[-1]["id"], "head": head})
            pending = rows
        if not pending and not resumed and cursor.get("count") == str(self.count()):
            return
        keys = self._keys()
        self._check_left(len(keys), cursor)
        yield Page(pending, {"stamp": head, "count": str(len(keys))}, final=True, present=[(key,) for key in keys])

    def newest(self) -> str:
        """The latest change that can be seen, "" when there is no record."""
        stamps = []
        for field in ("write_date", "create_date"):
            domain = [*self._query.domain, [field, "!=", None]]
            rows, _ = self._call("search_read", domain, 0, 1, [[field, "DESC"], ["id", "DESC"]], [field])
            stamps += [str(plain(row[field])) for row in rows]
        return max(stamps, key=instant, default="")

    def count(self) -> int:
        """Records that the user can see."""
        found, _ = self._call("search_count", list(self._query.domain))
        return int(found)

    def changed_since(self, cursor: Cursor) -> bool:
        """Whether something was created, changed or deleted after a whole read: newest change, else the count."""
        if "after" in cursor or "count" not in cursor:
            return True
        return self.newest() != str(cursor.get("stamp", "")) or str(self.count()) != str(cursor["count"])

    def _whole(self, cursor: Cursor) -> Iterator[Page]:
        pending: list[dict[str, Any]] = []
        count, newest = 0, ""
        for rows in self._walk([], 0):
            if pending:
                yield Page(pending, {})
            pending, count = rows, count + len(rows)
            newest = max([newest, *(row["modified_at"] for row in rows)])
        self._check_left(count, cursor)
        yield Page(pending, {"stamp": newest, "count": str(count)}, final=True)

    def _walk(self, window: list[Any], after: int) -> Iterator[list[dict[str, Any]]]:
        """Rows by id, page by page; raises when the server ignores the order or the bound."""
        while True:
            domain = [*self._query.domain, *([window] if window else []), ["id", ">", after]]
            rows, _ = self._call("search_read", domain, 0, self._page_rows, [["id", "ASC"]], self._requested)
            last = after
            for row in rows:
                if not isinstance(row.get("id"), int) or row["id"] <= last:
                    raise self._broken(f"id {row.get('id')} came after {last}; the filter or the order was ignored")
                last = row["id"]
            if rows:
                yield [self._row(row) for row in rows]
            if len(rows) < self._page_rows:
                return
            after = last

    def _row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A landed row: dotted fields from the record they lead to."""
        landed: dict[str, Any] = {}
        for field in self._query.spec.fields:
            path = self._query.fields[field.name]
            first, _, rest = path.partition(".")
            if rest:
                # a dotted field comes as a record under the key `<first>.`
                value = (row.get(f"{first}.") or {}).get(rest)
            elif first not in row:
                continue
            else:
                value = row[first]
            cast = _CASTS.get(field.kind, plain)
            landed[field.name] = None if value is None else cast(value)
        landed["modified_at"] = landed.get("modified_at") or landed.get("created_at")
        if landed["modified_at"] is None:
            raise self._broken(f"id {landed['id']} has neither create_date nor write_date")
        return landed

    def _keys(self) -> list[str]:
        """Ids of all records there are now."""
        keys: list[str] = []
        after = 0
        while True:
            domain = [*self._query.domain, ["id", ">", after]]
            found, _ = self._call("search", domain, 0, KEY_PAGE, [["id", "ASC"]])
            if found and (min(found) <= after or found != sorted(found)):
                raise self._broken("keys came out of order or below their bound; the filter or the order was ignored")
            keys += map(str, found)
            if len(found) < KEY_PAGE:
                return keys
            after = found[-1]

    def _call(self, method: str, *params: Any) -> tuple[Any, Any]:
        return self._rpc.call(f"model.{self._query.model}.{method}", *params)

    def _check_window(self, rows: list[dict[str, Any]], opened: str) -> None:
        if not opened:
            return
        bound = instant(opened)
        for row in rows:
            if instant(row["modified_at"]) < bound:
                raise self._broken(
                    f"id {row['id']} of {row['modified_at']} came although changes from {opened} on were asked for; "
                    f"the filter was ignored"
                )

    def _check_left(self, left: int, cursor: Cursor) -> None:
        known = int(cursor.get("count") or 0)
        if not left and known >= VANISHED_ALL:
            raise self._broken(
                f"all {known} rows are gone at once. If the user lost access to them, give it back; if they were "
                f"really deleted, read the stream anew"
            )

    def _broken(self, what: str) -> SourceContractBroken:
        return SourceContractBroken(
            f"connection {self._rpc.connection!r}: tryton stream {self._query.spec.name}: {what}. Nothing of this page "
            f"was taken"
        )


def _since(opened: str) -> list[Any]:
    """Tryton's domain for: changed, or created and never changed, at or after an instant."""
    bound: datetime = instant(opened)
    return [
        "OR",
        [["write_date", ">=", bound]],
        [["write_date", "=", None], ["create_date", ">=", bound]],
    ]
