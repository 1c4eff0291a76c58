"""Planning: a difference is sent once, held when a person must act, and given up when it has gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from arsync_pipelines.domain import failpoint
from arsync_pipelines.domain.checks import CheckResult
from arsync_pipelines.domain.errors import CheckFailed, WarehouseError
from arsync_pipelines.ops.intents import IntentStore
from arsync_pipelines.ops.store import open_store
from arsync_pipelines.services.deliver import RetryPolicy
from arsync_pipelines.services.plan import Difference
from arsync_pipelines.services.push import PushService
from tests.fixtures.published import PublishedRows, row
from tests.fixtures.targets import ScriptedTarget


@pytest.fixture
def published() -> PublishedRows:
    return PublishedRows()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[IntentStore]:
    opened = open_store(tmp_path / "ops.sqlite")
    yield opened.intents
    opened.close()


@pytest.fixture
def service(tmp_path: Path, published: PublishedRows, store: IntentStore) -> PushService:
    policy = RetryPolicy(2, 0.01, 0.02, 1.0)
    return PushService(published, store, tmp_path / "locks", policy, lambda *_: [])  # type: ignore[arg-type]


def test_before_the_first_publish_there_is_nothing_to_plan_from(service: PushService, published: PublishedRows) -> None:
    published.published = False
    with pytest.raises(WarehouseError, match="arsync sync"):
        service.plan(ScriptedTarget())


def test_a_plan_names_the_fields_that_change(service: PushService, published: PublishedRows) -> None:
    published.rows["sync_salesforce__invoice"] = [
        row(
            "erp:1",
            {"status": "paid", "open_amount": "0.00", "number": "7"},
            {"status": "open", "open_amount": 5, "number": "7"},
        )
    ]
    (difference,) = service.plan(ScriptedTarget()).differences
    assert difference.fields == {"status": ("open", "paid"), "open_amount": (5, "0.00")}


def test_a_second_push_of_one_snapshot_sends_nothing(service: PushService, published: PublishedRows) -> None:
    published.rows["sync_salesforce__invoice"] = [row("erp:1", {"status": "open"})]
    target = ScriptedTarget()
    assert service.push(target).planned == {"invoice": 1}
    again = service.push(target)
    assert (again.planned, again.already_sent) == ({}, 1)
    assert target.seen["erp:1"] == 1


def test_a_foreign_edit_seen_after_our_write_is_written_over(service: PushService, published: PublishedRows) -> None:
    published.rows["sync_salesforce__invoice"] = [row("erp:1", {"status": "open"}, {"status": "paid"})]
    target = ScriptedTarget()
    service.push(target)
    published.seen_at = datetime.now(UTC) + timedelta(seconds=1)
    assert service.push(target).planned == {"invoice": 1}
    assert target.seen["erp:1"] == 2


def test_a_push_that_ends_puts_the_end_of_the_audit_on_record(
    service: PushService, published: PublishedRows, store: IntentStore
) -> None:
    seen: list[dict[str, int]] = []

    def checkpoint(_now: datetime) -> None:
        seen.append({row["state"]: row["intents"] for row in store.counts()})

    told = PushService(service.warehouse, store, service.lock_dir, service.policy, service.check_payload, checkpoint)
    published.rows["sync_salesforce__invoice"] = [row("erp:1", {"status": "open"})]
    told.push(ScriptedTarget())
    assert seen == [{"acknowledged": 1}]


def test_a_rejected_payload_is_held_until_it_changes(service: PushService, published: PublishedRows) -> None:
    published.rows["sync_salesforce__invoice"] = [row("erp:1", {"status": "bad"})]
    target = ScriptedTarget(lambda i, _n: "rejected" if i.payload["status"] == "bad" else "acknowledged")
    assert service.push(target).results["invoice"].rejected == 1
    assert service.push(target).held == 1
    published.rows["sync_salesforce__invoice"] = [row("erp:1", {"status": "open"})]
    assert service.push(target).results["invoice"].acknowledged == 1
    assert target.seen["erp:1"] == 2


def test_a_dead_intent_is_planned_anew(service: PushService, published: PublishedRows, store: IntentStore) -> None:
    published.rows["sync_salesforce__invoice"] = [row("erp:1", {"status": "open"})]
    service.push(ScriptedTarget(lambda _i, _n: "retry"))
    assert {r["state"] for r in store.counts()} == {"dead"}
    service.push(ScriptedTarget())
    assert {r["state"]: r["intents"] for r in store.counts()} == {"superseded": 1, "acknowledged": 1}


def test_a_waiting_intent_whose_difference_has_gone_is_superseded(
    service: PushService, published: PublishedRows, store: IntentStore
) -> None:
    published.rows["sync_salesforce__invoice"] = [row("erp:1", {"status": "open"})]
    patient = PushService(
        service.warehouse, store, service.lock_dir, RetryPolicy(9, 50.0, 60.0, 0.0), service.check_payload
    )
    patient.push(ScriptedTarget(lambda _i, _n: "retry"))
    assert {r["state"] for r in store.counts()} == {"pending"}
    published.rows["sync_salesforce__invoice"] = []
    assert service.push(ScriptedTarget()).superseded == 1
    assert {r["state"] for r in store.counts()} == {"superseded"}


@pytest.fixture
def died(service: PushService, published: PublishedRows) -> Iterator[ScriptedTarget]:
    """A target that holds 100.00 of an invoice, and a push of 50.00 that died between claim and request."""
    published.rows["sync_salesforce__invoice"] = [
        row("erp:1", {"open_amount": "50.00"}, {"open_amount": "100.00"}),
        row("erp:2", {"open_amount": "1.00"}, {"open_amount": "2.00"}),
    ]
    target = ScriptedTarget()
    target.records["invoice", "erp:1"] = {"open_amount": "100.00"}
    failpoint.arm("push.claimed:1:raise")
    with pytest.raises(failpoint.FailpointRaised):
        service.push(target)
    failpoint.arm("")
    yield target
    failpoint.arm("")


def test_what_a_killed_push_had_claimed_never_overwrites_a_newer_version(
    service: PushService, published: PublishedRows, store: IntentStore, died: ScriptedTarget
) -> None:
    published.rows["sync_salesforce__invoice"] = [row("erp:1", {"open_amount": "0.00"}, {"open_amount": "100.00"})]
    service.push(died)
    assert died.records["invoice", "erp:1"] == {"open_amount": "0.00"}
    assert died.seen == {"erp:1": 1}, "neither the old value nor what differs no longer was sent"
    assert {r["state"]: r["intents"] for r in store.counts()} == {"superseded": 2, "acknowledged": 1}


def test_what_a_killed_push_had_claimed_is_sent_when_it_is_still_wanted(
    service: PushService, store: IntentStore, died: ScriptedTarget
) -> None:
    service.push(died)
    assert died.records["invoice", "erp:1"] == {"open_amount": "50.00"}
    assert {r["state"]: r["intents"] for r in store.counts()} == {"acknowledged": 2}


def test_a_failed_payload_check_stores_and_sends_nothing(
    tmp_path: Path, published: PublishedRows, store: IntentStore
) -> None:
    published.rows["sync_salesforce__invoice"] = [row("erp:1", {"iban": "x"})]

    def refuse(_system: str, name: str, differences: Sequence[Difference]) -> list[CheckResult]:
        return [CheckResult(f"payload_{name}", "columns", passed=False, failing=len(differences))]

    guarded = PushService(published, store, tmp_path / "locks", RetryPolicy(), refuse)  # type: ignore[arg-type]
    target = ScriptedTarget()
    with pytest.raises(CheckFailed, match="nothing was sent"):
        guarded.push(target)
    assert store.counts() == []
    assert not target.seen
