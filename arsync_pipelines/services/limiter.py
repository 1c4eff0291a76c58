"""Keeps a worker's requests within its connection's limits, and under its lease: the gate of a delivery."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from arsync_pipelines.domain.limits import Answer, LimitRules, Permit, Why
from arsync_pipelines.ops.limits import LimitStore
from arsync_pipelines.ports.gate import NotNow
from arsync_pipelines.services.worker import Worker

_WORDS: dict[Why, str] = {
    "rate": "its requests per period are used up",
    "vendor": "the vendor asked for silence",
    "quota": "the day's requests are used up but for what is kept back for urgent work",
    "circuit": "it does not answer, or with failures of its own",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a connection's limits are kept and what they are."""

    store: LimitStore
    connection: str
    rules: LimitRules

    def refusal(self, urgent: bool) -> tuple[float, str]:
        """Seconds until a request may leave, and why; 0 and "" when it may now."""
        permit, now = self.store.look(self.connection, self.rules, urgent)
        return _wait(permit, now), self.words(permit)

    def shut(self, urgent: bool) -> bool:
        """Whether no request may leave for another reason than its turn in the rate, which comes soon."""
        permit, _ = self.store.look(self.connection, self.rules, urgent)
        return permit.until is not None and permit.why != "rate"

    def words(self, permit: Permit) -> str:
        """Why nobody may send, for people."""
        if permit.until is None or permit.why is None:
            return ""
        return f"connection {self.connection}: nothing is sent before {permit.until.isoformat()}: {_WORDS[permit.why]}"


class DeliveryGate:
    """Implements ports.gate.Gate. Waits up to `patience_s` for a permit, and keeps the worker's lease meanwhile.

    `give_way`: called before every permit that is asked for what is not urgent, and again after every wait for one. It
    may send what is urgent from there, in the same thread, and through this gate.
    """

    def __init__(
        self, worker: Worker, limits: Limits | None, request_s: float, patience_s: float,
        sleep: Callable[[float], None], give_way: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._worker = worker
        self._limits = limits
        self._request_s = request_s
        self._patience_s = patience_s
        self._sleep = sleep
        self._give_way = give_way
        self._turn = threading.RLock()
        self.urgent = False
        """Whether what is being sent may use what is kept back for urgent work."""

    @property
    def token(self) -> int:
        """Of the lease under which requests leave now."""
        return self._worker.lease.token

    def enter(self) -> None:
        """See ports.gate.Gate. Raises LeaseLost."""
        with self._turn:  # the threads of one worker go in the order in which they came
            self._permitted(self._limits)
        self._worker.enter()

    def _permitted(self, limits: Limits | None) -> None:
        waited = 0.0
        while True:
            if not self.urgent:
                self._let_pass()
            if limits is None:
                return
            permit, now = limits.store.ask(limits.connection, limits.rules, self.urgent, self._request_s)
            if permit.until is None:
                return
            rest = _wait(permit, now)
            if waited + rest > self._patience_s:
                raise NotNow(limits.words(permit), permit.until)
            part = min(rest, self._worker.spare_s / 4)
            self._sleep(part)
            waited += part
            self._worker.enter()

    def _let_pass(self) -> None:
        """What is urgent goes first. The other threads of this worker stand behind us, so all that is asked for
        meanwhile is for the urgent."""
        self.urgent = True
        try:
            self._give_way()
        finally:
            self.urgent = False

    def answered(self, answer: Answer) -> None:
        """See ports.gate.Gate."""
        if self._limits is not None:
            self._limits.store.told(self._limits.connection, self._limits.rules, answer)


def _wait(permit: Permit, now: datetime) -> float:
    return 0.0 if permit.until is None else max(0.0, (permit.until - now).total_seconds())
