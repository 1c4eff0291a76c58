"""What steps leave behind for people: cases, as the data they have just seen says, and quotas, as targets tell them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from logging import Logger

from arsync_pipelines.bootstrap import Platform
from arsync_pipelines.domain.errors import ArsyncError
from arsync_pipelines.ports.sink import ReportsQuotas

_ASKED_AGAIN = timedelta(minutes=15)
"""A level is worth a request of its own no more often than this."""


def refresh_cases(log: Logger, platform: Platform) -> None:
    """Open and close cases as the data says. That it cannot be done is told, and keeps nobody from the step's own
    result: the next look finds the same."""
    try:
        changes = platform.cases.refresh(datetime.now(UTC))
    except ArsyncError as error:
        log.error(f"exception cases were not refreshed: {error}")
        return
    moved = ", ".join(f"{number} {event.replace('_', ' ')}" for event, number in changes.events.items())
    log.info(f"exception cases: {moved or 'none moved'}; {changes.standing} stand open")


def note_quotas(log: Logger, platform: Platform, connections: Sequence[str]) -> None:
    """Keep the level of the quotas of targets that were just pushed to; what cannot be asked keeps nobody from his
    result."""
    now = datetime.now(UTC)
    fresh = {seen.connection for seen in platform.ops.alerts.quotas() if seen.seen_at > now - _ASKED_AGAIN}
    for connection in connections:
        sink = platform.sink(connection)
        if connection in fresh or not isinstance(sink, ReportsQuotas):
            continue
        try:
            platform.ops.alerts.note_quotas(connection, sink.quotas(), now)
        except ArsyncError as error:
            log.warning(f"{connection} does not tell its quotas: {error}")
