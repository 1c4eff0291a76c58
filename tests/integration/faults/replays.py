"""Dead letters replayed by two people at once, each of them twice, while new changes are planned and delivered."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from arsync_pipelines.domain.push import PushIntent
from arsync_pipelines.ops.store import OpsStore
from arsync_pipelines.ports.sink import WriteResult
from arsync_pipelines.services.deliver import Delivery, RetryPolicy
from tests.contract.ops.values import intent, states
from tests.fixtures.targets import ScriptedTarget
from tests.integration.delivery.stores import Stores


@dataclass
class Replayed:
    """`most_effects`: of one version of one record. `moved`: replays that found something to move."""

    held: int
    moved: int
    most_effects: int
    lost: int
    unaccounted: int


class _Target(ScriptedTarget):
    """Refuses the first write of each held record; asked by several threads."""

    lock = threading.Lock()

    def write(self, object_name: str, intents: Sequence[PushIntent]) -> WriteResult:
        with self.lock:
            return super().write(object_name, intents)


def replayed_twice(on: Stores, held: int) -> Replayed:
    """So many dead letters; of a tenth of them a newer version is planned meanwhile."""
    target = _Target(lambda i, nth: "rejected" if i.business_key[0] == "h" and nth == 1 else "acknowledged")
    with on.place() as place:
        ops = place.open()
        now = datetime.now(UTC)
        ops.intents.add([intent(f"h{n}") for n in range(held)], now)
        _deliver(ops, target)
        ids = [h.intent_id for h in ops.held.find()]
        assert len(ids) == held
        start = threading.Barrier(4)
        moved: Counter[str] = Counter()

        def replay(who: str) -> None:
            start.wait()
            for _ in range(2):
                moved.update(ops.held.replay(ids, datetime.now(UTC), who, "set right"))

        def plan(_who: str) -> None:
            start.wait()
            for step in range(5):
                rows = [intent(f"l{step}-{n}") for n in range(10)]
                rows += [intent(f"h{n}", 2, "2.00") for n in range(step * held // 50, (step + 1) * held // 50)]
                ops.intents.add(rows, datetime.now(UTC))

        def work(_who: str) -> None:
            start.wait()
            for _ in range(20):
                _deliver(ops, target)

        with ThreadPoolExecutor(4) as threads:
            jobs = [threads.submit(*job) for job in ((replay, "ann"), (replay, "ben"), (plan, ""), (work, ""))]
            for job in jobs:
                job.result(120)
        _deliver(ops, target)
        found = states(ops)
        planned = sum(found.values())
        settled = found.get("acknowledged", 0) + found.get("superseded", 0)
        effects = sum(target.effects.values())
        ops.close()
    lost = max(0, found.get("acknowledged", 0) - effects)
    return Replayed(held, sum(moved.values()), max(target.effects.values()), lost, planned - settled)


def _deliver(ops: OpsStore, target: ScriptedTarget) -> None:
    policy = RetryPolicy(5, 0.0, 0.01, 1.0, lease_s=20.0)
    Delivery(ops.intents, target, policy, alone=not ops.intents.shared).run(["invoice"])
