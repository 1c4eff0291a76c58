"""NetSuite as a Source: cursors, pages and deletions of its streams. Paging proper is `reader.py`.

A cursor is {"stamp": local time, "after": [id]}: the last row stored, as the account's clock shows it. A read starts
one overlap before it. Small streams are read whole every time; their cursor only remembers what they looked like.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

import httpx

from arsync_pipelines.connectors.http import RequestRejected, Retry
from arsync_pipelines.connectors.netsuite.check import check_account, explain
from arsync_pipelines.connectors.netsuite.client import PAGE_SIZE, Answer, SuiteQL
from arsync_pipelines.connectors.netsuite.options import NetSuiteOptions
from arsync_pipelines.connectors.netsuite.query import build_queries, transaction_totals
from arsync_pipelines.connectors.netsuite.reader import Chunk, Fetch, Place, walk
from arsync_pipelines.connectors.netsuite.records import page_decoder, rendered
from arsync_pipelines.connectors.netsuite.spec import STREAMS, TRANSACTION_TYPES
from arsync_pipelines.connectors.netsuite.statements import Statement, StreamQuery
from arsync_pipelines.connectors.netsuite.zone import ZoneClock
from arsync_pipelines.domain.errors import ConfigError, SourceContractBroken
from arsync_pipelines.domain.secret import Reveal
from arsync_pipelines.ports.gate import Gate
from arsync_pipelines.ports.source import ConnectionCheck, ControlTotal, Cursor, Page, RenderedRows, StreamSpec

NEWEST = 100
"""Rows of a table that are looked at for columns that nobody reads."""


class NetSuiteSource:
    """One NetSuite account. Thread-safe: streams may be read at the same time, within the account's concurrency."""

    system = "netsuite"

    def __init__(
        self,
        connection: str,
        options: NetSuiteOptions,
        reveal: Reveal,
        *,
        transport: httpx.BaseTransport | None = None,
        retry: Retry | None = None,
    ) -> None:
        self.connection = connection
        self.options = options
        self._suiteql = SuiteQL(connection, options, reveal, transport=transport, retry=retry)
        self._queries = build_queries(options)
        self._decoders = {name: page_decoder(name, list(query.columns)) for name, query in self._queries.items()}
        self._overlap = timedelta(minutes=options.overlap_minutes)

    def through(self, gate: Gate | None) -> None:
        """See ports.gate.Gated."""
        self._suiteql.http.gate = gate

    def streams(self) -> Sequence[StreamSpec]:
        return STREAMS

    def read(self, stream: str, cursor: Cursor | None, *, since: datetime | None = None) -> Iterator[Page]:
        """Pages of a stream, oldest change first; lines and links in whole transactions."""
        query = self._query(stream)
        if not query.stamp[0]:
            return self._read_whole(query)
        return self._read_changes(query, cursor or {}, since)

    def has_changes(self, stream: str, cursor: Cursor | None) -> bool:
        """One query for a single id: anything after the last row stored (what came late below it waits for a read)."""
        query = self._query(stream)
        if cursor is None:
            return True
        if not query.stamp[0]:
            items = self._fetch(query, query.extent(), 1).items
            return _extent(items[0] if items else {}) != dict(cursor)
        keys = [int(key) for key in cursor.get("after", ())]
        return bool(self._fetch(query, query.newer(str(cursor.get("stamp", "")), keys), 1).items)

    def totals(self, streams: Sequence[str]) -> Sequence[ControlTotal]:
        """Transactions by type and currency, and customers; with the log of deletions only, which says what is gone."""
        if not self.options.control_totals or "deleted_record" not in streams:
            return []
        found: list[ControlTotal] = []
        if "transaction" in streams:
            found += self._transaction_totals(self._query("transaction"))
        if "customer" in streams:
            query = self._query("customer")
            (counted,) = self._fetch(query, query.extent(), 1).items
            found.append(ControlTotal("customer", "customer", int(counted["rows_total"])))
        return found

    def _transaction_totals(self, query: StreamQuery) -> list[ControlTotal]:
        answer = self._fetch(query, transaction_totals(TRANSACTION_TYPES), PAGE_SIZE)
        if answer.has_more:
            raise SourceContractBroken(
                f"connection {self.connection!r}: control totals of {len(answer.items)} types and currencies and more; "
                "set control_totals = false for this connection"
            )
        found = [
            ControlTotal(
                query.spec.name, row["type"], int(row["rows_total"]), str(row.get("currency") or ""),
                str(row.get("amount") or 0),
            )
            for row in answer.items
        ]  # fmt: skip
        named = {total.object for total in found}
        return found + [ControlTotal(query.spec.name, kind, 0) for kind in TRANSACTION_TYPES if kind not in named]

    def unread(self, streams: Sequence[str]) -> dict[str, list[str]]:
        """Columns that any of a table's newest rows carries: a query shows none that is empty in all its rows."""
        found: dict[str, list[str]] = {}
        for stream in streams:
            query = self._query(stream)
            items = self._fetch(query, query.everything(), NEWEST).items
            carried = dict.fromkeys(column for item in items for column in item)
            found[stream] = [column for column in carried if column not in {*query.asked, "links"}]
        return found

    def check(self) -> Sequence[ConnectionCheck]:
        return check_account(self._suiteql, self.options, self._queries)

    def _query(self, stream: str) -> StreamQuery:
        try:
            return self._queries[stream]
        except KeyError:
            known = ", ".join(self._queries)
            raise ConfigError(
                f"connection {self.connection!r}: netsuite has no stream {stream!r}; known: {known}"
            ) from None

    def _fetch(self, query: StreamQuery, statement: Statement, limit: int) -> Answer:
        try:
            return self._suiteql.fetch(statement, limit)
        except RequestRejected as error:
            raise explain(self._suiteql, query, error) from error

    def _pages_of(self, query: StreamQuery) -> Fetch:
        """Fetches pages of the stream's own columns."""
        decoder = self._decoders[query.spec.name]

        def fetch(statement: Statement) -> Answer:
            try:
                return self._suiteql.fetch(statement, PAGE_SIZE, decoder)
            except RequestRejected as error:
                raise explain(self._suiteql, query, error) from error

        return fetch

    def _read_changes(self, query: StreamQuery, cursor: Cursor, since: datetime | None) -> Iterator[Page]:
        zone = ZoneClock(self.options.zone)
        start = Place()
        if since is not None:
            start = Place(zone.lower_bound(zone.local(since), timedelta()))
        elif "stamp" in cursor:
            start = Place(zone.lower_bound(str(cursor["stamp"]), self._overlap))
        elif query.first:
            query = self._from_the_beginning(query, zone)
        reached = dict(cursor)
        for chunk in walk(query, start, self._pages_of(query), zone):
            if chunk.rows:
                reached = {"stamp": chunk.reached.stamp, "after": [str(key) for key in chunk.reached.keys]}
                if chunk.block:
                    # every page's cursor differs, though all of a block resume before it
                    reached["block"] = chunk.groups[-1]
            scopes = [(group,) for group in chunk.groups] if query.spec.scope else []
            yield Page(_rows(query, chunk, zone), reached, scopes, chunk.last)

    def _from_the_beginning(self, query: StreamQuery, zone: ZoneClock) -> StreamQuery:
        items = self._fetch(query, query.newest(), 1).items
        newest = str((items[0] if items else {}).get("latest") or "")
        return query.from_the_beginning(zone.lower_bound(newest, self._overlap)) if newest else query

    def _read_whole(self, query: StreamQuery) -> Iterator[Page]:
        zone = ZoneClock(self.options.zone)
        count, latest = 0, ""
        for chunk in walk(query, Place(), self._pages_of(query), zone):
            count += len(chunk.rows)
            latest = max([latest, *(str(getattr(row, "lastmodifieddate", None) or "") for row in chunk.rows)])
            cursor = {"rows_total": str(count), "latest": latest} if chunk.last else {}
            yield Page(_rows(query, chunk, zone), cursor, (), chunk.last)


def _rows(query: StreamQuery, chunk: Chunk, zone: ZoneClock) -> RenderedRows:
    """Rows to land: timestamps in UTC, without the empty row of a parent that has no child."""
    rows = chunk.rows
    if query.child:
        child_of = attrgetter(query.child)
        rows = [row for row in rows if child_of(row) is not None]
    for column in query.times:
        for row, text in zip(rows, map(attrgetter(column), rows), strict=True):
            if text:
                setattr(row, column, zone[text])
    return rendered(rows)


def _extent(row: dict[str, Any]) -> dict[str, str]:
    return {"rows_total": str(row.get("rows_total", "")), "latest": str(row.get("latest", ""))}
