"""Receive what a source posts: verify, store, and only then let it be acknowledged.

The caller answers the source with what `receive` returns, or refuses with the error that it raises. What is counted
here is of this process since it began, as Prometheus wants counters; what waits is asked of the store.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from arsync_pipelines.domain import telemetry
from arsync_pipelines.domain.errors import ArsyncError, WebhookForged, WebhookRefused, WebhookStale, WebhookUnreadable
from arsync_pipelines.domain.inbox import correlation_of
from arsync_pipelines.ops.inbox import InboxStore
from arsync_pipelines.ports.clock import Clock
from arsync_pipelines.ports.webhook import Posted, Told, Webhook

log = logging.getLogger(__name__)

OUTCOMES = ("received", "duplicates", "forged", "stale", "unreadable", "refused")
"""What is counted of a connection: events stored, events known already, deliveries that were not taken and why;
`refused`: the store did not take it, so the source must send it again."""

_REASONS: dict[type[WebhookRefused], str] = {
    WebhookForged: "forged", WebhookStale: "stale", WebhookUnreadable: "unreadable"
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Received:
    """Events of a delivery that is stored: how many were new and how many known. `told` has the answer to give."""

    told: Told
    new: int
    known: int


class Receiver:
    """Takes deliveries for the connections that `webhook_of` knows. Thread-safe.

    `webhook_of` answers None for a connection that is not there or takes no deliveries.
    """

    def __init__(self, inbox: InboxStore, webhook_of: Callable[[str], Webhook | None], clock: Clock) -> None:
        self._inbox = inbox
        self._webhook_of = webhook_of
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()

    def knows(self, connection: str) -> bool:
        """Whether deliveries for this connection are taken at all."""
        return self._webhook_of(connection) is not None

    def receive(self, connection: str, posted: Posted) -> Received:
        """Verify and store one delivery; committed when it returns.

        Raises WebhookRefused for what is not taken, OpsStoreError or ConfigError when it could not be looked at or
        stored: the source is to send it again.
        """
        with telemetry.span("gateway.receive", connection=connection) as told:
            received = self._receive(connection, posted, told)
            told.note(events_new=received.new, events_known=received.known)
            return received

    def _receive(self, connection: str, posted: Posted, span: telemetry.Span) -> Received:
        webhook = self._webhook_of(connection)
        if webhook is None:
            raise WebhookRefused("there is no such connection")
        try:
            told = webhook.verify(posted, self._clock.now())
            span.about([correlation_of(connection, event.key) for event in told.events])
            new = self._inbox.store(connection, told.events, told.signature, self._clock.now())
        except WebhookRefused as refusal:
            outcome = _REASONS.get(type(refusal), "refused")
            self._count(connection, outcome, 1)
            log.warning("delivery %s: %s", outcome, refusal, extra={"connection": connection, "outcome": outcome})
            raise
        except ArsyncError as error:
            self._count(connection, "refused", 1)
            log.error("delivery not stored: %s", error, extra={"connection": connection, "outcome": "refused"})
            raise
        self._count(connection, "received", new)
        self._count(connection, "duplicates", len(told.events) - new)
        for event in told.events:
            log.info(
                "event %s %s", event.kind, event.key,
                extra={"connection": connection, "correlation_id": correlation_of(connection, event.key)},
            )  # fmt: skip
        return Received(told, new, len(told.events) - new)

    def counts(self) -> dict[tuple[str, str], int]:
        """(connection, outcome of OUTCOMES) -> how many."""
        with self._lock:
            return dict(self._counts)

    def _count(self, connection: str, outcome: str, number: int) -> None:
        with self._lock:
            self._counts[connection, outcome] += number
        telemetry.count("events.received", number, connection=connection, outcome=outcome)
