"""The urgent lane: which changes are urgent is data, and what is urgent does not wait behind a burst."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from arsync_pipelines.domain.limits import LimitRules
from arsync_pipelines.domain.push import PushIntent
from arsync_pipelines.domain.urgency import CREDIT_HOLD, UrgencyRule, priority_of
from arsync_pipelines.ops.store import OpsStore, open_store
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
