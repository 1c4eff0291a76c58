"""Hours of planning and delivering by several workers on one store, in seconds, with everything going wrong.

One seed is one history. In the end the faults stop, everything comes to rest, and the accounts are drawn up.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import event

from arsync_pipelines.domain.errors import LeaseLost, SinkError, StaleWrite
from arsync_pipelines.domain.limits import LimitRules
from arsync_pipelines.domain.push import PushIntent
from arsync_pipelines.ops.store import OpsStore, open_store
from arsync_pipelines.services.deliver import Delivery, RetryPolicy
from arsync_pipelines.services.limiter import Limits
from tests.integration.delivery.scheduler import Actor, Killed, Scheduler
from tests.integration.delivery.vendor import SimulatedSink, Vendor

CHANCES = {
    "loses_answer": 0.04, "loses_request": 0.03, "throttles": 0.03, "breaks": 0.01, "locks": 0.03, "pauses": 0.03,
    "dies": 0.02, "dies_after_commit": 0.02,
}  # fmt: skip
POLICY = RetryPolicy(8, 0.5, 30.0, 120.0, lease_s=40.0)
RULES = LimitRules(requests=40, per_s=60, failures=3, open_s=20, longest_open_s=120)
WORKERS, PARENTS, CHILDREN, ROUNDS = 3, 4, 5, 8


@dataclass(frozen=True)
class History:
    """What came of one seed; `violations` names what must not be. `digest` is of all that happened, with its times."""

    seed: int
    intents: int
    states: dict[str, int]
    kills: int
    lost_leases: int
    ambiguous: int
    requests: int
    early: int
    zombies: int
    days: float
    seconds: float
    digest: str
    violations: tuple[str, ...]


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
            self.scheduler.rest(actor, chance.uniform(60, 1200))
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
                if last and not self._unsettled():
                    return
                sleep(self.scheduler.chance.uniform(5, 120))
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
        return History(
            self.seed, self.planned, dict(states), self.kills, self.lost_leases, self.vendor.ambiguous,
            len(self.vendor.arrivals), self.vendor.early, self.vendor.zombies, self.scheduler.seconds() / 86400,
            seconds, hashlib.sha256(told.encode()).hexdigest(), tuple(self._violations(states)),
        )  # fmt: skip

    def _violations(self, states: Counter[str]) -> list[str]:
        found = []
        final = {name: states[name] for name in ("acknowledged", "superseded", "rejected", "dead")}
        if sum(final.values()) != self.planned or sum(states.values()) != self.planned:
            found.append(f"{self.planned} intents, but {dict(states)}")
        writes = Counter((o, key, version) for _, o, key, version in self.vendor.journal)
        found += [f"{what} took effect {times} times" for what, times in writes.items() if times > 1]
        last: dict[tuple[str, str], int] = {}
        for _, object_name, key, version in self.vendor.journal:
            if version < last.get((object_name, key), 0):
                found.append(f"{object_name} {key}: version {version} after {last[object_name, key]}")
            last[object_name, key] = version
        acknowledged = self._acknowledged()
        if acknowledged - set(writes):
            found.append(f"acknowledged, but not written: {sorted(acknowledged - set(writes))}")
        if self.vendor.early:
            found.append(f"{self.vendor.early} requests too early")
        if self.vendor.zombies:
            found.append(f"{self.vendor.zombies} zombie writes")
        if not self.ops.verify().holds:
            found.append("the audit chain does not hold")
        return found

    def _acknowledged(self) -> set[tuple[str, str, int]]:
        from sqlalchemy import select

        from arsync_pipelines.ops.tables import push_intent

        columns = push_intent.c
        with self.ops.engine.connect() as db:
            query = select(columns.object, columns.business_key, columns.version)
            return {tuple(row) for row in db.execute(query.where(columns.state == "acknowledged"))}


def simulate(seed: int) -> History:
    """One seed on a SQLite store of its own."""
    with TemporaryDirectory() as folder:

        def opened(clock: Callable[[], Any]) -> OpsStore:
            ops = open_store(Path(folder) / "ops.sqlite", clock=clock)
            ops.engine.dispose()

            @event.listens_for(ops.engine, "connect")
            def _no_sync(connection: Any, _record: Any) -> None:
                connection.execute("pragma synchronous=off")  # no power is cut here

            return ops

        simulation = Simulation(seed, opened)
        try:
            return simulation.run()
        finally:
            simulation.ops.close()
