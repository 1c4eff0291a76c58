"""The push use case: plan against the published snapshot, check the payload, store intents, deliver."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from arsync_pipelines.domain.checks import CheckResult, summary
from arsync_pipelines.domain.errors import CheckFailed, SinkError, WarehouseError
from arsync_pipelines.domain.failpoint import failpoint
from arsync_pipelines.ops.intents import IntentStore
from arsync_pipelines.ports.sink import Sink
from arsync_pipelines.ports.warehouse import Warehouse
from arsync_pipelines.services.deliver import Delivery, ObjectResult, Progress, RetryPolicy
from arsync_pipelines.services.plan import Difference, Plan, make_plan, to_intents

PayloadCheck = Callable[[str, str, Sequence[Difference]], list[CheckResult]]
"""(system, object, differences) -> results; a blocking one stops the push of everything."""


@dataclass(slots=True)
class PushReport:
    """What a push did, by canonical object; `planned` counts new intents of this run."""

    connection: str
    snapshot_id: str
    planned: dict[str, int] = field(default_factory=dict)
    already_sent: int = 0
    held: int = 0
    superseded: int = 0
    results: dict[str, ObjectResult] = field(default_factory=dict)
    checks: list[CheckResult] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PushService:
    """Pushes one sink's objects. `lock_dir` holds one lock file per connection: one deliverer at a time."""

    warehouse: Warehouse
    store: IntentStore
    lock_dir: Path
    policy: RetryPolicy
    check_payload: PayloadCheck

    def plan(self, sink: Sink, objects: Sequence[str] | None = None) -> Plan:
        """What would be sent now; sends nothing. Raises WarehouseError before the first publish."""
        snapshot = self.warehouse.current_snapshot()
        if snapshot is None:
            raise WarehouseError("nothing is published yet, so there is nothing to plan from. Run `arsync sync` first.")
        chosen = [o for o in sink.capabilities.objects if objects is None or o in objects]
        return make_plan(self.warehouse, snapshot, self.store, sink, chosen)

    def push(
        self,
        sink: Sink,
        objects: Sequence[str] | None = None,
        progress: Progress = lambda _object, _settled, _planned: None,
    ) -> PushReport:
        """Plan, check, store and deliver. Raises CheckFailed (nothing stored or sent) or SinkError (rows wait)."""
        with self._only_one(sink.connection):
            delivery = Delivery(self.store, sink, self.policy, progress=progress)
            delivery.recover()  # a plan that did not know what became of the last one would let it overtake this one
            plan = self.plan(sink, objects)
            report = PushReport(sink.connection, plan.snapshot_id, already_sent=plan.already_sent, held=plan.held)
            by_object: dict[str, list[Difference]] = {}
            for difference in plan.differences:
                by_object.setdefault(difference.object, []).append(difference)
            report.planned = {name: len(rows) for name, rows in by_object.items()}
            for name, rows in by_object.items():
                report.checks += self.check_payload(sink.system, name, rows)
            if any(result.blocks for result in report.checks):
                raise CheckFailed(
                    f"push to {sink.connection} refused, nothing was sent: {summary(report.checks)}. "
                    "`arsync plan` shows the payload; correct the model or the data and run again."
                )
            now = datetime.now(UTC)
            report.superseded = self.store.supersede_pending(plan.gone, now)
            failpoint("push.planned")
            self.store.add(to_intents(plan, self.store, now), now)
            failpoint("push.stored")
            report.results = delivery.run()
            return report

    @contextmanager
    def _only_one(self, connection: str) -> Iterator[None]:
        self.lock_dir.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.lock_dir / f"push-{connection}.lock", timeout=600)
        try:
            lock.acquire()
        except Timeout as error:
            raise SinkError(f"another process has been pushing to {connection} for ten minutes; try later") from error
        try:
            yield
        finally:
            lock.release()
