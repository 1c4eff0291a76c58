"""Hints: what sources told us is to be read again, and is settled by the read that does it.

Any read of a stream that begins after an event came sees what the event tells of, so every read settles what waits for
its streams; an event alone never changes a row.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from arsync_pipelines.domain.errors import OpsStoreError
from arsync_pipelines.domain.failpoint import failpoint
from arsync_pipelines.ops.inbox import InboxEntry, InboxStore
from arsync_pipelines.ports.clock import Clock

log = logging.getLogger(__name__)


@contextmanager
def settled_by_reading(
    inbox: InboxStore, run_id: str, connection: str, streams: Collection[str], clock: Clock
) -> Iterator[list[InboxEntry]]:
    """Take what waits for these streams, let the body read them, and settle it; when the body raises, it waits again.

    A process that dies in the body leaves its events taken: whoever starts runs gives them back (`give_back_of_dead`).
    """
    taken = inbox.take(run_id, connection, streams, clock.now())
    try:
        yield taken
    except BaseException as error:
        try:
            inbox.give_back(run_id, str(error) or type(error).__name__, clock.now(), connection)
        except OpsStoreError as refused:
            error.add_note(f"{connection}: events stay taken by run {run_id} until the next sensor tick: {refused}")
        raise
    failpoint("hints.read")
    inbox.done(run_id, connection, clock.now())
    for entry in taken:
        log.info(
            "event %s %s: its records were read again", entry.kind, entry.event_id,
            extra={"connection": connection, "correlation_id": entry.correlation_id, "run_id": run_id},
        )  # fmt: skip


def give_back_of_dead(inbox: InboxStore, ended: Collection[str], clock: Clock) -> int:
    """Let what these runs hold wait again: they ended without settling it. Returns how many events."""
    why = "the run that read its records again ended before it was done"
    return sum(inbox.give_back(run_id, why, clock.now()) for run_id in ended)


def streams_of(entries: Sequence[InboxEntry]) -> dict[str, set[str]]:
    """Connection -> streams that its entries ask to be read again."""
    found: dict[str, set[str]] = {}
    for entry in entries:
        found.setdefault(entry.connection, set()).update(hint.stream for hint in entry.hints)
    return found
