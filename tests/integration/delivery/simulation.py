"""Hours of planning and delivering by several workers on one store, in a second, with everything going wrong.

One seed is one history, on whichever database. In the end the faults stop, everything comes to rest, and the accounts
are drawn up.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from arsync_pipelines.domain.errors import LeaseLost, SinkError, StaleWrite
from arsync_pipelines.domain.limits import LimitRules
from arsync_pipelines.domain.push import PushIntent
from arsync_pipelines.ops.store import OpsStore
from arsync_pipelines.services.deliver import Delivery, RetryPolicy
from arsync_pipelines.services.limiter import Limits
from tests.integration.delivery.scheduler import START, Actor, Killed, Scheduler
from tests.integration.delivery.stores import Stores, opened_for_simulation, stores
from tests.integration.delivery.vendor import SimulatedSink, Vendor
from tests.integration.delivery.verdict import judged

CHANCES = {
    "loses_answer": 0.04, "loses_request": 0.03, "throttles": 0.03, "breaks": 0.01, "locks": 0.03, "pauses": 0.03,
    "dies": 0.02, "dies_after_commit": 0.02, "works_long": 0.03,
}  # fmt: skip
POLICY = RetryPolicy(8, 0.5, 30.0, 120.0, lease_s=20.0)
RULES = LimitRules(requests=40, per_s=60, failures=3, open_s=20, longest_open_s=120)
WORKERS, PARENTS, CHILDREN, ROUNDS = 3, 4, 5, 8


@dataclass(frozen=True)
class History:
    """What came of one seed; `violations` names what must not be, `wrong` counts it by kind. `digest` is of all that
    happened, with its times."""

    seed: int
    intents: int
    states: dict[str, int]
    kills: int
    lost_leases: int
    ambiguous: int
    requests: int
    days: float
    seconds: float
    digest: str
    violations: tuple[str, ...]
    wrong: Counter[str]


class Mortal:
    """A part of the store as one process sees it: of a dead process nothing arrives."""

    def __init__(self, part: Any, actor: Actor) -> None:
        self._part = part
        self._actor = actor

    def __getattr__(self, name: str) -> Any:
        if self._actor.dead:
            raise Killed
        found = getattr(self._part, name)
        return Mortal(found, self._actor) if name == "leases" else found


class Simulation:
    """One seed on one store."""

    def __init__(self, seed: int, open_: Callable[[Callable[[], Any]], OpsStore]) -> None:
        self.seed = seed
        self.scheduler = Scheduler(seed)
        self.ops = open_(self.scheduler.now)
        self.vendor = Vendor(self.scheduler, self.ops, (40, 60.0), CHANCES)
        self.planned = 0
        self.kills = 0
        self.lost_leases = 0
        self.planning = True
        self._next_plan = START
        self._numbers = 0

    def run(self) -> History:
        """Plan and deliver to the end."""
        random.seed(self.seed)  # jitter of the code under test
        began = time.perf_counter()
        self.scheduler.start(Actor("planner", self._plan))
        for _ in range(WORKERS):
            self._hire(self.scheduler.chance.uniform(0, 20))
        self.scheduler.run()
        return self._history(time.perf_counter() - began)

    def _plan(self, actor: Actor) -> None:
        chance, store = self.scheduler.chance, self.ops.intents
        for number in range(ROUNDS):
            changed: list[PushIntent] = []
            for object_name, count in (("account", PARENTS), ("invoice", PARENTS * CHILDREN)):
                keys = [f"{object_name[0]}{index:02}" for index in range(count)]
                versions = store.latest_versions("crm", object_name, keys)
                for index in sorted(chance.sample(range(count), max(1, count // 2))):
                    key = keys[index]
                    known = versions.get(key)
                    changed.append(self._intent(object_name, key, index % PARENTS, known.version + 1 if known else 1))
            try:
                store.add(changed, self.scheduler.now())
                self.planned += len(changed)
            except StaleWrite:
                raise AssertionError("there is one planner") from None
            held = self.ops.held.find()
            if held and number % 3 == 2:
                ids = [h.intent_id for h in held]
                self.ops.held.replay(ids, self.scheduler.now(), "planner", "tried again")
            pause = chance.uniform(20, 600) if chance.random() < 0.75 else chance.uniform(3600, 43200)
            self._next_plan = self.scheduler.at + timedelta(seconds=pause)
            self.scheduler.rest(actor, pause)
        self.vendor.chances = {}
        self.planning = False

    def _intent(self, object_name: str, key: str, parent: int, version: int) -> PushIntent:
        chance = self.scheduler.chance
        cents = 13 if chance.random() < 0.04 else chance.choice([0, 50])
        return PushIntent(
            f"{key}-{version}", "crm", object_name, key, version, {"open_amount": f"{version}.{cents:02}"}, {},
            f"P{parent}", f"fact-{key}-{version}", "s", self.scheduler.now(),
            priority=100 if chance.random() < 0.05 else 0,
        )  # fmt: skip

    def _hire(self, after: float) -> None:
        self._numbers += 1
        self.scheduler.start(Actor(f"worker-{self._numbers}", self._work), after)

    def _work(self, actor: Actor) -> None:
        """Push, rest, push again; who is killed, or loses its lease, is followed by another."""

        def sleep(seconds: float) -> None:
            self.scheduler.rest(actor, seconds)

        limits = Limits(Mortal(self.ops.limits, actor), "crm", RULES)  # type: ignore[arg-type]
        store: Any = Mortal(self.ops.intents, actor)
        sink = SimulatedSink(self.vendor, actor)
        try:
            while True:
                last = not self.planning
                Delivery(store, sink, POLICY, sleep, self.scheduler.now, limits=limits).run()
                left = self._unsettled()
                if last and not left:
                    return
                # with nothing left there is nothing to look for until more is planned
                quiet = 0.0 if left else max(0.0, (self._next_plan - self.scheduler.at).total_seconds())
                sleep(quiet + self.scheduler.chance.uniform(5, 120))
        except Killed:
            self.kills += 1
        except LeaseLost:
            self.lost_leases += 1
        except SinkError:  # what was written could not be read back now
            pass
        self._hire(self.scheduler.chance.uniform(1, 60))

    def _unsettled(self) -> int:
        return sum(self.ops.intents.unsettled("crm", name) for name in ("account", "invoice"))

    def _history(self, seconds: float) -> History:
        states: Counter[str] = Counter()
        for row in self.ops.intents.counts("crm"):
            states[row["state"]] += row["intents"]
        attempts = [list(map(str, row.values())) for row in self.ops.intents.ended_attempts(0, 1_000_000)]
        told = json.dumps([self.vendor.journal, self.vendor.arrivals, sorted(states.items()), attempts])
        verdict = judged(self, states)
        return History(
            self.seed, self.planned, dict(states), self.kills, self.lost_leases, self.vendor.ambiguous,
            len(self.vendor.arrivals), self.scheduler.seconds() / 86400, seconds,
            hashlib.sha256(told.encode()).hexdigest(), tuple(verdict.told), verdict.wrong,
        )  # fmt: skip


def simulate(seed: int, on: Stores | None = None) -> History:
    """One seed on a store of its own; without `on`, on SQLite."""
    if on is None:
        with stores("sqlite") as files:
            return simulate(seed, files)
    with on.place() as place:
        simulation = Simulation(seed, lambda clock: opened_for_simulation(place, clock))
        try:
            return simulation.run()
        finally:
            simulation.ops.close()
