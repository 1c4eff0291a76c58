"""A vendor that loses answers, throttles, locks, rejects and breaks down, and that keeps a journal of what took effect.

It looks into the operational store as no vendor could: whether who writes still holds the lease for what he writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from arsync_pipelines.domain.errors import SinkError
from arsync_pipelines.domain.limits import Answer
from arsync_pipelines.domain.push import FailureClass, PushIntent
from arsync_pipelines.ops.store import OpsStore
from arsync_pipelines.ops.tables import lease, push_intent
from arsync_pipelines.ports.gate import NotNow
from arsync_pipelines.ports.sink import Outcome, SinkCapabilities, WriteResult
from arsync_pipelines.services.limiter import DeliveryGate
from tests.integration.delivery.scheduler import Actor, Scheduler

CALL_ROWS, BATCH_ROWS = 4, 12
TIMEOUT_S = 10.0
Key = tuple[str, str]


@dataclass
class Vendor:
    """`chances` of a fault per request; 0 for all in the end, so that everything comes to rest."""

    scheduler: Scheduler
    ops: OpsStore
    window: tuple[int, float]
    chances: Mapping[str, float]
    records: dict[Key, dict[str, Any]] = field(default_factory=dict)
    journal: list[tuple[float, str, str, int]] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)
    silent_until: float = 0.0
    down_until: float = 0.0
    early: int = 0
    zombies: int = 0
    ambiguous: int = 0

    def arrives(self, token: int, rows: Sequence[PushIntent]) -> None:
        """A request is here: note whether it should be."""
        at = self.scheduler.seconds()
        requests, per_s = self.window
        too_many = len(self.arrivals) >= requests and at - self.arrivals[-requests] < per_s - 0.01
        self.early += at < self.silent_until or too_many
        self.arrivals.append(at)
        if rows:
            self.zombies += not self._claimed(token, rows)

    def _claimed(self, token: int, rows: Sequence[PushIntent]) -> bool:
        ids = [row.intent_id for row in rows]
        with self.ops.engine.connect().execution_options(arsync_reading=True) as db:
            query = select(push_intent.c.state, push_intent.c.lease_token).where(push_intent.c.intent_id.in_(ids))
            mine = all(tuple(row) == ("in_flight", token) for row in db.execute(query))
            until = db.execute(select(lease.c.expires_at).where(lease.c.token == token)).scalar()
        return mine and until is not None and until >= self.scheduler.at + timedelta(seconds=TIMEOUT_S)

    def draws(self, fault: str) -> bool:
        """Whether a fault happens now."""
        return self.scheduler.chance.random() < self.chances.get(fault, 0.0)

    def applies(self, intent: PushIntent) -> None:
        """A row takes effect."""
        self.journal.append((self.scheduler.seconds(), intent.object, intent.business_key, intent.version))
        self.records.setdefault((intent.object, intent.business_key), {}).update(intent.payload)


@dataclass
class SimulatedSink:
    """One worker's way to the vendor. Implements ports.sink.Sink and ports.gate.Gated."""

    vendor: Vendor
    actor: Actor
    connection: str = "crm"
    system: str = "salesforce"
    gate: DeliveryGate | None = None

    @property
    def capabilities(self) -> SinkCapabilities:
        return SinkCapabilities(
            ("account", "invoice"), BATCH_ROWS, 1000, {"account": "account", "invoice": "ar_invoice"}, TIMEOUT_S
        )

    def through(self, gate: Any) -> None:
        self.gate = gate

    def write(self, object_name: str, intents: Sequence[PushIntent]) -> WriteResult:
        outcomes: list[Outcome] = []
        for start in range(0, len(intents), CALL_ROWS):
            outcomes += self._call(intents[start : start + CALL_ROWS])
        self._maybe_pause_or_die()
        return WriteResult(tuple(outcomes), -(-len(intents) // CALL_ROWS))

    def read_back(self, _object_name: str, intents: Sequence[PushIntent]) -> Mapping[str, Mapping[str, Any] | None]:
        assert self.gate is not None
        try:
            self.gate.enter()
        except NotNow as error:  # as the real client does
            raise SinkError(f"what was written could not be read back: {error}") from error
        self.vendor.arrives(0, ())
        self._rest(0.2)
        self.gate.answered(Answer(200))
        return {i.business_key: self.vendor.records.get((i.object, i.business_key)) for i in intents}

    def _call(self, rows: Sequence[PushIntent]) -> list[Outcome]:
        """One request, whose effect is there when it arrives, and whose answer comes later, or never."""
        vendor = self.vendor
        self._maybe_pause_or_die()
        assert self.gate is not None
        try:
            self.gate.enter()
        except NotNow as error:
            return [_retry(row, "NOT_SENT", error.until) for row in rows]
        vendor.arrives(self.gate.token, rows)
        if vendor.draws("breaks"):
            vendor.down_until = vendor.scheduler.seconds() + vendor.scheduler.chance.uniform(5, 120)
        if vendor.scheduler.seconds() < vendor.down_until:
            self._answer(Answer(503))
            return [_retry(row, "HTTP_503") for row in rows]
        if vendor.draws("throttles"):
            seconds = float(vendor.scheduler.chance.randint(1, 60))
            self._answer(Answer(429, seconds))
            vendor.silent_until = max(vendor.silent_until, vendor.scheduler.seconds() + seconds)
            return [_retry(row, "HTTP_429") for row in rows]
        if vendor.draws("loses_request"):
            return self._lost(rows)
        if vendor.draws("works_long"):
            return self._worked_on(rows)
        outcomes = [self._row(row) for row in rows]
        if vendor.draws("dies_after_commit"):
            self.actor.dead = True
        if vendor.draws("loses_answer"):
            return self._lost(rows)
        self._answer(Answer(200))
        return outcomes

    def _row(self, row: PushIntent) -> Outcome:
        if row.payload["open_amount"].endswith("13"):
            return Outcome(row.intent_id, "rejected", code="RULE", failure_class=FailureClass.BUSINESS)
        if self.vendor.draws("locks"):
            return _retry(row, "UNABLE_TO_LOCK_ROW")
        self.vendor.applies(row)
        return Outcome(row.intent_id, "acknowledged", target_id=row.business_key)

    def _worked_on(self, rows: Sequence[PushIntent]) -> list[Outcome]:
        """The vendor takes its time; who sent has given up before the answer, or is dead before the effect."""
        scheduler = self.vendor.scheduler

        def take_effect(_vendor: Actor) -> None:
            for row in rows:
                self._row(row)

        scheduler.start(Actor("vendor", take_effect), scheduler.chance.uniform(0.5, TIMEOUT_S - 1))
        if scheduler.chance.random() < 0.5:
            self.actor.dead = True
            self._rest(0)
        return self._lost(rows)

    def _lost(self, rows: Sequence[PushIntent]) -> list[Outcome]:
        self.vendor.ambiguous += len(rows)
        self._rest(TIMEOUT_S - 0.5)
        assert self.gate is not None
        self.gate.answered(Answer(0))
        return [Outcome(r.intent_id, "unknown", code="LOST", failure_class=FailureClass.AMBIGUOUS) for r in rows]

    def _answer(self, answer: Answer) -> None:
        self._rest(self.vendor.scheduler.chance.uniform(0.05, 1.0))
        assert self.gate is not None
        self.gate.answered(answer)

    def _maybe_pause_or_die(self) -> None:
        if self.vendor.draws("pauses"):
            self._rest(self.vendor.scheduler.chance.uniform(10, 90))
        if self.vendor.draws("dies"):
            self.actor.dead = True
            self._rest(0)

    def _rest(self, seconds: float) -> None:
        self.vendor.scheduler.rest(self.actor, seconds)


def _retry(row: PushIntent, code: str, not_before: Any = None) -> Outcome:
    return Outcome(row.intent_id, "retry", code=code, failure_class=FailureClass.TRANSIENT, not_before=not_before)
