"""What every request of a sink or a source passes on its way out: whoever delivers or reads may hold it back, or forbid
it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, runtime_checkable

from arsync_pipelines.domain.errors import ArsyncError
from arsync_pipelines.domain.limits import Answer


class NotNow(ArsyncError):
    """A request must not be sent before `until` (UTC), which is too far away to wait for. It took no effect."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        self.until = until


class Gate(Protocol):
    """Stands between a connector and the wire. Called by several threads at once."""

    def enter(self) -> None:
        """Return when a request may be sent, which is at once. Raises NotNow, or another ArsyncError, when it must not
        be sent."""
        ...

    def answered(self, answer: Answer) -> None:
        """Told what became of each request that was let through."""
        ...


@runtime_checkable
class Gated(Protocol):
    """A sink or source whose requests can be led through a gate: each one, repeated ones and those of jobs included."""

    def through(self, gate: Gate | None) -> None:
        """Ask `gate` before each request from now on; None: nobody."""
        ...
