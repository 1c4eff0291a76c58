"""A worker's lease while it delivers: taken, renewed as it goes, checked before each request, given back."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from arsync_pipelines.ops.leases import Lease, LeaseStore

SLOTS = 16
"""Most workers that deliver to one connection at once."""


def slots(connection: str) -> list[str]:
    """Names of the leases under which a connection is delivered to, each held by one worker."""
    return [f"deliver:{connection}:{number}" for number in range(1, SLOTS + 1)]


class Worker:
    """One who delivers to a connection: what it does, it does while its lease lasts.

    `request_s`: longest time from sending a request to giving it up; `spare_s`: how long the worker may be silent
    beyond that before others take over.
    """

    def __init__(
        self, leases: LeaseStore, lease: Lease, until: datetime, request_s: float, spare_s: float,
        now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._leases = leases
        self._lease = lease
        self._until = until
        self._request_s = request_s
        self._spare_s = spare_s
        self._now = now
        self._lock = threading.Lock()

    @classmethod
    def begin(
        cls, leases: LeaseStore, connection: str, request_s: float, spare_s: float, now: Callable[[], datetime],
        *, alone: bool = False,
    ) -> Worker | None:  # fmt: skip
        """A worker with a lease; None when as many as may already deliver. `alone` as in LeaseStore.take."""
        asked = now()
        lease = leases.take(slots(connection), f"worker-{uuid.uuid4()}", request_s + spare_s, alone=alone)
        if lease is None:
            return None
        return cls(leases, lease, asked + timedelta(seconds=request_s + spare_s), request_s, spare_s, now)

    @property
    def spare_s(self) -> float:
        """How long the worker may be silent beyond a request."""
        return self._spare_s

    @property
    def lease(self) -> Lease:
        return self._lease

    def enter(self) -> None:
        """Return when the lease lasts longer than a request can take, renewing it. Raises LeaseLost.

        The time left is counted from before the store was asked, so it is never more than the store grants.
        """
        with self._lock:
            while (self._until - self._now()).total_seconds() < self._request_s + self._spare_s / 2:
                asked, length = self._now(), self._request_s + self._spare_s
                self._lease = self._leases.renew(self._lease, length)
                self._until = asked + timedelta(seconds=length)

    def end(self) -> None:
        """Give the lease back: what is still claimed under it may be taken over at once."""
        self._leases.release(self._lease)
