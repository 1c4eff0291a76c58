"""Intents in the store: versions rise, order is kept per key, every move is along the state machine and is told."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from arsync_pipelines.domain.errors import StaleWrite
from arsync_pipelines.domain.push import FailureClass, IntentState
from arsync_pipelines.ops.rows import Settlement
from arsync_pipelines.ops.store import OpsStore
from arsync_pipelines.ops.tables import audit_event, push_attempt, push_intent
from tests.contract.ops.values import START, Place, at, claim, deliver, intent, settled, states

A, R, P = IntentState.ACKNOWLEDGED, IntentState.REJECTED, IntentState.PENDING


def told(ops: OpsStore) -> list[tuple[str, str]]:
    with ops.engine.connect() as db:
        query = select(audit_event.c.action, audit_event.c.subject_id).order_by(audit_event.c.seq)
        return [(row.action, row.subject_id) for row in db.execute(query)]


def test_an_intent_comes_back_as_it_was_stored(ops: OpsStore) -> None:
    stored = intent("Ä'\"\\x", value="0.10", parent_key="001Ä")
    ops.intents.add([stored], START)
    assert ops.intents.claim("crm", "invoice", 1, START) == [stored]


def test_parents_travel_together_and_a_limit_is_kept(ops: OpsStore) -> None:
    ops.intents.add([intent("c", parent_key="1"), intent("b", parent_key="2"), intent("a", parent_key="2")], START)
    assert claim(ops, 2) == ["c", "a"]
    assert claim(ops, 2) == ["b"]
    assert claim(ops, 2) == []


def test_connections_and_objects_are_apart(ops: OpsStore) -> None:
    ops.intents.add([intent("k"), intent("k", object="account"), intent("k", connection="other")], START)
    assert claim(ops) == ["k"]
    assert ops.intents.waiting("crm", "account") == 1
    assert ops.intents.waiting("crm", "invoice") == 0
    assert set(ops.intents.latest_versions("other", "invoice", ["k", "unknown"])) == {"k"}
    assert ops.intents.waiting_keys("crm", "account") == {"k": "crm-account-k-1"}
    assert ops.intents.waiting_keys("other", "invoice") == {"k": "other-invoice-k-1"}
    assert ops.intents.waiting_keys("crm", "invoice") == {}


def test_what_is_not_due_waits(ops: OpsStore) -> None:
    ops.intents.add([intent("k")], START)
    claim(ops)
    ops.intents.settle([settled("k", P, next_attempt_at=at(60), failure_class=FailureClass.TRANSIENT, code="429")])
    assert claim(ops, seconds=59) == []
    assert ops.intents.next_due("crm", "invoice") == at(60)
    assert claim(ops, seconds=60) == ["k"]
    assert ops.intents.attempts_by_intent([intent("k")]) == {"crm-invoice-k-1": 2}


def test_a_key_on_its_way_is_not_claimed_again(ops: OpsStore) -> None:
    ops.intents.add([intent("k")], START)
    claim(ops)
    ops.intents.add([intent("k", 2)], START)
    assert claim(ops) == []
    ops.intents.settle([settled("k", IntentState.UNKNOWN)])
    assert claim(ops) == []
    ops.intents.settle([settled("k", A)])
    assert claim(ops) == ["k"]


def test_a_stale_version_is_refused_and_nothing_of_its_batch_is_stored(ops: OpsStore) -> None:
    ops.intents.add([intent("k", 2)], START)
    for version in (1, 2):
        with pytest.raises(StaleWrite, match=f"version {version} is stale, version 2 is stored"):
            ops.intents.add([intent("new"), intent("k", version)], START)
    assert states(ops) == {"pending": 1}
    assert told(ops) == [("intent.added", "crm-invoice-k-2")]


def test_a_newer_version_supersedes_what_waits_was_rejected_or_died(ops: OpsStore) -> None:
    keys = ["waits", "rejected", "dead", "acknowledged"]
    ops.intents.add([intent(key) for key in keys], START)
    claim(ops)
    ops.intents.settle(
        [settled("waits", P), settled("rejected", R), settled("dead", IntentState.DEAD), settled("acknowledged", A)]
    )
    ops.intents.add([intent(key, 2) for key in keys], at(3))
    assert states(ops) == {"superseded": 3, "acknowledged": 1, "pending": 4}
    versions = ops.intents.latest_versions("crm", "invoice", keys)
    assert {v.version for v in versions.values()} == {2}
    assert {v.state for v in versions.values()} == {P}


@pytest.mark.parametrize("state", [P, R, IntentState.DEAD])
def test_a_version_overtaken_on_its_way_gives_way(ops: OpsStore, state: IntentState) -> None:
    ops.intents.add([intent("k")], START)
    claim(ops)
    ops.intents.add([intent("k", 2)], START)
    ops.intents.settle([settled("k", state, message="no")])
    assert states(ops) == {"superseded": 1, "pending": 1}
    assert claim(ops) == ["k"]


def test_an_overtaken_version_that_was_accepted_stays_acknowledged(ops: OpsStore) -> None:
    ops.intents.add([intent("k")], START)
    claim(ops)
    ops.intents.add([intent("k", 2)], START)
    ops.intents.settle([settled("k", A)])
    assert states(ops) == {"acknowledged": 1, "pending": 1}


def test_a_move_outside_the_state_machine_undoes_the_whole_batch(ops: OpsStore) -> None:
    ops.intents.add([intent("a"), intent("b")], START)
    assert claim(ops, 1) == ["a"]
    before = told(ops)
    with pytest.raises(ValueError, match="pending cannot become acknowledged"):
        ops.intents.settle([settled("a", A), settled("b", A)])
    with pytest.raises(ValueError, match="not in the store"):
        ops.intents.settle([settled("a", A), settled("nobody", A)])
    assert states(ops) == {"in_flight": 1, "pending": 1}
    assert told(ops) == before


def test_only_what_waits_is_given_up(ops: OpsStore) -> None:
    ops.intents.add([intent("a"), intent("b")], START)
    claim(ops, 1)
    assert ops.intents.supersede_pending(["crm-invoice-a-1", "crm-invoice-b-1", "nobody"], at(2)) == 1
    assert states(ops) == {"in_flight": 1, "superseded": 1}
    assert told(ops)[-1] == ("intent.superseded", "crm-invoice-b-1")


def test_every_change_is_told_once(ops: OpsStore) -> None:
    deliver(ops, "a", "b")
    assert told(ops) == [
        ("intent.added", "crm-invoice-a-1"),
        ("intent.added", "crm-invoice-b-1"),
        ("intents.claimed", "crm|invoice"),
        ("intent.settled", "crm-invoice-a-1"),
        ("intent.settled", "crm-invoice-b-1"),
    ]
    with ops.engine.connect() as db:
        claimed = db.execute(select(audit_event.c.detail).where(audit_event.c.action == "intents.claimed")).scalar()
    assert json.loads(claimed or "") == {"attempts": {"crm-invoice-a-1": 1, "crm-invoice-b-1": 1}}


def test_attempts_are_closed_with_what_they_met(ops: OpsStore) -> None:
    ops.intents.add([intent("k")], START)
    claim(ops)
    ops.intents.settle([settled("k", IntentState.UNKNOWN, code="NO_ANSWER")])
    ops.intents.record_read_back(ops.intents.in_states("crm", [IntentState.UNKNOWN], "invoice"), at(3))
    ops.intents.settle([Settlement("crm-invoice-k-1", A, "read_back", at(4))])
    rows = ops.intents.ended_attempts(0, 10)
    assert [(r["kind"], r["outcome"], r["code"]) for r in rows] == [
        ("deliver", "unknown", "NO_ANSWER"),
        ("read_back", "read_back", ""),
    ]
    assert rows[1]["started_at"] == at(3).replace(tzinfo=None)
    assert rows[1]["ended_at"] == at(4).replace(tzinfo=None)
    assert told(ops)[-1][0] == "intent.read_back"


def test_what_a_target_answered_is_stored_without_secrets(ops: OpsStore) -> None:
    ops.intents.add([intent("k")], START)
    claim(ops)
    answer = "no: Bearer abcdefgh12345678, card 4111 1111 1111 1111"
    ops.intents.settle([settled("k", R, message=answer, code="DENIED", failure_class=FailureClass.BUSINESS)])
    (failure,) = ops.intents.failures("crm")
    assert failure["message"] == "no: [removed], card [removed]"
    with ops.engine.connect() as db:
        everything = [
            *db.execute(select(push_intent.c.message)).scalars(),
            *db.execute(select(push_attempt.c.message)).scalars(),
            *db.execute(select(audit_event.c.detail)).scalars(),
        ]
    assert len([text for text in everything if "[removed]" in text]) == 3
    assert not [text for text in everything if "4111" in text or "abcdefgh" in text]


def test_more_than_one_statement_can_take(ops: OpsStore) -> None:
    keys = [f"k{n:05}" for n in range(4_500)]
    deliver(ops, *keys[:3])
    ops.intents.add([intent(key, 2) for key in keys], START)
    assert len(claim(ops, 10_000)) == 4_500
    ops.intents.settle([settled(key, A, 2) for key in keys])
    assert states(ops) == {"acknowledged": 4_503}
    assert ops.verify().holds


def test_instants_keep_their_zone(ops: OpsStore) -> None:
    deliver(ops, "k")
    assert ops.intents.latest_versions("crm", "invoice", ["k"])["k"].settled_at == at(2)
    with pytest.raises(Exception, match="no time zone"):
        ops.intents.add([intent("z")], START.replace(tzinfo=None))


def test_a_store_opened_again_goes_on(ops: OpsStore, place: Place) -> None:
    deliver(ops, "a")
    again = place.open()
    deliver(again, "b", seconds=5)
    assert states(again) == {"acknowledged": 2}
    assert again.verify().holds
    again.close()
