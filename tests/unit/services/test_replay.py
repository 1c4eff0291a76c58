"""Replay: what was held is sent by the next push exactly when it is still wanted, and once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from arsync_pipelines.ops.held import HeldFilter
from arsync_pipelines.ops.store import OpsStore, open_store
from arsync_pipelines.services.deliver import RetryPolicy
from arsync_pipelines.services.push import PushService, only_one
from arsync_pipelines.services.replay import ReplayService
from tests.fixtures.published import PublishedRows, row
from tests.fixtures.targets import ScriptedTarget


@pytest.fixture
def published() -> PublishedRows:
    return PublishedRows()


@pytest.fixture
def ops(tmp_path: Path) -> Iterator[OpsStore]:
    opened = open_store(tmp_path / "ops.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def service(tmp_path: Path, ops: OpsStore, published: PublishedRows) -> PushService:
    policy = RetryPolicy(2, 0.01, 0.02, 1.0)
    return PushService(published, ops.intents, tmp_path / "locks", policy, lambda *_: [])  # type: ignore[arg-type]


@pytest.fixture
def replay(tmp_path: Path, ops: OpsStore) -> ReplayService:
    return ReplayService(ops.held, tmp_path / "locks")


def states(ops: OpsStore) -> dict[str, int]:
    return {r["state"]: r["intents"] for r in ops.intents.counts()}


def now() -> datetime:
    return datetime.now(UTC)


def refusing(times: int) -> ScriptedTarget:
    return ScriptedTarget(lambda _i, nth: "rejected" if nth <= times else "acknowledged")


def test_what_is_still_wanted_is_sent_by_the_next_push_once(
    service: PushService, published: PublishedRows, ops: OpsStore, replay: ReplayService
) -> None:
    published.rows["sync_salesforce__invoice"] = [row("erp:1", {"status": "open"})]
    target = refusing(1)
    service.push(target)
    assert [held.business_key for held in replay.look(HeldFilter())] == ["erp:1"]
    assert states(ops) == {"rejected": 1}, "looking moves nothing"
    done = replay.replay(HeldFilter(), "ada", "the rule was corrected in the CRM", now())
    assert done.moved == tuple(held.intent_id for held in done.found)
    assert replay.replay(HeldFilter(), "ada", "again", now()).moved == ()
    assert service.push(target).results["invoice"].acknowledged == 1
    service.push(target)
    assert states(ops) == {"acknowledged": 1}
    assert list(target.effects.values()) == [1]


def test_what_is_no_longer_a_difference_is_not_sent(
    service: PushService, published: PublishedRows, ops: OpsStore, replay: ReplayService
) -> None:
    published.rows["sync_salesforce__invoice"] = [row("erp:1", {"status": "open"})]
    target = refusing(1)
    service.push(target)
    published.rows["sync_salesforce__invoice"] = []
    replay.replay(HeldFilter(), "ada", "why", now())
    service.push(target)
    assert states(ops) == {"superseded": 1}
    assert target.effects == {}


def test_what_differs_otherwise_by_now_is_sent_as_it_is_now(
    service: PushService, published: PublishedRows, ops: OpsStore, replay: ReplayService
) -> None:
    published.rows["sync_salesforce__invoice"] = [row("erp:1", {"status": "open"})]
    target = refusing(1)
    service.push(target)
    published.rows["sync_salesforce__invoice"] = [row("erp:1", {"status": "paid"})]
    replay.replay(HeldFilter(), "ada", "why", now())
    service.push(target)
    assert states(ops) == {"superseded": 1, "acknowledged": 1}
    assert target.records["invoice", "erp:1"] == {"status": "paid"}
    assert sum(target.effects.values()) == 1


def test_a_push_of_other_objects_does_not_send_what_it_has_not_planned(
    service: PushService, published: PublishedRows, ops: OpsStore, replay: ReplayService
) -> None:
    published.rows["sync_salesforce__invoice"] = [row("erp:1", {"status": "open"})]
    target = refusing(1)
    service.push(target)
    published.rows["sync_salesforce__invoice"] = []
    replay.replay(HeldFilter(), "ada", "why", now())
    service.push(target, ["account"])
    assert states(ops) == {"pending": 1}
    assert target.effects == {}


def test_a_replay_waits_for_a_push_that_is_under_way(
    service: PushService, published: PublishedRows, ops: OpsStore, replay: ReplayService
) -> None:
    published.rows["sync_salesforce__invoice"] = [row("erp:1", {"status": "open"})]
    service.push(refusing(1))
    with ThreadPoolExecutor(1) as threads:
        with only_one(replay.lock_dir, "crm"):
            waiting = threads.submit(replay.replay, HeldFilter(), "ada", "why", now())
            with pytest.raises(TimeoutError):
                waiting.result(0.5)
            assert states(ops) == {"rejected": 1}
        assert len(waiting.result(30).moved) == 1


def test_a_replay_needs_a_reason(replay: ReplayService) -> None:
    with pytest.raises(ValueError, match="reason"):
        replay.replay(HeldFilter(), "ada", "  ", now())
