"""Waiting intents -> the target, until nothing is due: claim, write, record every attempt and its outcome.

    outcome        next state
    acknowledged   acknowledged
    rejected       rejected                  a person must act
    retry          pending, later | dead     the vendor's own time, else backoff with jitter; dead: budget spent
    unknown        unknown                   then read back: acknowledged when the target holds it, else as retry

One deliverer per connection at a time (the caller holds the lock): an intent found in flight at the start belongs to a
process that died, and is read back before anything is sent again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from arsync_pipelines.domain.comparison import holds
from arsync_pipelines.domain.errors import SinkError
from arsync_pipelines.domain.failpoint import failpoint
from arsync_pipelines.domain.push import FailureClass, IntentState, PushIntent
from arsync_pipelines.ops.intents import IntentStore
from arsync_pipelines.ops.rows import Settlement
from arsync_pipelines.ports.sink import Outcome, Sink

Progress = Callable[[str, int, int], None]
"""Called with (object, settled so far, planned)."""


@dataclass(slots=True)
class ObjectResult:
    """What one object's delivery did. `requests` are HTTP requests, read-backs included."""

    acknowledged: int = 0
    rejected: int = 0
    retried: int = 0
    read_back: int = 0
    dead: int = 0
    left: int = 0
    requests: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`attempts` per intent, waits between `first_s` and `longest_s`; `patience_s` bounds the wait inside one call."""

    attempts: int = 8
    first_s: float = 0.5
    longest_s: float = 60.0
    patience_s: float = 120.0


@dataclass(slots=True)
class Delivery:
    """One delivery run over one sink. `sleep` and `now` are replaceable so that tests need not wait."""

    store: IntentStore
    sink: Sink
    policy: RetryPolicy = RetryPolicy()
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    progress: Progress = lambda _object, _settled, _planned: None
    results: dict[str, ObjectResult] = field(default_factory=dict)

    def run(self, objects: Sequence[str] | None = None) -> dict[str, ObjectResult]:
        """Deliver everything due of `objects` (None: of all), parents before children. Returns results by object.

        Raises SinkError when the target refuses us as a whole; what was claimed waits again, nothing is lost.
        """
        self.recover()
        for object_name in self.sink.capabilities.objects:
            if objects is None or object_name in objects:
                self._deliver(object_name)
        return self.results

    def recover(self) -> None:
        """Settle by looking what a dead process left in flight or unknown, before anything new is planned or sent."""
        connection = self.sink.connection
        lost = self.store.in_states(connection, [IntentState.IN_FLIGHT])
        self.store.mark_unknown(lost, self.now(), "the process that sent this ended before it saw the answer")
        for object_name in self.sink.capabilities.objects:
            unknown = self.store.in_states(connection, [IntentState.UNKNOWN], object_name)
            self._resolve_unknown(object_name, unknown)

    def _result(self, object_name: str) -> ObjectResult:
        return self.results.setdefault(object_name, ObjectResult())

    def _deliver(self, object_name: str) -> None:
        started = time.perf_counter()
        result = self._result(object_name)
        waited = 0.0
        try:
            while True:
                size = self.sink.capabilities.batch_size
                batch = self.store.claim(self.sink.connection, object_name, size, self.now())
                if batch:
                    failpoint("push.claimed")
                    self._send(object_name, batch)
                    settled = result.acknowledged + result.rejected + result.dead
                    self.progress(object_name, settled, settled + self._waiting(object_name))
                    continue
                pause = self._pause(object_name)
                if pause is None or waited + pause > self.policy.patience_s:
                    break
                self.sleep(pause)
                waited += pause
        finally:
            result.left = self._waiting(object_name)
            result.seconds += time.perf_counter() - started

    def _waiting(self, object_name: str) -> int:
        return self.store.waiting(self.sink.connection, object_name)

    def _pause(self, object_name: str) -> float | None:
        due = self.store.next_due(self.sink.connection, object_name)
        return None if due is None else max(0.05, (due - self.now()).total_seconds())

    def _send(self, object_name: str, batch: Sequence[PushIntent]) -> None:
        result = self._result(object_name)
        try:
            written = self.sink.write(object_name, batch)
        except SinkError as error:
            again = self.now()
            self.store.settle(
                [
                    Settlement(
                        i.intent_id, IntentState.PENDING, "not_sent", again, failure_class=FailureClass.PERMANENT,
                        code=type(error).__name__, message=str(error), next_attempt_at=again,
                    )
                    for i in batch
                ]
            )  # fmt: skip
            raise
        failpoint("push.written")
        if [o.intent_id for o in written.outcomes] != [i.intent_id for i in batch]:
            raise SinkError(
                f"{self.sink.connection}: the {self.sink.system} sink did not account for every row of {object_name}; "
                "delivery stopped, the rows will be read back"
            )
        result.requests += written.requests
        self._settle(object_name, batch, written.outcomes)
        failpoint("push.settled")
        unknown = {o.intent_id for o in written.outcomes if o.kind == "unknown"}
        self._resolve_unknown(object_name, [i for i in batch if i.intent_id in unknown])

    def _settle(self, object_name: str, batch: Sequence[PushIntent], outcomes: Sequence[Outcome]) -> None:
        attempts = self.store.attempts_by_intent([i for i, o in zip(batch, outcomes, strict=True) if o.kind == "retry"])
        now = self.now()
        self.store.settle([self._settlement(object_name, o, attempts.get(o.intent_id, 0), now) for o in outcomes])

    def _settlement(self, object_name: str, outcome: Outcome, attempts: int, now: datetime) -> Settlement:
        result = self._result(object_name)
        state, next_at = IntentState.ACKNOWLEDGED, None
        match outcome.kind:
            case "acknowledged":
                result.acknowledged += 1
            case "rejected":
                state = IntentState.REJECTED
                result.rejected += 1
            case "unknown":
                state = IntentState.UNKNOWN
            case "retry" if attempts >= self.policy.attempts:
                state = IntentState.DEAD
                result.dead += 1
            case "retry":
                state, next_at = IntentState.PENDING, self._next_attempt(attempts, outcome.not_before)
                result.retried += 1
        return Settlement(
            outcome.intent_id, state, outcome.kind, now, outcome.target_id, outcome.failure_class,
            outcome.code, outcome.message, next_at,
        )  # fmt: skip

    def _next_attempt(self, attempts: int, not_before: datetime | None) -> datetime:
        ceiling = min(self.policy.longest_s, self.policy.first_s * 2 ** max(0, attempts - 1))
        backoff = self.now() + timedelta(seconds=random.uniform(ceiling / 2, ceiling))  # noqa: S311 - jitter
        return max(backoff, not_before) if not_before else backoff

    def _resolve_unknown(self, object_name: str, unknown: Sequence[PushIntent]) -> None:
        """Read back what nobody knows of: held -> acknowledged; else it waits for another attempt."""
        if not unknown:
            return
        result = self._result(object_name)
        size = self.sink.capabilities.batch_size
        for start in range(0, len(unknown), size):
            part = unknown[start : start + size]
            observed = self.sink.read_back(object_name, part)
            attempts = self.store.attempts_by_intent(part)
            settlements = []
            for intent in part:
                now = self.now()
                if holds(observed.get(intent.business_key), intent.payload):
                    state, next_at = IntentState.ACKNOWLEDGED, None
                    result.acknowledged += 1
                elif attempts[intent.intent_id] >= self.policy.attempts:
                    state, next_at = IntentState.DEAD, None
                    result.dead += 1
                else:
                    state, next_at = IntentState.PENDING, self._next_attempt(attempts[intent.intent_id], None)
                    result.retried += 1
                settlements.append(Settlement(intent.intent_id, state, "read_back", now, next_attempt_at=next_at))
            result.read_back += len(part)
            self.store.record_read_back(part, self.now())
            self.store.settle(settlements)
