"""Delivery: every intent ends in exactly one known state, and takes effect once whatever the target answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arsync_pipelines.domain.errors import SinkError
from arsync_pipelines.domain.push import IntentState, PushIntent
from arsync_pipelines.ops.intents import IntentStore
from arsync_pipelines.ops.store import open_store
from arsync_pipelines.services.deliver import Delivery, RetryPolicy
from tests.fixtures.targets import ScriptedTarget

START = datetime(2026, 1, 1, tzinfo=UTC)


class Time:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        self.at += timedelta(microseconds=1)
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def intent(key: str, version: int = 1, value: str = "1.00", object_name: str = "invoice") -> PushIntent:
    payload = {"open_amount": value}
    return PushIntent(f"{key}-{version}", "crm", object_name, key, version, payload, {}, "001", "c", "s", START)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[IntentStore]:
    opened = open_store(tmp_path / "ops.sqlite")
    yield opened.intents
    opened.close()


def deliver(store: IntentStore, target: ScriptedTarget, time: Time | None = None, attempts: int = 4) -> Delivery:
    time = time or Time()
    delivery = Delivery(store, target, RetryPolicy(attempts, 0.5, 8.0, 600.0), time.sleep, time.now)
    delivery.run()
    return delivery


def states(store: IntentStore) -> dict[str, int]:
    found: Counter[str] = Counter()
    for row in store.counts():
        found[row["state"]] += row["intents"]
    return dict(found)


def test_accounts_go_before_invoices_and_batches_respect_the_size(store: IntentStore) -> None:
    store.add([intent(f"k{n:02}") for n in range(15)] + [intent("a1", object_name="account")], START)
    target = ScriptedTarget(batch_size=10)
    deliver(store, target)
    assert [len(batch) for batch in target.batches] == [1, 10, 5]
    assert states(store) == {"acknowledged": 16}


def test_a_lost_answer_is_read_back_and_never_sent_twice(store: IntentStore) -> None:
    store.add([intent("k")], START)
    target = ScriptedTarget(lambda _i, _n: "lost")
    delivery = deliver(store, target)
    assert states(store) == {"acknowledged": 1}
    assert sum(target.effects.values()) == 1
    assert delivery.results["invoice"].read_back == 1


def test_an_unknown_that_did_not_take_effect_is_sent_again(store: IntentStore) -> None:
    store.add([intent("k")], START)
    target = ScriptedTarget(lambda _i, nth: "unknown" if nth == 1 else "acknowledged")
    deliver(store, target)
    assert states(store) == {"acknowledged": 1}
    assert target.seen["k"] == 2


def test_a_rejected_row_does_not_hold_its_neighbours_and_is_not_retried(store: IntentStore) -> None:
    store.add([intent("bad"), intent("good")], START)
    target = ScriptedTarget(lambda i, _n: "rejected" if i.business_key == "bad" else "acknowledged")
    deliver(store, target)
    assert states(store) == {"acknowledged": 1, "rejected": 1}
    assert target.seen["bad"] == 1


def test_the_attempt_budget_ends_in_dead(store: IntentStore) -> None:
    store.add([intent("k")], START)
    target = ScriptedTarget(lambda _i, _n: "retry")
    deliver(store, target, attempts=4)
    assert states(store) == {"dead": 1}
    assert target.seen["k"] == 4


def test_what_a_dead_process_left_in_flight_is_settled_by_looking(store: IntentStore) -> None:
    store.add([intent("done"), intent("not")], START)
    claimed = store.claim("crm", "invoice", 10, START)
    assert len(claimed) == 2
    target = ScriptedTarget()
    target.records["invoice", "done"] = {"open_amount": 1.0}
    deliver(store, target)
    assert states(store) == {"acknowledged": 2}
    assert target.seen["done"] == 0
    assert target.seen["not"] == 1


def test_a_newer_version_supersedes_the_waiting_one(store: IntentStore) -> None:
    store.add([intent("k", 1, "1.00")], START)
    store.add([intent("k", 2, "2.00")], START)
    target = ScriptedTarget()
    deliver(store, target)
    assert states(store) == {"acknowledged": 1, "superseded": 1}
    assert target.records["invoice", "k"] == {"open_amount": "2.00"}


@pytest.mark.parametrize("answer", ["retry", "unknown"])
def test_a_version_overtaken_on_its_way_is_not_sent_again(store: IntentStore, answer: str) -> None:
    def overtake(_intent: PushIntent, nth: int) -> str:
        if nth > 1:
            return "acknowledged"
        store.add([intent("k", 2, "2.00")], START)  # planned while the first is on its way
        return answer

    store.add([intent("k", 1, "1.00")], START)
    target = ScriptedTarget(overtake)
    deliver(store, target)
    assert states(store) == {"acknowledged": 1, "superseded": 1}
    assert target.records["invoice", "k"] == {"open_amount": "2.00"}
    assert target.effects == {("invoice", "k", intent("k", 2, "2.00").payload_hash): 1}


def test_a_sink_that_refuses_as_a_whole_leaves_everything_waiting(store: IntentStore) -> None:
    class Refusing(ScriptedTarget):
        def write(self, object_name: str, intents: object) -> object:  # type: ignore[override]
            raise SinkError("crm: credentials refused; renew them")

    store.add([intent("k")], START)
    with pytest.raises(SinkError, match="credentials refused"):
        deliver(store, Refusing())
    assert states(store) == {"pending": 1}
    deliver(store, ScriptedTarget())
    assert states(store) == {"acknowledged": 1}


def test_a_sink_that_forgets_a_row_is_stopped(store: IntentStore) -> None:
    class Forgetful(ScriptedTarget):
        def write(self, object_name: str, intents: object) -> object:  # type: ignore[override]
            written = super().write(object_name, intents)  # type: ignore[arg-type]
            return type(written)(written.outcomes[:-1], 1)

    store.add([intent("a"), intent("b")], START)
    with pytest.raises(SinkError, match="did not account for every row"):
        deliver(store, Forgetful())
    deliver(store, ScriptedTarget(lambda _i, _n: "acknowledged"))
    assert set(states(store)) == {"acknowledged"}


ANSWERS = st.lists(st.sampled_from(["acknowledged", "retry", "lost", "unknown", "rejected"]), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scripts=st.lists(ANSWERS, min_size=1, max_size=8), batch=st.integers(1, 5))
def test_whatever_the_target_answers_every_intent_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, scripts: list[list[str]], batch: int
) -> None:
    opened = open_store(tmp_path_factory.mktemp("ops") / "ops.sqlite")
    store = opened.intents
    keys = {f"k{n}": answers for n, answers in enumerate(scripts)}
    store.add([intent(key) for key in keys], START)
    target = ScriptedTarget(lambda i, nth: keys[i.business_key][min(nth, len(keys[i.business_key])) - 1], batch)
    deliver(store, target)
    final = states(store)
    opened.close()
    assert sum(final.values()) == len(keys)
    assert set(final) <= {"acknowledged", "rejected", "dead"}
    assert final.get("acknowledged", 0) == len(target.records)
    assert all(times == 1 for times in target.effects.values())


def test_moves_outside_the_state_machine_are_refused(store: IntentStore) -> None:
    from arsync_pipelines.ops.rows import Settlement

    store.add([intent("k")], START)
    with pytest.raises(ValueError, match="cannot become"):
        store.settle([Settlement("k-1", IntentState.ACKNOWLEDGED, "acknowledged", START)])
    assert states(store) == {"pending": 1}
