"""Several workers on one connection: what a dead one left is settled by the others, and one that was paused beyond its
lease neither writes to the target nor to the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from arsync_pipelines.connectors.http import FailurePolicy, HttpClient
from arsync_pipelines.domain.errors import LeaseLost
from arsync_pipelines.domain.limits import Answer
from arsync_pipelines.domain.push import PushIntent
from arsync_pipelines.ops.store import OpsStore, open_store
from arsync_pipelines.ports.gate import Gate
from arsync_pipelines.ports.sink import SinkCapabilities, WriteResult
from arsync_pipelines.services.deliver import Delivery, RetryPolicy
from arsync_pipelines.services.worker import SLOTS, Worker
from tests.fixtures.targets import ScriptedTarget

START = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = RetryPolicy(4, 0.5, 8.0, 60.0, lease_s=20.0)
REQUEST_S = 10.0


class Time:
    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Target(ScriptedTarget):
    """A target whose requests, one per row, pass a gate; `before` is called with each row on its way."""

    gate: Gate | None = None
    before: Callable[[PushIntent], None] = staticmethod(lambda _intent: None)

    @property
    def capabilities(self) -> SinkCapabilities:
        given = super().capabilities
        return SinkCapabilities(given.objects, given.batch_size, 1000, given.observed_in, REQUEST_S)

    def through(self, gate: Gate | None) -> None:
        self.gate = gate

    def write(self, object_name: str, intents: Sequence[PushIntent]) -> WriteResult:
        self.batches.append([i.business_key for i in intents])
        outcomes = []
        for intent in intents:
            self.before(intent)
            if self.gate is not None:
                self.gate.enter()
            outcomes.append(self._one(object_name, intent))
        return WriteResult(tuple(outcomes), len(outcomes))

    def read_back(self, object_name: str, intents: Sequence[PushIntent]) -> Mapping[str, Mapping[str, Any] | None]:
        if self.gate is not None:
            self.gate.enter()
        return super().read_back(object_name, intents)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def ops(tmp_path: Path, time: Time) -> Iterator[OpsStore]:
    opened = open_store(tmp_path / "ops.sqlite", clock=time.now)
    yield opened
    opened.close()


def intent(key: str, object_name: str = "invoice", parent: str = "001") -> PushIntent:
    return PushIntent(
        f"{object_name}-{key}", "crm", object_name, key, 1, {"open_amount": "1.00"}, {}, parent, "c", "s", START
    )


def states(ops: OpsStore) -> dict[str, int]:
    found: Counter[str] = Counter()
    for row in ops.intents.counts():
        found[row["state"]] += row["intents"]
    return dict(found)


def delivery(ops: OpsStore, target: ScriptedTarget, time: Time) -> Delivery:
    return Delivery(ops.intents, target, POLICY, time.sleep, time.now)


def test_a_worker_paused_beyond_its_lease_neither_writes_nor_settles(ops: OpsStore, time: Time) -> None:
    ops.intents.add([intent("a"), intent("b")], START)
    target = Target()
    heir = Target(records=target.records, effects=target.effects)

    def pause(row: PushIntent) -> None:
        if row.business_key == "b":
            time.sleep(REQUEST_S + POLICY.lease_s)
            delivery(ops, heir, time).run()

    target.before = pause
    with pytest.raises(LeaseLost, match="deliver:crm:1 with token 1 is lost"):
        delivery(ops, target, time).run()
    assert states(ops) == {"acknowledged": 2}
    assert dict(target.seen) == {"a": 1}, "it woke before its second request, which did not leave"
    assert dict(heir.seen) == {"b": 1}, "what had taken effect was found by looking"
    assert set(target.effects.values()) == {1}
    assert ops.verify().holds


def test_a_worker_that_is_slow_keeps_its_lease_from_request_to_request(ops: OpsStore, time: Time) -> None:
    ops.intents.add([intent(f"k{n}") for n in range(10)], START)
    target = Target()
    target.before = lambda _row: time.sleep(POLICY.lease_s / 2)
    assert delivery(ops, target, time).run()["invoice"].acknowledged == 10
    assert (time.now() - START).total_seconds() > REQUEST_S + POLICY.lease_s
    assert ops.leases.alive() == [], "and gives it back in the end"


def test_what_a_dead_worker_claimed_is_waited_for_and_then_read_back(ops: OpsStore, time: Time) -> None:
    ops.intents.add([intent("sent"), intent("not"), intent("free")], START)
    dead = ops.leases.take(["deliver:crm:1"], "dead", 45)
    assert len(ops.intents.claim("crm", "invoice", 2, time.now(), dead)) == 2
    target = Target()
    target.records["invoice", "not"] = {"open_amount": "7.00"}
    target.records["invoice", "free"] = {"open_amount": "1.00"}
    seen_at: list[float] = []
    target.before = lambda row: seen_at.append((time.now() - START).total_seconds())
    result = delivery(ops, target, time).run()["invoice"]
    assert (result.acknowledged, result.read_back, result.left) == (3, 2, 0)
    assert seen_at[0] < 1 and seen_at[1] >= 45, (
        "what nobody had claimed went first, the rest not before the lease ended"
    )


def test_others_at_work_are_waited_for_but_not_for_ever(ops: OpsStore, time: Time) -> None:
    ops.intents.add([intent("theirs")], START)
    lease = ops.leases.take(["deliver:crm:1"], "busy", 3600)
    ops.intents.claim("crm", "invoice", 1, time.now(), lease)
    result = delivery(ops, Target(), time).run()["invoice"]
    assert (result.acknowledged, result.left) == (0, 1)
    waited = (time.now() - START).total_seconds()
    assert POLICY.patience_s <= waited <= POLICY.patience_s + REQUEST_S + POLICY.lease_s


def test_children_of_a_parent_that_is_tried_again_wait_and_others_do_not(ops: OpsStore, time: Time) -> None:
    ops.intents.add([intent("p", "account", "1"), intent("c", parent="1"), intent("other", parent="2")], START)
    target = Target(lambda i, nth: "retry" if i.object == "account" and nth < 3 else "acknowledged")
    delivery(ops, target, time).run()
    assert target.batches == [["p"], ["other"], ["p"], ["p"], ["c"]]


def test_no_more_deliver_at_once_than_there_are_slots(ops: OpsStore, time: Time) -> None:
    ops.intents.add([intent("k")], START)
    workers = [Worker.begin(ops.leases, "crm", 10, 20, time.now) for _ in range(SLOTS)]
    assert all(workers)
    assert delivery(ops, Target(), time).run()["invoice"].left == 1
    assert workers[0] is not None
    workers[0].end()
    assert delivery(ops, Target(), time).run()["invoice"].acknowledged == 1


def test_the_http_client_asks_the_gate_before_each_request_and_sends_none_that_is_forbidden() -> None:
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.url.path)
        return httpx.Response(200 if len(sent) == 2 else 503, headers={"Retry-After": "0"})

    class Closing:
        entered = 0

        answers: ClassVar[list[Answer]] = []

        answers: ClassVar[list[Answer]] = []

        def enter(self) -> None:
            self.entered += 1
            if self.entered > 2:
                raise LeaseLost("lost")

        def answered(self, answer: Answer) -> None:
            self.answers.append(answer)

    client = HttpClient(
        connection="crm", base_url="https://crm.example", policy=FailurePolicy("x"),
        transport=httpx.MockTransport(answer),
    )  # fmt: skip
    client.gate = gate = Closing()
    client.request("GET", "/a")
    assert (gate.entered, sent) == (2, ["/a", "/a"])
    assert gate.answers == [Answer(503, 0.0), Answer(200, 0.0)]
    assert gate.answers == [Answer(503, 0.0), Answer(200, 0.0)]
    with pytest.raises(LeaseLost):
        client.request("GET", "/b")
    assert sent == ["/a", "/a"]
    client.close()
