"""Stripe as a Source. Its objects carry no modification date and its lists are newest first, so there are two ways:

by events   customer, invoice, charge, refund, dispute: one full list, then every object that an event names is read
            again. An event is a hint; state never comes from its body. Everything is listed anew every `relist_days`,
            and whenever the newest event of the last read is no longer there (Stripe keeps them for 30 days).
by creation payout, balance_transaction, event: what was created since, and again from the oldest one still open.
            payout_transaction goes the way of payout, and asks for the transactions of each.

A list is long and may be interrupted: its cursor holds where it stands, and what will be true once it is through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from arsync_pipelines.connectors.http import Retry
from arsync_pipelines.connectors.stripe.changes import follow_events
from arsync_pipelines.connectors.stripe.check import check_account
from arsync_pipelines.connectors.stripe.client import EVENTS, StripeApi
from arsync_pipelines.connectors.stripe.listing import list_all, list_created
from arsync_pipelines.connectors.stripe.members import list_members
from arsync_pipelines.connectors.stripe.objects import KINDS, Kind
from arsync_pipelines.connectors.stripe.options import StripeOptions
from arsync_pipelines.connectors.stripe.spec import STREAMS
from arsync_pipelines.domain.errors import ConfigError
from arsync_pipelines.domain.secret import Reveal
from arsync_pipelines.ports.gate import Gate
from arsync_pipelines.ports.source import ConnectionCheck, Cursor, Page, StreamSpec

DAY = 86_400
RETENTION = 30 * DAY
"""Seconds for which events can be read."""


class StripeSource:
    """One Stripe account. Thread-safe: streams may be read at the same time."""

    system = "stripe"

    def __init__(
        self,
        connection: str,
        options: StripeOptions,
        reveal: Reveal,
        *,
        transport: httpx.BaseTransport | None = None,
        retry: Retry | None = None,
    ) -> None:
        self.connection = connection
        self.options = options
        self._api = StripeApi(connection, options, reveal, transport=transport, retry=retry)
        self._overlap = options.overlap_minutes * 60

    def through(self, gate: Gate | None) -> None:
        """See ports.gate.Gated."""
        self._api.http.gate = gate

    def streams(self) -> Sequence[StreamSpec]:
        return STREAMS

    def read(self, stream: str, cursor: Cursor | None, *, since: datetime | None = None) -> Iterator[Page]:
        """Pages of a stream. With `since`, the objects created from then on, as they are now.

        Full lists and reads by creation come newest first, reads by events in the order of the events.
        """
        kind = self._kind(stream)
        start = int(since.timestamp()) if since is not None else 0
        if kind.of:
            return list_members(self._api, kind, cursor or {}, self._overlap, self._relist, start)
        if not kind.events:
            return list_created(self._api, kind, cursor or {}, self._overlap, self._relist, start)
        return self._read_by_events(kind, cursor or {}, start)

    def has_changes(self, stream: str, cursor: Cursor | None) -> bool:
        """One request for the newest event (or object): is it the one we know, and is no re-list due?"""
        kind = self._kind(stream)
        if not cursor or "list" in cursor:
            return True
        path = EVENTS if kind.events else KINDS[kind.of or stream].path
        page = self._api.page(path, limit=1, types=kind.events)
        if page.at - int(cursor.get("listed_at", 0)) >= self._relist:
            return True
        if cursor.get("open_since") and page.at - int(cursor.get("checked_at", 0)) >= 3600:
            return True
        newest = page.data[0]["id"] if page.data else ""
        known = cursor.get("newest") if kind.events else (cursor.get("anchor") or {}).get("id")
        return bool(newest and newest != known)

    def unread(self, streams: Sequence[str]) -> dict[str, list[str]]:
        """Members of the newest object of each kind that do not land."""
        found: dict[str, list[str]] = {}
        for stream in streams:
            kind = self._kind(stream)
            if kind.of or kind.shape:
                continue
            declared = {field.name for field in kind.spec.fields}
            bodies = self._api.page(kind.path, limit=1, expand=kind.expand).data
            found[stream] = [member for body in bodies for member in body if member not in declared]
        return found

    def check(self) -> Sequence[ConnectionCheck]:
        return check_account(self._api)

    @property
    def _relist(self) -> int:
        return self.options.relist_days * DAY

    def _kind(self, stream: str) -> Kind:
        try:
            return KINDS[stream]
        except KeyError:
            known = ", ".join(KINDS)
            raise ConfigError(
                f"connection {self.connection!r}: stripe has no stream {stream!r}; known: {known}"
            ) from None

    def _read_by_events(self, kind: Kind, cursor: Cursor, since: int) -> Iterator[Page]:
        state: Mapping[str, Any] = cursor
        if since:
            state = {}
        if "list" not in state and state:
            now = self._api.page(EVENTS, limit=1)
            if not self._must_list(state, now.at):
                followed = follow_events(self._api, kind, state, self._overlap, now)
                if followed is not None:
                    yield from followed
                    return
            state = {}
        yield from list_all(self._api, kind, state, self._overlap, since)

    def _must_list(self, state: Mapping[str, Any], now: int) -> bool:
        """A re-list is due, or nobody looked for so long that events may have come and gone unseen."""
        return (
            now - int(state.get("listed_at", 0)) >= self._relist
            or now - int(state.get("checked_at", 0)) >= RETENTION - DAY
        )
