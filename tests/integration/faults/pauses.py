"""SIGSTOP of a real worker beyond its lease while another one works, then SIGCONT: what the first had claimed is the
other's now, and the first writes nothing any more, neither to the CRM nor to the store.

It is stopped wherever it could notice: between any two of its steps. What cannot be seen from this end is a worker
stopped in the microseconds between its last look at the lease and the request's leaving.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.integration.delivery.stores import Stores
from tests.integration.faults.kills import Outcome, World, account_for

POINTS = ("push.planned", "push.claimed", "http.answered", "push.written", "push.settled", "ops.before_commit",
          "ops.committed")  # fmt: skip
LEASE_S = 2.5
"""deliverer's: the longest request and the silence beyond it."""


def paused_everywhere(on: Stores, there: World, points: Sequence[str] = POINTS, most: int = 1000) -> Outcome:
    """All hits (at most `most` each) of all `points`; `kills` counts the pauses."""
    began, total = f"p{time.time_ns():x}", Outcome()

    def one(point: str) -> Outcome:
        found = Outcome()
        for hit in range(1, most + 1):
            outcome = _paused(on, there, f"{began}.{point}.{hit}", f"{point}:{hit}")
            found.add(outcome)
            if outcome.unharmed:
                break
        found.hits[point] = found.kills
        return found

    with ThreadPoolExecutor(4) as threads:
        for outcome in threads.map(one, points):
            total.add(outcome)
    return total


def _paused(on: Stores, there: World, prefix: str, point: str) -> Outcome:
    outcome = Outcome()
    with on.place() as place:
        first = there.start(there.task(place, prefix, f"{point}:stop"))
        stopped = first.stopped(60)
        outcome.kills, outcome.unharmed = int(stopped), not stopped and first.status == 0
        if stopped:
            time.sleep(LEASE_S)
            second = there.start(there.task(place, prefix))
            second.ended(6 * LEASE_S)  # where the first stands within a transaction, it may wait for that
            before = len(there.writes(prefix))
            settled = second.status == 0
            first.signal(signal.SIGCONT)
            first.ended(60)
            second.ended(60)
            zombies = len(there.writes(prefix)) - before if settled else 0
            outcome.found("zombies", zombies, f"{prefix}: {zombies} writes after it went on")
            outcome.hits["taken_over"] = int(settled)
            outcome.hits["noticed"] = int(first.status not in (0, None))
        outcome.found("failed", int(first.ended(60) is None), f"{prefix}: does not end")
        there.recovered(place, prefix, outcome)
        ops = place.open()
        try:
            account_for(outcome, ops, there, prefix)
        finally:
            ops.close()
    return outcome
