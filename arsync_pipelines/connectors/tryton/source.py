"""Tryton as a Source: one company's streams over JSON-RPC. Paging and deletions are `reader.py`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import httpx

from arsync_pipelines.connectors.http import RequestRejected, Retry
from arsync_pipelines.connectors.tryton.check import check_database, explain
from arsync_pipelines.connectors.tryton.client import TrytonRpc
from arsync_pipelines.connectors.tryton.options import TrytonOptions
from arsync_pipelines.connectors.tryton.reader import StreamReader
from arsync_pipelines.connectors.tryton.spec import QUERIES, Query
from arsync_pipelines.connectors.tryton.totals import COUNTED, receivable_total
from arsync_pipelines.domain.errors import ConfigError
from arsync_pipelines.domain.secret import Reveal
from arsync_pipelines.ports.gate import Gate
from arsync_pipelines.ports.source import ConnectionCheck, ControlTotal, Cursor, Page, StreamSpec


class TrytonSource:
    """One company of one Tryton database. Thread-safe: streams may be read at the same time."""

    system = "tryton"

    def __init__(
        self,
        connection: str,
        options: TrytonOptions,
        reveal: Reveal,
        *,
        transport: httpx.BaseTransport | None = None,
        retry: Retry | None = None,
    ) -> None:
        self.connection = connection
        self.options = options
        self._rpc = TrytonRpc(connection, options, reveal, transport=transport, retry=retry)
        self._queries = {query.spec.name: query for query in QUERIES if options.dunning or not query.module}

    def through(self, gate: Gate | None) -> None:
        """See ports.gate.Gated."""
        self._rpc.http.gate = gate

    def streams(self) -> Sequence[StreamSpec]:
        return [query.spec for query in self._queries.values()]

    def read(self, stream: str, cursor: Cursor | None, *, since: datetime | None = None) -> Iterator[Page]:
        """Pages of a stream by id; the last one with the keys of all records there are."""
        query = self._query(stream)
        try:
            yield from self._reader(query).read(cursor or {}, since)
        except RequestRejected as error:
            raise explain(self._rpc, query, error) from error

    def has_changes(self, stream: str, cursor: Cursor | None) -> bool:
        """Three small requests at most: newest change by write_date and by create_date, and the number of records."""
        query = self._query(stream)
        return cursor is None or self._reader(query).changed_since(cursor)

    def totals(self, streams: Sequence[str]) -> Sequence[ControlTotal]:
        """Records of the streams that receivables are made of, and what the company's parties have not settled."""
        found = [
            ControlTotal(name, name, self._reader(self._query(name)).count()) for name in COUNTED if name in streams
        ]
        if "move_line" in streams and (unpaid := receivable_total(self._rpc, self.options.page_rows)):
            found.append(unpaid)
        return found

    def check(self) -> Sequence[ConnectionCheck]:
        return check_database(self._rpc, self.options, self._queries)

    def _reader(self, query: Query) -> StreamReader:
        overlap = timedelta(minutes=self.options.overlap_minutes)
        return StreamReader(self._rpc, query, overlap, self.options.page_rows)

    def _query(self, stream: str) -> Query:
        try:
            return self._queries[stream]
        except KeyError:
            known = ", ".join(self._queries)
            raise ConfigError(
                f"connection {self.connection!r}: tryton has no stream {stream!r}; known: {known}"
            ) from None
