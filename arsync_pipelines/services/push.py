"""The push use case: plan against the published snapshot, check the payload, store intents, deliver."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from arsync_pipelines.domain import telemetry
from arsync_pipelines.domain.checks import CheckResult, summary
from arsync_pipelines.domain.drift import DriftFinding
from arsync_pipelines.domain.errors import ArsyncError, CheckFailed, SinkError, StaleWrite, WarehouseError
from arsync_pipelines.domain.failpoint import failpoint
from arsync_pipelines.domain.urgency import CREDIT_HOLD, UrgencyRule
from arsync_pipelines.ops.drift import DriftStore
from arsync_pipelines.ops.intents import IntentStore
from arsync_pipelines.ports.sink import Sink
from arsync_pipelines.ports.warehouse import Warehouse
from arsync_pipelines.services.deliver import Delivery, ObjectResult, Progress, RetryPolicy
from arsync_pipelines.services.drift import DEFAULT_POLICY, DriftPolicy, examine, gone_accounts, linked
from arsync_pipelines.services.limiter import Limits
from arsync_pipelines.services.plan import Difference, Plan, make_plan, to_intents

PayloadCheck = Callable[[str, str, Sequence[Difference]], list[CheckResult]]
"""(system, object, differences) -> results; a blocking one stops the push of everything."""


_PLANS = 3
"""Plans made before giving way to planners on other machines."""
DELIVER = "deliver"
_LONGEST_WAIT_S, _LOOK_S = 600.0, 0.5


def _silent(_object: str, _settled: int, _planned: int) -> None:
    """Nobody watches."""


@dataclass(slots=True)
class PushReport:
    """What a push did, by canonical object; `planned` counts new intents of this run. `error`: why it ended early."""

    connection: str
    snapshot_id: str = ""
    planned: dict[str, int] = field(default_factory=dict)
    already_sent: int = 0
    held: int = 0
    superseded: int = 0
    results: dict[str, ObjectResult] = field(default_factory=dict)
    checks: list[CheckResult] = field(default_factory=list)
    error: ArsyncError | None = None
    waits_for: str = ""
    """Why what is left was not sent, "" when nothing held it back."""
    drift: list[DriftFinding] = field(default_factory=list)
    """What others did to records of ours, as far as it was not found before."""
    drift_held: int = 0
    """Differences that are not sent because a person must decide on what others did."""


@dataclass(frozen=True, slots=True)
class PushService:
    """Pushes one sink's objects. `lock_dir` holds two lock files per connection: one planner at a time on a machine,
    and one deliverer where the store is a file of this machine. On a store that machines share, several deliver.

    Nobody who plans waits for who delivers: what is urgent and planned during a long delivery leaves with it.
    """

    warehouse: Warehouse
    store: IntentStore
    lock_dir: Path
    policy: RetryPolicy
    check_payload: PayloadCheck
    checkpoint: Callable[[datetime], object] = lambda _now: None
    """Called when all was sent: the audit's end is to be put on record."""

    limits_of: Callable[[str], Limits | None] = lambda _connection: None
    """What limits the requests to a connection."""
    urgency: Sequence[UrgencyRule] = (CREDIT_HOLD,)
    """Which changes go before others."""
    drift: DriftStore | None = None
    """Where what others did to our records is kept; without it nobody asks."""
    drift_policy: DriftPolicy = DEFAULT_POLICY

    def plan(self, sink: Sink, objects: Sequence[str] | None = None) -> Plan:
        """What would be sent now, by what the snapshot saw of the target. Asks the target nothing, sends nothing.

        Raises WarehouseError before the first publish.
        """
        return self._planned(sink, objects, datetime.now(UTC), look=False)

    def _planned(self, sink: Sink, objects: Sequence[str] | None, now: datetime, *, look: bool) -> Plan:
        snapshot = self.warehouse.current_snapshot()
        if snapshot is None:
            raise WarehouseError("nothing is published yet, so there is nothing to plan from. Run `arsync sync` first.")
        chosen = [o for o in sink.capabilities.objects if objects is None or o in objects]
        plan = make_plan(self.warehouse, snapshot, self.store, sink, chosen)
        if self.drift is not None:
            gone = gone_accounts(self.warehouse, snapshot, sink.system, sink.connection)
            asked = sink if look else None
            examine(plan, gone, self.drift, self.drift_policy, sink.connection, now, asked)
        return plan

    def push(self, sink: Sink, objects: Sequence[str] | None = None, progress: Progress = _silent) -> PushReport:
        """Plan, check, store and deliver. Raises CheckFailed (nothing stored or sent) or SinkError (rows wait)."""
        report = PushReport(sink.connection)
        self._push(sink, objects, progress, report)
        return report

    def attempt(self, sink: Sink, objects: Sequence[str] | None = None, progress: Progress = _silent) -> PushReport:
        """As `push`, for one of several connections, of which none may keep the others from theirs: the report tells
        how far it came and has the error, which is the caller's to raise when all are done."""
        report = PushReport(sink.connection)
        try:
            self._push(sink, objects, progress, report)
        except ArsyncError as error:
            report.error = error
        return report

    def _push(self, sink: Sink, objects: Sequence[str] | None, progress: Progress, report: PushReport) -> None:
        with telemetry.span("push", connection=sink.connection) as told:
            try:
                self._plan_and_deliver(sink, objects, progress, report)
            finally:
                told.note(snapshot_id=report.snapshot_id, waits_for=report.waits_for)

    def _plan_and_deliver(
        self, sink: Sink, objects: Sequence[str] | None, progress: Progress, report: PushReport
    ) -> None:
        shared = self.store.shared
        delivery = Delivery(
            self.store,
            sink,
            self.policy,
            progress=progress,
            results=report.results,
            alone=not shared,
            limits=self.limits_of(sink.connection),
        )
        with only_one(self.lock_dir, sink.connection), ExitStack() as delivering:
            alone = shared or _delivers(self.lock_dir, sink.connection, delivering)
            if alone:  # a plan that did not know what became of the last one would let it overtake this one
                delivery.recover()
            self._plan_and_store(sink, objects, report)
            rest = delivering.pop_all()
        with rest:
            if alone or self._delivered_by_other(sink, objects, report, rest):
                self._deliver(delivery, objects, report)

    def _delivered_by_other(
        self, sink: Sink, objects: Sequence[str] | None, report: PushReport, delivering: ExitStack
    ) -> bool:
        """Wait for the process that delivers until it has sent what we planned too; True when it has ended instead, and
        we deliver from here on."""
        names = [o for o in sink.capabilities.objects if objects is None or o in objects]
        ends = time.monotonic() + _LONGEST_WAIT_S
        while not _delivers(self.lock_dir, sink.connection, delivering):
            left = {name: self.store.unsettled(sink.connection, name) for name in names}
            if not any(left.values()) or time.monotonic() > ends:
                report.results |= {name: ObjectResult(left=count) for name, count in left.items()}
                report.waits_for = "another process is delivering" if any(left.values()) else ""
                return False
            time.sleep(_LOOK_S)
        return True

    def _plan_and_store(self, sink: Sink, objects: Sequence[str] | None, report: PushReport) -> None:
        for again in range(_PLANS, 0, -1):
            report.checks.clear()
            try:
                with telemetry.span("plan", connection=sink.connection) as told:
                    self._plan_once(sink, objects, report)
                    told.note(snapshot_id=report.snapshot_id, planned=sum(report.planned.values()), held=report.held)
                return
            except StaleWrite:  # a planner on another machine was quicker; nothing of this plan was stored
                if again == 1:
                    raise

    def _plan_once(self, sink: Sink, objects: Sequence[str] | None, report: PushReport) -> None:
        now = datetime.now(UTC)
        plan = self._planned(sink, objects, now, look=True)
        report.snapshot_id, report.already_sent, report.held = plan.snapshot_id, plan.already_sent, plan.held
        by_object: dict[str, list[Difference]] = {}
        for difference in plan.differences:
            by_object.setdefault(difference.object, []).append(difference)
        for name, rows in by_object.items():
            report.checks += self.check_payload(sink.system, name, rows)
        if any(result.blocks for result in report.checks):
            raise CheckFailed(
                f"push to {sink.connection} refused, nothing was sent: {summary(report.checks)}. "
                "`arsync plan` shows the payload; correct the model or the data and run again."
            )
        report.superseded = self.store.supersede_pending(plan.gone, now)
        failpoint("push.planned")
        intents = to_intents(plan, self.store, now, self.urgency)
        report.drift, report.drift_held = linked(plan.drift, intents), plan.drift_held
        self.store.add(intents, now, report.drift)
        report.planned = {name: len(rows) for name, rows in by_object.items()}
        failpoint("push.stored")

    def _deliver(self, delivery: Delivery, objects: Sequence[str] | None, report: PushReport) -> None:
        delivery.run(objects)
        report.waits_for = delivery.waits_for
        self.checkpoint(datetime.now(UTC))


@contextmanager
def only_one(lock_dir: Path, connection: str, what: str = "push") -> Iterator[None]:
    """For whoever plans a push to a connection (`what`: delivers it). Raises SinkError after ten minutes."""
    lock_dir.mkdir(parents=True, exist_ok=True)
    lock = FileLock(lock_dir / f"{what}-{connection}.lock", timeout=_LONGEST_WAIT_S)
    try:
        lock.acquire()
    except Timeout as error:
        raise SinkError(f"another process has been pushing to {connection} for ten minutes; try later") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def at_rest(lock_dir: Path, connection: str) -> Iterator[None]:
    """For whoever changes what the next push sends: nobody of this machine plans, or delivers from a store that is a
    file. Raises SinkError after ten minutes."""
    with only_one(lock_dir, connection), only_one(lock_dir, connection, DELIVER):
        yield


def _delivers(lock_dir: Path, connection: str, until: ExitStack) -> bool:
    """Take the lock of the one who delivers until `until` ends; whether nobody else has it."""
    lock = FileLock(lock_dir / f"{DELIVER}-{connection}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return False
    until.callback(lock.release)
    return True
