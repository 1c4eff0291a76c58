"""How builds and publishing went, kept for the operational marts: a row when one begins, one when it has ended.

What only began was killed, or is still going on. The table only grows; nothing reads it to decide anything, and what a
build or a publishing leaves in it is no reason to build again: the next build that has a reason sees it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from arsync_pipelines.domain import telemetry
from arsync_pipelines.domain.errors import ArsyncError, CheckFailed
from arsync_pipelines.ports.clock import Clock
from arsync_pipelines.ports.warehouse import Warehouse

TABLE = "raw_arsync__step"
_COLUMNS = {
    "step_id": "varchar",
    "run_id": "varchar",
    "step": "varchar",
    "state": "varchar",
    "failure_class": "varchar",
    "logged_at": "timestamp",
}


@dataclass
class Ending:
    """How a step ends unless an error says otherwise. `refused`: by a check, and by nothing else."""

    state: Literal["succeeded", "refused", "failed"] = "succeeded"


@contextmanager
def logged(
    warehouse: Warehouse, step: Literal["build", "publish"], run_id: str, clock: Clock | None = None
) -> Iterator[Ending]:
    """Log the step that the body is; an error ends it and goes on. Inside `warehouse.writing()`.

    Times are of the system, as those of reads are, unless a `clock` is given: not those of a business day asked for.
    """
    step_id, ending = uuid.uuid4().hex, Ending()

    def append(state: str, failure: str | None = None) -> None:
        at = (clock.now() if clock else datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)
        warehouse.append_rows(TABLE, _COLUMNS, [(step_id, run_id, step, state, failure, at)])

    append("begun")
    try:
        with telemetry.span(step, run_id=run_id) as told:
            yield ending
            told.note(state=ending.state)
    except ArsyncError as error:
        # by its class, since its words may quote a source
        append("refused" if isinstance(error, CheckFailed) else "failed", type(error).__name__)
        raise
    append(ending.state)
