"""Held intents: found by what people know of them, and let go again once, whatever happened meanwhile."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from arsync_pipelines.domain.push import FailureClass, IntentState
from arsync_pipelines.ops.held import HeldFilter
from arsync_pipelines.ops.store import OpsStore
from arsync_pipelines.ops.tables import audit_event
from tests.contract.ops.values import START, Place, at, claim, intent, settled, states

R, D, A = IntentState.REJECTED, IntentState.DEAD, IntentState.ACKNOWLEDGED


@pytest.fixture
def held(ops: OpsStore) -> OpsStore:
    """Rejected at 10 s, dead at 20 s, acknowledged at 30 s; and one that waits."""
    ops.intents.add([intent(key) for key in ("rejected", "dead", "sent")], START)
    claim(ops)
    ops.intents.settle(
        [
            settled("rejected", R, seconds=10, code="DUP", message="no", failure_class=FailureClass.BUSINESS),
            settled("dead", D, seconds=20, code="503"),
            settled("sent", A, seconds=30),
        ]
    )
    ops.intents.add([intent("waits")], at(31))
    return ops


def keys(ops: OpsStore, wanted: HeldFilter) -> list[str]:
    found = [one.business_key for one in ops.held.find(wanted)]
    assert ops.held.count(wanted) == len(found)
    return found


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (HeldFilter(), ["rejected", "dead"]),
        (HeldFilter(state=D), ["dead"]),
        (HeldFilter(code="DUP"), ["rejected"]),
        (HeldFilter(business_key="dead", object="invoice", connection="crm"), ["dead"]),
        (HeldFilter(connection="other"), []),
        (HeldFilter(object="account"), []),
        (HeldFilter(since=at(20)), ["dead"]),
        (HeldFilter(until=at(20)), ["rejected"]),
        (HeldFilter(("crm-invoice-dead-1", "crm-invoice-sent-1", "crm-invoice-waits-1", "nobody")), ["dead"]),
        (HeldFilter(("crm-invoice-dead-1",), state=R), []),
    ],
)
def test_held_intents_are_found(held: OpsStore, wanted: HeldFilter, found: list[str]) -> None:
    assert keys(held, wanted) == found


def test_a_held_intent_says_what_the_target_said(held: OpsStore) -> None:
    first, *rest = held.held.find(limit=1)
    assert rest == []
    assert (first.business_key, first.state, first.code, first.message) == ("rejected", R, "DUP", "no")
    assert (first.failure_class, first.attempts, first.correlation_id) == ("business", 1, "fact-rejected")
    assert first.held_at == at(10)


def test_more_ids_than_one_statement_can_take(held: OpsStore) -> None:
    ids = (*(f"n{n}" for n in range(5_000)), "crm-invoice-dead-1", "crm-invoice-rejected-1")
    assert keys(held, HeldFilter(ids)) == ["rejected", "dead"]


def test_what_is_replayed_waits_with_a_fresh_budget_and_is_told(held: OpsStore) -> None:
    ids = ["crm-invoice-dead-1", "crm-invoice-sent-1", "crm-invoice-waits-1", "nobody"]
    assert held.held.replay(ids, at(40), "ada", "outage over, password=hunter2") == ["crm-invoice-dead-1"]
    assert states(held) == {"rejected": 1, "pending": 2, "acknowledged": 1}
    assert held.intents.attempts_by_intent([intent("dead")]) == {"crm-invoice-dead-1": 0}
    assert claim(held, seconds=40) == ["dead", "waits"]
    with held.engine.connect() as db:
        query = select(audit_event.c.detail).where(audit_event.c.action == "intent.replayed")
        assert json.loads(db.execute(query).scalar() or "") == {
            "was": "dead", "by": "ada", "reason": "outage over, [removed]"
        }  # fmt: skip
    assert held.verify().holds


def test_a_second_replay_changes_nothing(held: OpsStore, place: Place) -> None:
    ids = [one.intent_id for one in held.held.find()]
    other = place.open()
    assert sorted(held.held.replay(ids, at(40), "ada", "why")) == sorted(ids)
    assert other.held.replay(ids, at(41), "bob", "why") == []
    claim(held, seconds=42)
    assert other.held.replay(ids, at(43), "bob", "why") == []
    assert states(held) == {"in_flight": 3, "acknowledged": 1}
    other.close()


def test_what_a_newer_version_replaced_is_not_replayed(held: OpsStore) -> None:
    ids = [one.intent_id for one in held.held.find()]
    held.intents.add([intent("dead", 2)], at(35))
    assert held.held.replay(ids, at(40), "ada", "why") == ["crm-invoice-rejected-1"]
    assert states(held) == {"superseded": 1, "pending": 3, "acknowledged": 1}


def test_a_late_answer_does_not_let_a_held_intent_go(held: OpsStore) -> None:
    for key in ("rejected", "dead"):
        with pytest.raises(ValueError, match="cannot become pending"):
            held.intents.settle([settled(key, IntentState.PENDING)])
    assert states(held) == {"rejected": 1, "dead": 1, "acknowledged": 1, "pending": 1}
