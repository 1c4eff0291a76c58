"""Exception cases are looked at again wherever a step has found out what is right and what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from logging import Logger

from arsync_pipelines.bootstrap import Platform
from arsync_pipelines.domain.errors import ArsyncError


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
