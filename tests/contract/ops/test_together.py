"""Several at once on one store: attempts become visible in the order of their ids, and planning meets settling."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from arsync_pipelines.domain.errors import StaleWrite
from arsync_pipelines.domain.push import IntentState
from arsync_pipelines.ops import claims, planned
from arsync_pipelines.ops.store import OpsStore
from arsync_pipelines.ops.unit import Transactions
from tests.contract.ops.values import START, Place, at, intent, settled, states


def test_attempts_become_visible_in_the_order_of_their_ids(place: Place, ops: OpsStore) -> None:
    """Who copies attempts goes by their ids: one that is committed after a later one would never be copied."""
    ops.intents.add([intent("a"), intent("b", connection="other")], START)
    first = place.open()
    claimed = threading.Event()

    def second() -> None:
        other = place.open()
        claimed.wait(10)
        other.intents.claim("other", "invoice", 1, at(1))
        other.close()

    with ThreadPoolExecutor(1) as threads:
        later = threads.submit(second)
        with Transactions(first.engine).write() as unit:
            claims.claim(unit, "crm", "invoice", 1, at(1))
            claimed.set()
            with pytest.raises(TimeoutError):
                later.result(0.5)
        later.result(30)
    ops.intents.settle([settled("a", IntentState.ACKNOWLEDGED)])
    assert [row["business_key"] for row in ops.intents.ended_attempts(0, 10)] == ["a"]
    assert ops.verify().holds
    first.close()


def test_of_two_planners_one_is_told_to_plan_again(place: Place, ops: OpsStore) -> None:
    stores = [place.open() for _ in range(4)]
    start = threading.Barrier(4)

    def plan(store: OpsStore) -> bool:
        start.wait(10)
        try:
            store.intents.add([intent(f"k{n}") for n in range(50)], START)
        except StaleWrite:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(plan, stores)) == [False, False, False, True]
    assert states(ops) == {"pending": 50}
    assert ops.verify().holds
    for store in stores:
        store.close()


def test_connections_are_pushed_side_by_side(place: Place, ops: OpsStore) -> None:
    names = [f"crm{n}" for n in range(4)]

    def push(name: str) -> None:
        store = place.open()
        for version in range(1, 4):
            store.intents.add([intent(f"k{n}", version, connection=name) for n in range(20)], at(version))
            while taken := store.intents.claim(name, "invoice", 7, at(version)):
                answers = [settled("", IntentState.ACKNOWLEDGED, seconds=version) for _ in taken]
                store.intents.settle(
                    [type(a)(i.intent_id, a.state, a.outcome, a.at) for i, a in zip(taken, answers, strict=True)]
                )
        store.close()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(push, names))
    assert states(ops) == {"acknowledged": 4 * 3 * 20}
    verified = ops.verify()
    assert verified.holds and verified.rows == 4 * 3 * (20 + 3 + 20)


def test_a_replay_waits_for_a_planner_and_not_the_planner_for_it(place: Place, ops: OpsStore) -> None:
    """Both want the record's key and its held intent: in different orders each would wait for the other."""
    ops.intents.add([intent("a")], START)
    ops.intents.claim("crm", "invoice", 1, at(1))
    ops.intents.settle([settled("a", IntentState.REJECTED)])
    newer = intent("a", 2)
    with ThreadPoolExecutor(1) as threads:
        with Transactions(ops.engine).write() as unit:
            planned._raise_versions(unit, "crm", "invoice", [newer])
            other = place.open()
            replay = threads.submit(other.held.replay, ["crm-invoice-a-1"], at(3), "ann", "set right")
            with pytest.raises(TimeoutError):
                replay.result(0.5)
            planned._supersede(unit, "crm", "invoice", [newer], at(3))
        assert replay.result(30) == [], "what a newer version replaced is not sent again"
    other.close()
    assert states(ops) == {"superseded": 1}
