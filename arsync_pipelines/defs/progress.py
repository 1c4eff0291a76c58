"""How far long work is, told in the log of its run, where the UI and the command line's live view find it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

MARK = "under way: "
"""What a line of progress begins with."""


class ProgressLog:
    """Tells of each thing at most every `every_s` seconds, and never of work that ends sooner. Safe between threads."""

    def __init__(
        self, say: Callable[[str], object], every_s: float = 3.0, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._say = say
        self._every_s = every_s
        self._now = now
        self._told: dict[str, float] = {}
        self._mutex = threading.Lock()

    def reading(self, connection: str) -> Callable[[str, int, int], None]:
        """What the ingest service calls after every page of a stream of `connection`."""
        return lambda stream, rows, pages: self._tell(f"{connection}.{stream}", f"{rows:,} rows, {pages:,} pages read")

    def pushing(self, connection: str) -> Callable[[str, int, int], None]:
        """What the push service calls after every batch of an object to `connection`."""
        return lambda name, settled, planned: self._tell(f"{connection}.{name}", f"{settled:,} of {planned:,} settled")

    def _tell(self, what: str, how_far: str) -> None:
        with self._mutex:
            now = self._now()
            if now - self._told.setdefault(what, now) < self._every_s:
                return
            self._told[what] = now
        self._say(f"{MARK}{what}: {how_far}")
