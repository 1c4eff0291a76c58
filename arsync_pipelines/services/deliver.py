"""Waiting intents -> the target, until nothing is due: claim, write, record every attempt and its outcome.

    outcome        next state
    acknowledged   acknowledged
    rejected       rejected                  a person must act
    retry          pending, later | dead     the vendor's own time, else backoff with jitter; dead: budget spent
    unknown        unknown                   then read back: acknowledged when the target holds it, else as retry

Several may deliver to a connection at once, each under a lease. An intent that is on its way under a lease that has
expired belongs to a worker that died: it is taken over and read back before it is sent again, whenever that is noticed.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from arsync_pipelines.domain import telemetry
from arsync_pipelines.domain.comparison import holds
from arsync_pipelines.domain.errors import SinkError
from arsync_pipelines.domain.failpoint import failpoint
from arsync_pipelines.domain.push import FailureClass, IntentState, PushIntent
from arsync_pipelines.ops.intents import IntentStore
from arsync_pipelines.ops.leases import Lease
from arsync_pipelines.ops.rows import Settlement
from arsync_pipelines.ports.gate import Gated, NotNow
from arsync_pipelines.ports.sink import Outcome, Sink
from arsync_pipelines.services import telling
from arsync_pipelines.services.limiter import DeliveryGate, Limits
from arsync_pipelines.services.worker import Worker

Progress = Callable[[str, int, int], None]
"""Called with (object, settled so far, planned)."""

_IDLE_S = (0.1, 5.0)
"""First and longest wait while nothing can be claimed though something is due, or others are at work."""

_AT_ONCE = 5000
"""Rows of one transaction: others who write to the store, the gateway above all, wait no longer than a second."""


@dataclass(slots=True)
class ObjectResult:
    """What one object's delivery did. `requests` are HTTP requests, read-backs included; `left` is not settled yet."""

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
    """`attempts` per intent, waits between `first_s` and `longest_s`; `patience_s` bounds the wait inside one call.

    A worker that was silent for `lease_s` beyond the longest request of its sink has lost what it had claimed.
    """

    attempts: int = 8
    first_s: float = 0.5
    longest_s: float = 60.0
    patience_s: float = 120.0
    lease_s: float = 60.0


@dataclass(slots=True)
class Passing:
    """What urgent work that went in the middle of another batch leaves to be done once that batch is settled."""

    unknown: list[PushIntent] = field(default_factory=list)
    error: SinkError | None = None


@dataclass(slots=True)
class Delivery:
    """One delivery run over one sink. `sleep` and `now` are replaceable so that tests need not wait.

    `alone`: the caller holds a lock that keeps all others from delivering, so what they left is taken over at once.
    """

    store: IntentStore
    sink: Sink
    policy: RetryPolicy = RetryPolicy()
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    progress: Progress = lambda _object, _settled, _planned: None
    results: dict[str, ObjectResult] = field(default_factory=dict)
    alone: bool = False
    limits: Limits | None = None
    waits_for: str = ""
    """Why nothing could be sent when the run ended, for people."""
    _worker: Worker | None = None
    _gate: DeliveryGate | None = None
    _chosen: tuple[str, ...] = ()
    _passing: Passing = field(default_factory=Passing)

    def run(self, objects: Sequence[str] | None = None) -> dict[str, ObjectResult]:
        """Deliver everything due of `objects` (None: of all), parents before children. Returns results by object.

        Raises SinkError when the target refuses us as a whole (what was claimed waits again, nothing is lost), and
        LeaseLost when this worker was silent for so long that others took over.
        """
        chosen = [name for name in self.sink.capabilities.objects if objects is None or name in objects]
        try:
            with self._working() as working:
                if working:
                    self._recover()
                    self._chosen = tuple(chosen)
                    self._drain(chosen)
        finally:
            self._chosen = ()
            for name in chosen:
                self._result(name).left = self.store.unsettled(self.sink.connection, name)
        return self.results

    def recover(self) -> None:
        """Settle by looking what dead workers left in flight or unknown, before anything new is planned or sent."""
        with self._working() as working:
            if working:
                self._recover()

    @contextmanager
    def _working(self) -> Iterator[bool]:
        """Under a lease; False when as many as may deliver already do."""
        capabilities = self.sink.capabilities
        self._worker = Worker.begin(
            self.store.leases, self.sink.connection, capabilities.request_timeout_s, self.policy.lease_s, self.now,
            alone=self.alone,
        )  # fmt: skip
        if self._worker is None:
            yield False
            return
        self._gate = DeliveryGate(
            self._worker, self.limits, capabilities.request_timeout_s, self.policy.patience_s, self.sleep,
            self._give_way,
        )  # fmt: skip
        if isinstance(self.sink, Gated):
            self.sink.through(self._gate)
        try:
            yield True
        finally:
            if isinstance(self.sink, Gated):
                self.sink.through(None)
            self._worker.end()
            self._worker = None

    def _ensure(self) -> Lease:
        """Our lease, which lasts longer than a request. Raises LeaseLost."""
        if self._worker is None:
            raise RuntimeError("nothing is claimed, sent or settled but under a lease")
        self._worker.enter()
        return self._worker.lease

    def _recover(self) -> int:
        """Take over what was left under expired leases and settle it; how many."""
        taken = self.store.take_over(self.sink.connection, self._ensure(), self.now())
        if taken:
            failpoint("push.taken_over")
        for object_name in self.sink.capabilities.objects:
            self._resolve_unknown(object_name, [i for i in taken if i.object == object_name])
        return len(taken)

    def _result(self, object_name: str) -> ObjectResult:
        return self.results.setdefault(object_name, ObjectResult())

    def _drain(self, chosen: Sequence[str]) -> None:
        waited, idle = 0.0, _IDLE_S[0]
        while True:
            refused, self.waits_for = self.limits.refusal(urgent=False) if self.limits else (0.0, "")
            if self._urgent_step(chosen) or (not refused and (self._step(chosen) or self._recover())):
                idle = _IDLE_S[0]
                continue
            pause, patience = self._pause(chosen, idle)
            if pause is None or waited + max(pause, refused) > patience:
                return
            pause = max(pause, refused)
            self._rest(pause)
            waited, idle = waited + pause, min(2 * idle, _IDLE_S[1])

    def _step(self, chosen: Sequence[str]) -> bool:
        """Send one batch of the first object of which something may be sent; whether there was one."""
        for number, name in enumerate(chosen):
            if batch := self._claim(name, chosen[:number]):
                self._deliver(name, batch)
                return True
        return False

    def _claim(self, object_name: str, parents: Sequence[str]) -> list[PushIntent]:
        """A batch for one write, in transactions of a bearable length."""
        batch: list[PushIntent] = []
        while (room := self.sink.capabilities.batch_size - len(batch)) > 0:
            most = min(room, _AT_ONCE)
            part = self.store.claim(self.sink.connection, object_name, most, self.now(), self._ensure(), parents)
            batch += part
            if len(part) < most:
                break
        return batch

    def _urgent_step(self, chosen: Sequence[str]) -> bool:
        """As `_step`, of what is urgent and of what that waits for, with the requests kept back for it."""
        if self._gate is None or not self._urgent_may_go(chosen):
            return False
        found = self._claim_urgent(chosen, self.sink.capabilities.batch_size)
        if found is None:
            return False
        self._gate.urgent = True
        try:
            self._deliver(*found)
        finally:
            self._gate.urgent = False
        return True

    def _urgent_may_go(self, chosen: Sequence[str]) -> bool:
        if not self.store.urgent_due(self.sink.connection, chosen, self.now()):
            return False
        return self.limits is None or not self.limits.shut(urgent=True)

    def _claim_urgent(self, chosen: Sequence[str], size: int) -> tuple[str, list[PushIntent]] | None:
        for number, name in enumerate(chosen):
            parents, children = chosen[:number], chosen[number + 1 :]
            batch = self.store.claim_urgent(
                self.sink.connection, name, size, self.now(), self._ensure(), parents, children
            )
            if batch:
                return name, batch
        return None

    def _give_way(self) -> None:
        """Called before every request of a batch: what became urgent since the batch was claimed leaves first.

        One request's worth at a time, so that it is sent by this thread. What it leaves open (outcomes nobody knows, a
        target that refuses us) waits until the batch is settled: nothing may break off a batch of which rows may have
        taken effect. Raises LeaseLost.
        """
        while self._passing.error is None and self._chosen and self._urgent_may_go(self._chosen):
            found = self._claim_urgent(self._chosen, self.sink.capabilities.call_rows)
            if found is None:
                return
            try:
                self._passing.unknown += self._write(*found)
            except SinkError as error:
                self._passing.error = error

    def _deliver(self, object_name: str, batch: Sequence[PushIntent]) -> None:
        failpoint("push.claimed")
        result, started = self._result(object_name), time.perf_counter()
        facts = [intent.correlation_id for intent in batch] if telemetry.is_on() else ()
        about = {"connection": self.sink.connection, "object": object_name}
        try:
            with telemetry.span("push.batch", facts, intents=len(batch), **about):
                self._send(object_name, batch)
        finally:
            result.seconds += time.perf_counter() - started
        settled = result.acknowledged + result.rejected + result.dead
        self.progress(object_name, settled, settled + self.store.waiting(self.sink.connection, object_name))

    def _pause(self, chosen: Sequence[str], idle: float) -> tuple[float | None, float]:
        """How long until something may be claimed, None when nothing is left; and how long to wait for it in all.

        For others we wait until they have settled what they claimed, or lost it.
        """
        connection = self.sink.connection
        dues = [due for name in chosen if (due := self.store.next_due(connection, name)) is not None]
        pause = (min(dues) - self.now()).total_seconds() if dues else None
        if self.store.claimed_by_others(connection, self._ensure(), chosen):
            longest = self.sink.capabilities.request_timeout_s + self.policy.lease_s
            return min(idle, pause) if pause is not None and pause > 0 else idle, self.policy.patience_s + longest
        if pause is None:
            return None, self.policy.patience_s
        return max(0.05, pause if pause > 0 else idle), self.policy.patience_s

    def _rest(self, seconds: float) -> None:
        """Sleep, keeping the lease."""
        while seconds > 0:
            part = min(seconds, self.policy.lease_s / 4)
            self.sleep(part)
            self._ensure()
            seconds -= part

    def _send(self, object_name: str, batch: Sequence[PushIntent]) -> None:
        self._passing = Passing()
        unknown = self._write(object_name, batch)
        passed = self._passing
        for name in self.sink.capabilities.objects:
            self._resolve_unknown(name, [i for i in (*unknown, *passed.unknown) if i.object == name])
        if passed.error is not None:
            raise passed.error

    def _write(self, object_name: str, batch: Sequence[PushIntent]) -> list[PushIntent]:
        """Write a batch and settle what is known of it; those of which nobody knows whether they took effect."""
        result = self._result(object_name)
        lease = self._ensure()
        try:
            self._permitted()
            written = self.sink.write(object_name, batch)
        except (SinkError, NotNow) as error:
            later = isinstance(error, NotNow)
            again = error.until if isinstance(error, NotNow) else self.now()
            failure = FailureClass.TRANSIENT if later else FailureClass.PERMANENT
            self.store.settle(
                [
                    Settlement(
                        i.intent_id, IntentState.PENDING, "not_sent", again, failure_class=failure,
                        code=type(error).__name__, message=str(error), next_attempt_at=again,
                    )
                    for i in batch
                ],
                lease,
            )  # fmt: skip
            if later:
                return []
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
        return [i for i in batch if i.intent_id in unknown]

    def _permitted(self) -> None:
        """For a sink whose requests pass no gate, a call counts as one. Raises NotNow."""
        if self._gate is not None and not isinstance(self.sink, Gated):
            self._gate.enter()

    def _settle(self, object_name: str, batch: Sequence[PushIntent], outcomes: Sequence[Outcome]) -> None:
        if telemetry.is_on():
            telling.attempted(self.sink.connection, object_name, batch, outcomes)
        attempts = self.store.attempts_by_intent([i for i, o in zip(batch, outcomes, strict=True) if o.kind == "retry"])
        now = self.now()
        settlements = [self._settlement(object_name, o, attempts.get(o.intent_id, 0), now) for o in outcomes]
        for start in range(0, len(settlements), _AT_ONCE):
            self.store.settle(settlements[start : start + _AT_ONCE], self._ensure())

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
            lease = self._ensure()
            self.store.record_read_back(part, self.now(), lease)
            self.store.settle(settlements, lease)
