"""How many requests run at once, and the pause a vendor asked of the whole connection."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Concurrency:
    """At most `limit` requests of a connection at once; the others wait their turn.

    A thread that has a slot and sends something else from there (the gate lets urgent work pass) needs no second one.
    """

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError("concurrency must be at least 1")
        self.limit = limit
        self._slots = threading.BoundedSemaphore(limit)
        self._own = threading.local()

    @contextmanager
    def slot(self) -> Iterator[None]:
        if getattr(self._own, "held", False):
            yield
            return
        with self._slots:
            self._own.held = True
            try:
                yield
            finally:
                self._own.held = False


class Pause:
    """A silence that one thread was told to keep and all threads of the connection keep (429 with Retry-After)."""

    def __init__(self, sleep: Callable[[float], None], monotonic: Callable[[], float]) -> None:
        self._sleep = sleep
        self._monotonic = monotonic
        self._until = 0.0
        self._lock = threading.Lock()

    def extend(self, seconds: float) -> None:
        with self._lock:
            self._until = max(self._until, self._monotonic() + seconds)

    def wait(self) -> float:
        """Sleep until the silence is over; seconds slept."""
        slept = 0.0
        while (rest := self._until - self._monotonic()) > 0:
            self._sleep(rest)
            slept += rest
        return slept
