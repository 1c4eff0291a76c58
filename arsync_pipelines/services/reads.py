"""Reads count against a connection's limits as deliveries do. Permits are taken in blocks, so that a page of rows does
not cost a write to the operational store."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from arsync_pipelines.domain.limits import Answer
from arsync_pipelines.ports.gate import Gated, NotNow
from arsync_pipelines.ports.source import Source
from arsync_pipelines.services.limiter import Limits

_LARGEST_BLOCK = 32
_FRESH_S = 30.0
"""A block of a limited rate is good for so long: permits of long ago would let too many leave at once."""


class ReadGate:
    """Implements ports.gate.Gate for the requests of a source. Blocks double from one on: who asks once takes one.

    Waits up to `patience_s` for permits, then raises NotNow.
    """

    def __init__(
        self, limits: Limits, patience_s: float = 120.0, sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._limits = limits
        self._patience_s = patience_s
        self._sleep = sleep
        self._monotonic = monotonic
        self._turn = threading.Lock()
        self._left = 0
        self._block = 1
        self._taken_at = 0.0

    def enter(self) -> None:
        """See ports.gate.Gate."""
        with self._turn:  # threads of one source go in the order in which they came
            stale = self._limits.rules.requests is not None and self._monotonic() - self._taken_at > _FRESH_S
            if self._left and stale:
                self._give_back()
            if not self._left:
                self._reserve()
            self._left -= 1

    def _reserve(self) -> None:
        limits, waited = self._limits, 0.0
        while True:
            given, permit, now = limits.store.reserve(limits.connection, limits.rules, self._block)
            if permit.until is None:
                self._left, self._taken_at = given, self._monotonic()
                self._block = min(2 * self._block, _LARGEST_BLOCK)
                return
            rest = max(0.0, (permit.until - now).total_seconds())
            if waited + rest > self._patience_s:
                raise NotNow(limits.words(permit), permit.until)
            self._sleep(rest)
            waited += rest

    def answered(self, answer: Answer) -> None:
        """See ports.gate.Gate: a silence that the vendor asks for is kept by all. All else a delivery learns itself."""
        if answer.retry_after is not None:
            self._limits.store.told(self._limits.connection, self._limits.rules, answer)

    def close(self) -> None:
        """Give back what was taken and not used."""
        with self._turn:
            self._give_back()

    def _give_back(self) -> None:
        if self._left:
            self._limits.store.give_back(self._limits.connection, self._limits.rules, self._left)
            self._left = 0


@contextmanager
def counted(source: Source, limits: Limits) -> Iterator[None]:
    """Count the requests of `source` in the body against `limits`; where nothing is to be counted, nothing is done."""
    if not isinstance(source, Gated) or not limits.rules.counts:
        yield
        return
    gate = ReadGate(limits)
    source.through(gate)
    try:
        yield
    finally:
        source.through(None)
        gate.close()
