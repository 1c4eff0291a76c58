"""kill -9 at the n-th hit of every failpoint of delivery, n = 1, 2, ... until a process ends unharmed; then once more,
undisturbed. Whatever stood half done: nothing lost, nothing twice, every intent accounted for, the audit whole.
"""

from __future__ import annotations

import json
import signal
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from arsync_pipelines.connectors.salesforce.setup import ensure_target
from arsync_pipelines.ops.store import OpsStore
from tests.contract.ops.values import Place, states
from tests.fixtures.sandbox import RunningSandbox, running_sandbox
from tests.integration.delivery.stores import Stores
from tests.integration.faults.deliverer import CHANGED, EVENTS, INVOICES, api, desired
from tests.integration.faults.nursery import Child, nursery

KILLED, FAILED = -signal.SIGKILL, 1
POINTS = (
    "inbox.stored", "inbox.committed", "push.planned", "push.stored", "push.claimed", "push.written", "push.settled",
    "http.before_send", "http.answered", "ops.before_commit", "ops.committed",
)  # fmt: skip
IN_RECOVERY = ("push.taken_over", "ops.committed")
"""Killed again while what the first kill left is taken over."""


@dataclass
class Outcome:
    """What came of one kill, or of several. `recoveries`: seconds of each undisturbed process afterwards."""

    kills: int = 0
    unharmed: bool = False
    """The last process that was to be killed or stopped ended well: no such hit."""
    wrong: Counter[str] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)
    recoveries: list[float] = field(default_factory=list)
    hits: Counter[str] = field(default_factory=Counter)

    def found(self, kind: str, times: int, words: str) -> None:
        """Note what is wrong, if it is."""
        if times:
            self.wrong[kind] += times
            self.told.append(f"{kind}: {words}")

    def add(self, other: Outcome) -> None:
        self.kills += other.kills
        self.wrong += other.wrong
        self.told += other.told
        self.recoveries += other.recoveries
        self.hits += other.hits

    @property
    def recovery_p95(self) -> float:
        """Seconds, a process's start included."""
        if len(self.recoveries) < 2:
            return max(self.recoveries, default=0.0)
        return statistics.quantiles(self.recoveries, n=20)[-1]


@dataclass
class World:
    """A CRM to write to, and processes to do so."""

    sandbox: RunningSandbox
    start: Callable[[Mapping[str, Any]], Child]
    account: str
    secret: str

    def task(self, place: Place, prefix: str, failpoints: str = "") -> dict[str, Any]:
        return {
            "folder": str(place.folder), "url": place.url, "base_url": self.sandbox.url("salesforce"),
            "secret": self.secret, "prefix": prefix, "account": self.account, "failpoints": failpoints,
        }  # fmt: skip

    def run(self, place: Place, prefix: str, failpoints: str = "") -> Child:
        """A process, ended."""
        child = self.start(self.task(place, prefix, failpoints))
        assert child.ended(120) is not None, f"{prefix}: process {child.pid} does not end"
        return child

    def recovered(self, place: Place, prefix: str, outcome: Outcome) -> float:
        """Undisturbed processes until one ends well; the seconds they took. On a machine that is too busy to renew a
        short lease in time, one may lose it, and stops."""
        seconds = 0.0
        for _ in range(5):
            child = self.run(place, prefix)
            seconds += child.seconds
            if child.status == 0:
                return seconds
        outcome.found("failed", 1, f"{prefix}: none of five processes ends well, the last with {child.status}")
        return seconds

    def writes(self, prefix: str) -> list[dict[str, Any]]:
        """What took effect, in order."""
        entries = self.sandbox.journal("salesforce")
        return [e for e in entries if e["operation"] in ("create", "update") and e["key"].startswith(f"{prefix}:")]


@contextmanager
def world() -> Iterator[World]:
    """A small company's CRM in a process of its own, and a nursery."""
    with (
        TemporaryDirectory() as folder,
        nursery() as start,
        running_sandbox(Path(folder), customers=4, invoices=10, vendors=["salesforce"]) as sandbox,
    ):
        secret = sandbox.secret("salesforce_client_secret")
        crm = api(sandbox.url("salesforce"), secret)
        ensure_target(crm)
        crm.close()
        yield World(sandbox, start, sandbox.truth("accounts")[0]["account"], secret)


def killed_everywhere(
    on: Stores, there: World, points: Sequence[str] = POINTS, most: int = 1000, action: str = "kill"
) -> Outcome:
    """All hits (at most `most` each) of all `points`, four points at a time: processes wait for leases to end.

    With `action` raise a step fails there instead, and whatever catches it goes on as it would.
    """
    began = f"{action[0]}{time.time_ns():x}"
    total = Outcome()

    def one(point: str) -> Outcome:
        found = Outcome()
        for hit in range(1, most + 1):
            outcome = _killed(on, there, f"{began}.{on.database}.{point}.{hit}", [f"{point}:{hit}"], action)
            found.add(outcome)
            if outcome.unharmed:
                break
        found.hits[point] = found.kills
        return found

    with ThreadPoolExecutor(4) as threads:
        for outcome in threads.map(one, points):
            total.add(outcome)
    return total


def killed_in_recovery(on: Stores, there: World, most: int = 1000) -> Outcome:
    """Killed after a write, and again at each hit of what its successor does about it."""
    began, total = f"a{time.time_ns():x}", Outcome()
    for point in IN_RECOVERY:
        for hit in range(1, most + 1):
            chain = ["push.written:1", f"{point}:{hit}"]
            outcome = _killed(on, there, f"{began}.{on.database}.{point}.{hit}", chain)
            total.add(outcome)
            total.hits[f"{point} (again)"] += max(0, outcome.kills - 1)
            if outcome.unharmed:
                break
    return total


def _killed(on: Stores, there: World, prefix: str, chain: Sequence[str], action: str = "kill") -> Outcome:
    outcome = Outcome()
    with on.place() as place:
        for point in chain:
            status = there.run(place, prefix, f"{point}:{action}").status
            outcome.kills += status == (KILLED if action == "kill" else FAILED)
            outcome.unharmed = status == 0
        seconds = there.recovered(place, prefix, outcome)
        if outcome.kills:
            outcome.recoveries.append(seconds)
        ops = place.open()
        try:
            account_for(outcome, ops, there, prefix)
        finally:
            ops.close()
    return outcome


def account_for(outcome: Outcome, ops: OpsStore, there: World, prefix: str) -> None:
    """Compare what was planned with what the store says and what the CRM's journal has."""
    found, planned = states(ops), INVOICES + CHANGED
    outcome.found("unaccounted", planned - found.get("acknowledged", 0), f"{prefix}: {found}")
    writes = there.writes(prefix)
    effects = Counter((w["key"], json.dumps(w["body"], sort_keys=True)) for w in writes)
    outcome.found("duplicated", len(writes) - len(effects), f"{prefix}: {effects.most_common(2)}")
    last = {w["key"]: w["body"] for w in writes}
    wanted = desired(prefix, there.account, 2)
    outcome.found("lost", len(set(wanted) - set(last)) + max(0, planned - len(effects)), f"{prefix}: {len(effects)}")
    other = [k for k in last if float(last[k].get("Open_Amount__c", -1)) != float(wanted[k]["open_amount"])]
    outcome.found("left_wrong", len(other), f"{prefix}: {other}")
    events = ops.inbox.counts()
    outcome.found("events_lost", EVENTS - events.get("done", 0), f"{prefix}: {events}")
    verified = ops.verify()
    outcome.found("broken_chains", int(not verified.holds or not verified.checkpoints), f"{prefix}: {verified}")
