"""The urgent lane: which changes are urgent is data, and what is urgent does not wait behind a burst."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from time import sleep as wait
from typing import Any

import pytest

from arsync_pipelines.domain.errors import SinkError
from arsync_pipelines.domain.limits import LimitRules
from arsync_pipelines.domain.push import PushIntent
from arsync_pipelines.domain.urgency import CREDIT_HOLD, UrgencyRule, priority_of
from arsync_pipelines.ops.store import OpsStore, open_store
from arsync_pipelines.ports.sink import WriteResult
from arsync_pipelines.services.deliver import Delivery, RetryPolicy
from arsync_pipelines.services.limiter import Limits
from arsync_pipelines.services.push import PushService
from arsync_pipelines.settings import PushSettings
from tests.fixtures.published import PublishedRows, row
from tests.fixtures.targets import ScriptedTarget
from tests.unit.services.test_workers import POLICY, START, Target, Time, intent, states


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def ops(tmp_path: Path, time: Time) -> Iterator[OpsStore]:
    opened = open_store(tmp_path / "ops.sqlite", clock=time.now)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("changes", "priority"),
    [
        ({"credit_hold": (False, True)}, 100),
        ({"credit_hold": (True, False)}, 100),
        ({"credit_hold": (None, True)}, 100),
        ({"credit_hold": (None, False)}, 0),
        ({"open_balance": ("1.00", "2.00")}, 0),
        ({"status": ("open", "disputed"), "credit_hold": (False, True)}, 100),
    ],
)
def test_a_hold_that_is_set_or_lifted_is_urgent(changes: dict[str, tuple[Any, Any]], priority: int) -> None:
    assert priority_of((CREDIT_HOLD,), "account", changes) == priority


def test_the_highest_rule_counts_and_a_rule_may_be_for_some_objects_only() -> None:
    rules = [UrgencyRule("status", 5, ("invoice",)), UrgencyRule("status", 7, ("account",)), UrgencyRule("due_date", 6)]
    changes = {"status": ("a", "b"), "due_date": ("2026-01-01", "2026-02-01")}
    assert [priority_of(rules, name, changes) for name in ("invoice", "account", "order")] == [6, 7, 6]


def test_settings_name_the_urgent_changes_and_say_the_same_by_default() -> None:
    (rule,) = PushSettings().urgent
    assert UrgencyRule(rule.field, rule.priority, rule.objects) == CREDIT_HOLD
    assert PushSettings.model_validate({"urgent": []}).urgent == ()


def test_a_plan_gives_its_intents_their_priority(tmp_path: Path, ops: OpsStore) -> None:
    published = PublishedRows()
    published.rows["sync_salesforce__invoice"] = [
        row("erp:1", {"credit_hold": False, "status": "open"}),
        row("erp:2", {"credit_hold": True, "status": "open"}, {"credit_hold": False}),
    ]
    target = ScriptedTarget(batch_size=1)
    policy = RetryPolicy(2, 0.01, 0.02, 1.0)
    PushService(published, ops.intents, tmp_path / "locks", policy, lambda *_: []).push(target)  # type: ignore[arg-type]
    assert target.batches == [["erp:2"], ["erp:1"]]


def hold(ops: OpsStore, key: str = "hold", parent: str = "zzz") -> None:
    ops.intents.add([replace(intent(key, parent=parent), priority=100)], START)


def test_a_hold_filed_in_the_middle_of_a_burst_goes_next(ops: OpsStore, time: Time) -> None:
    ops.intents.add([intent(f"k{n:03}", parent=f"{n:03}") for n in range(60)], START)
    target = Target(batch_size=10)

    def file(sent: PushIntent) -> None:
        if sent.business_key == "k025":
            hold(ops)

    target.before = file
    Delivery(ops.intents, target, POLICY, time.sleep, time.now).run()
    assert [len(batch) for batch in target.batches] == [10, 10, 10, 1, 10, 10, 10]
    assert target.batches[3] == ["hold"]
    assert states(ops) == {"acknowledged": 61}


def test_a_hold_filed_while_a_batch_is_sent_leaves_with_the_next_request(ops: OpsStore, time: Time) -> None:
    ops.intents.add([intent(f"k{n:03}", parent=f"{n:03}") for n in range(30)], START)
    target = Target(batch_size=30)
    target.before = lambda sent: hold(ops) if sent.business_key == "k011" else None
    limits = Limits(ops.limits, "crm", LimitRules(requests=5, per_s=60))
    results = Delivery(ops.intents, target, POLICY, time.sleep, time.now, limits=limits).run()
    order = [key for _, key, _ in target.effects]
    assert order.index("hold") == order.index("k010") + 1
    assert target.batches == [[f"k{n:03}" for n in range(30)], ["hold"]]
    assert states(ops) == {"acknowledged": 31}
    assert results["invoice"].requests == 31, "each counted once"


def test_what_passes_and_is_not_known_is_read_back_once_the_batch_is_settled(ops: OpsStore, time: Time) -> None:
    ops.intents.add([intent(f"k{n}") for n in range(5)], START)
    target = Target(lambda sent, nth: "lost" if sent.business_key == "hold" and nth == 1 else "acknowledged")
    target.before = lambda sent: hold(ops) if sent.business_key == "k2" else None
    result = Delivery(ops.intents, target, POLICY, time.sleep, time.now).run()["invoice"]
    assert (result.read_back, target.seen["hold"]) == (1, 1)
    assert states(ops) == {"acknowledged": 6}


def test_a_target_that_refuses_what_passes_breaks_off_after_the_batch_not_in_it(ops: OpsStore, time: Time) -> None:
    class Refusing(Target):
        def write(self, object_name: str, intents: Sequence[PushIntent]) -> WriteResult:
            if intents[0].business_key == "hold":
                raise SinkError("crm: credentials refused")
            return super().write(object_name, intents)

    ops.intents.add([intent(f"k{n}") for n in range(15)], START)
    target = Refusing(batch_size=5)
    target.before = lambda sent: hold(ops) if sent.business_key == "k2" else None
    with pytest.raises(SinkError, match="credentials"):
        Delivery(ops.intents, target, POLICY, time.sleep, time.now).run()
    assert states(ops) == {"acknowledged": 10, "pending": 6}, "k2 is in the second batch"


def test_a_hold_is_planned_while_another_process_delivers_and_leaves_with_that(tmp_path: Path, ops: OpsStore) -> None:
    """On a store that is a file only one delivers; whoever plans meanwhile does not wait for it."""
    burst, urgent = PublishedRows(), PublishedRows()
    rows = [row(f"k{n}", {"status": "open"}) for n in range(6)]
    burst.rows["sync_salesforce__invoice"] = rows
    urgent.rows["sync_salesforce__invoice"] = [
        *rows, row("zz", {"credit_hold": True, "status": "open"}, {"credit_hold": False, "status": "open"})
    ]  # fmt: skip
    sending, planned = threading.Event(), threading.Event()

    def pause(sent: PushIntent) -> None:
        if sent.business_key == "k2":
            sending.set()
            assert planned.wait(30)

    def push(published: PublishedRows, target: Target) -> None:
        policy = RetryPolicy(2, 0.01, 0.02, 1.0)
        PushService(published, ops.intents, tmp_path / "locks", policy, lambda *_: []).push(target)  # type: ignore[arg-type]

    first, second = Target(), Target()
    first.before = pause
    with ThreadPoolExecutor(2) as threads:
        delivering = threads.submit(push, burst, first)
        assert sending.wait(30)
        planning = threads.submit(push, urgent, second)
        while ops.intents.waiting("crm", "invoice") == 0:
            wait(0.01)
        planned.set()
        delivering.result(60)
        planning.result(60)
    assert [key for _, key, _ in first.effects] == ["k0", "k1", "zz", "k2", "k3", "k4", "k5"]
    assert second.batches == []
    assert states(ops) == {"acknowledged": 7}


def test_a_hold_whose_parent_waits_in_the_burst_takes_it_along(ops: OpsStore, time: Time) -> None:
    ops.intents.add([intent(f"p{n:03}", "account", f"{n:03}") for n in range(30)], START)
    hold(ops, parent="025")
    target = Target(batch_size=10)
    Delivery(ops.intents, target, POLICY, time.sleep, time.now).run()
    assert target.batches[:2] == [["p025"], ["hold"]]
    assert states(ops) == {"acknowledged": 31}


def test_a_hold_is_sent_with_the_requests_kept_back_for_it(ops: OpsStore, time: Time) -> None:
    ops.intents.add([intent(f"k{n}") for n in range(12)], START)
    target = Target(batch_size=1)
    limits = Limits(ops.limits, "crm", LimitRules(daily_requests=10, reserve=0.2))
    delivery = Delivery(ops.intents, target, POLICY, time.sleep, time.now, limits=limits)
    delivery.run()
    assert states(ops) == {"acknowledged": 8, "pending": 4}
    hold(ops)
    delivery.run()
    assert target.batches[-1] == ["hold"]
    assert states(ops) == {"acknowledged": 9, "pending": 4}
    assert delivery.waits_for
