"""Reads an org: pages of records by (SystemModstamp, Id) with overlap, or a bulk job for a large first read.

A cursor is {"at": instant, "id": record} of the last record in order, or during a bulk read {"job", "locator", "then"}
where `then` is the cursor that holds once the job is read to its end.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from arsync_pipelines.connectors.salesforce import soql
from arsync_pipelines.connectors.salesforce.api import LocatorExpired, QueryPage, SalesforceApi
from arsync_pipelines.connectors.salesforce.bulk_query import BulkReader, JobGone
from arsync_pipelines.connectors.salesforce.check import check
from arsync_pipelines.connectors.salesforce.soql import Position
from arsync_pipelines.connectors.salesforce.spec import AR_STREAMS, SOBJECTS, numbers, streams
from arsync_pipelines.domain.errors import SourceContractBroken
from arsync_pipelines.ports.gate import Gate
from arsync_pipelines.ports.source import ConnectionCheck, ControlTotal, Cursor, Page, StreamSpec

_RESTARTS = 3
"""How often a read may begin again from its keyset because the org forgot a locator without our getting on."""

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[Ee][-+]?[0-9]+)?")

_BEGINNING = Position(datetime.min.replace(tzinfo=UTC))


class SalesforceSource:
    """One org as a Source. `sleep` and `monotonic` (seconds) are replaceable in tests."""

    def __init__(
        self,
        api: SalesforceApi,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._sleep = sleep
        self._monotonic = monotonic
        self._overlap = timedelta(minutes=api.options.overlap_minutes)
        self._specs = {spec.name: spec for spec in streams(api.options.mapping, self._overlap)}
        self._numbers = {name: numbers(name, api.options.mapping) for name in self._specs}

    @property
    def connection(self) -> str:
        return self._api.connection

    @property
    def system(self) -> str:
        return "salesforce"

    def through(self, gate: Gate | None) -> None:
        """See ports.gate.Gated."""
        self._api.http.gate = gate

    def streams(self) -> Sequence[StreamSpec]:
        return tuple(self._specs.values())

    def close(self) -> None:
        """Close the connections; also happens when the source is forgotten."""
        self._api.close()

    def check(self) -> Sequence[ConnectionCheck]:
        return check(self._api)

    def totals(self, streams: Sequence[str]) -> Sequence[ControlTotal]:
        """How many records of the AR objects and accounts there are outside of the recycle bin."""
        return [
            ControlTotal(name, name, self._api.query(soql.count(self._sobject(name), None)).total)
            for name in ("account", *AR_STREAMS)
            if name in streams
        ]

    def unread(self, streams: Sequence[str]) -> dict[str, list[str]]:
        """Fields that the org describes and no stream asks for."""
        found: dict[str, list[str]] = {}
        for stream in streams:
            described = self._api.describe(self._sobject(stream))
            if described is not None:
                asked = {field.source for field in self._spec(stream).fields}
                found[stream] = [one["name"] for one in described["fields"] if one["name"] not in asked]
        return found

    def has_changes(self, stream: str, cursor: Cursor | None) -> bool:
        if cursor is None or "job" in cursor:
            return True
        newest = self._newest(stream)
        # an object that was empty has a cursor without a place; while it stays so, there is no news
        return newest is not None and ("at" not in cursor or newest > _position(cursor))

    def read(self, stream: str, cursor: Cursor | None, *, since: datetime | None = None) -> Iterator[Page]:
        """Pages after `cursor`; see ports.source.Source.

        Raises SourceContractBroken when the org ignores a filter, brings a page without news, or lacks a field.
        """
        cursor = dict(cursor or {})
        if "job" in cursor and since is None:
            try:
                yield from self._bulk_pages(stream, cursor["job"], cursor["locator"], cursor["then"])
                return
            except JobGone:
                cursor = {}
        newest = self._newest(stream)
        if newest is None:
            yield Page((), _committed(cursor), final=True)
            return
        known = _position(cursor) if "at" in cursor else None
        start = Position(since) if since else known.moved(-self._overlap) if known else None
        if known is None and self._is_large(stream, start):
            reader = self._bulk(stream)
            job = reader.start(soql.unordered(self._sobject(stream), self._fields(stream), start))
            reader.wait(job)
            yield from self._bulk_pages(stream, job, "", _cursor(newest))
            return
        yield from self._keyset_pages(stream, start, known, newest)

    def _sobject(self, stream: str) -> str:
        self._spec(stream)
        return SOBJECTS.get(stream) or self._api.options.mapping.object_name(AR_STREAMS[stream])

    def _spec(self, stream: str) -> StreamSpec:
        if stream not in self._specs:
            raise SourceContractBroken(
                f"connection {self.connection!r}: Salesforce has no stream {stream!r}; known: {', '.join(self._specs)}"
            )
        return self._specs[stream]

    def _fields(self, stream: str) -> list[str]:
        skipped = set() if self._api.options.multi_currency else {"CurrencyIsoCode"}
        return list(dict.fromkeys(f.source for f in self._spec(stream).fields if f.source not in skipped))

    def _newest(self, stream: str) -> Position | None:
        """The last record in order before this read; no cursor goes past it, whatever changes while we read."""
        records = self._api.query(soql.newest(self._sobject(stream)), deleted=True).records
        return _key(records[0]) if records else None

    def _is_large(self, stream: str, start: Position | None) -> bool:
        limit = self._api.options.bulk_read_rows
        if not limit:
            return False
        return self._api.query(soql.count(self._sobject(stream), start), deleted=True).total > limit

    def _keyset_pages(
        self, stream: str, start: Position | None, known: Position | None, newest: Position
    ) -> Iterator[Page]:
        """Windows of one query each, every window after the last record of the one before: a record that changes while
        we read moves behind us or before us, and no other record shifts with it.

        No cursor goes past `newest`: what changed during the read is the next read's.
        """
        place, reached = start or _BEGINNING, known or _BEGINNING
        while True:
            for page in self._window(stream, None if place is _BEGINNING else place):
                settled = [key for key in map(_key, page.records) if key <= newest]
                place, reached = max([place, *settled]), max([reached, *settled])
                more = bool(settled) and (bool(page.next_path) or place < newest)
                yield Page(page.records, {} if reached is _BEGINNING else _cursor(reached), final=not more)
                if not more:
                    return

    def _window(self, stream: str, start: Position | None) -> Iterator[QueryPage]:
        """The pages of one query: one, unless the org makes them shorter than asked (wide rows)."""
        size = self._api.options.page_size
        query = soql.changes(self._sobject(stream), self._fields(stream), start, size)
        page = self._api.query(query, deleted=True, size=size)
        keys = [_key(record) for record in page.records]
        self._refuse_lies(stream, start, keys)
        if keys != sorted(keys):
            raise SourceContractBroken(f"connection {self.connection!r}: {stream} came unordered against our request")
        self._refuse_words(stream, page.records)
        yield page
        seen = set(keys)
        while page.next_path:
            try:
                page = self._api.next_page(page.next_path, size)
            except LocatorExpired:
                return
            keys = [_key(record) for record in page.records]
            if seen.issuperset(keys):
                raise SourceContractBroken(
                    f"connection {self.connection!r}: a page of {stream} brought nothing new though more was "
                    "announced; the read was stopped before it turns in circles. Run it again, with a smaller page_size"
                )
            seen.update(keys)
            self._refuse_words(stream, page.records)
            yield page

    def _refuse_lies(self, stream: str, start: Position | None, keys: Sequence[Position]) -> None:
        early = [key for key in keys if start and (key <= start if start.id else key < start)]
        if start and early:
            raise SourceContractBroken(
                f"connection {self.connection!r}: {stream} was asked for changes after {start.at.isoformat()} "
                f"{start.id} and {len(early)} of {len(keys)} records are older (first {min(early).id}): the filter was "
                "ignored. Nothing of them was stored; run `arsync doctor` and see what sits between us and the org"
            )

    def _refuse_words(self, stream: str, records: Sequence[dict[str, Any]]) -> None:
        """Whoever makes a number a text changes what all its values look like, and no amount can be told from it."""
        for name, column in self._numbers[stream].items():
            values = [value for record in records if (value := record.get(name)) is not None]
            if not all(map(_NUMBER.fullmatch, map(str, values))):
                word = next(value for value in values if not _NUMBER.fullmatch(str(value)))
                record = next(record for record in records if record.get(name) == word)
                raise SourceContractBroken(
                    f"connection {self.connection!r}: stream {stream}: column {column} ({name}) holds numbers, and in "
                    f"{record['Id']} it is {str(word)[:40]!r}. Make the field a number again, or map another one in "
                    "arsync.toml; nothing of this page was taken"
                )

    def _bulk(self, stream: str) -> BulkReader:
        return BulkReader(self._api, self._spec(stream), self._fields(stream), self._sleep, self._monotonic)

    def _bulk_pages(self, stream: str, job: str, locator: str, then: Cursor) -> Iterator[Page]:
        for page in self._bulk(stream).pages(job, locator):
            final = not page.locator
            self._refuse_words(stream, page.rows)
            yield Page(page.rows, then if final else {"job": job, "locator": page.locator, "then": then}, final=final)


def _key(record: dict[str, Any]) -> Position:
    try:
        return Position(soql.instant(record["SystemModstamp"]), record["Id"])
    except (KeyError, TypeError, ValueError) as error:
        raise SourceContractBroken(
            f"a record came without the SystemModstamp and Id that were asked for ({type(error).__name__}: {error})"
        ) from error


def _position(cursor: Cursor) -> Position:
    return Position(datetime.fromisoformat(cursor["at"]), cursor.get("id", ""))


def _cursor(position: Position) -> Cursor:
    return {"at": position.at.isoformat(), "id": position.id}


def _committed(cursor: Cursor) -> Cursor:
    return cursor if "at" in cursor else {}
