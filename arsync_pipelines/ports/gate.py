"""What every request of a sink passes on its way out: whoever delivers may hold it back, or forbid it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


class Gate(Protocol):
    """Stands between a connector and the wire. Called by several threads at once."""

    def enter(self) -> None:
        """Return when a request may be sent, which is at once. Raises ArsyncError when it must not be sent."""
        ...


@runtime_checkable
class Gated(Protocol):
    """A sink whose requests can be led through a gate, each one, repeated ones and those of a job included."""

    def through(self, gate: Gate | None) -> None:
        """Ask `gate` before each request from now on; None: nobody."""
        ...
