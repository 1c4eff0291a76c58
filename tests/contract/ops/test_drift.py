"""Findings of drift: kept once with the intents that put them right, and judged by what we have written."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from arsync_pipelines.domain.drift import DriftFinding, FieldDrift, FieldEdit, Verdict
from arsync_pipelines.domain.errors import StaleWrite
from arsync_pipelines.domain.push import IntentState
from arsync_pipelines.ops.drift import DriftFilter
from arsync_pipelines.ops.store import OpsStore
from tests.contract.ops.values import at, claim, deliver, intent, settled


def finding(key: str = "1", **values: Any) -> DriftFinding:
    given: dict[str, Any] = {
        "finding_id": f"found-{key}", "connection": "crm", "object": "invoice", "business_key": key,
        "parent_key": "001", "kind": "edited", "action": "restored", "found_at": at(10), "snapshot_id": "s",
        "by_id": "005", "by": "Ada Lovelace", "changed_at": at(9), "correlation_id": f"fact-{key}",
        "fields": {"open_amount": FieldDrift(Verdict.DRIFT, "1.00", "1.00", "7.00")},
    } | values  # fmt: skip
    return DriftFinding(**given)


def test_a_finding_comes_back_as_it_was_kept_with_the_state_of_its_intent(ops: OpsStore) -> None:
    deliver(ops, "1")
    status = FieldDrift(Verdict.DRIFT, "open", "open", "paid", FieldEdit("005", "Ada Lovelace", False, at(9)))
    amount = FieldDrift(Verdict.DRIFT, "1.00", "1.00", "7.00", edit_unknown="HTTP 400 INVALID_TYPE")
    kept = finding(intent_id="crm-invoice-1-2", fields={"open_amount": amount, "status": status})
    ops.intents.add([intent("1", 2, reason="drift")], at(10), [kept])
    (found,) = ops.drift.find()
    assert (found.finding, found.state) == (kept, IntentState.PENDING)
    (claimed,) = ops.intents.claim("crm", "invoice", 10, at(11))
    assert claimed.reason == "drift"
    ops.intents.settle([settled("1", IntentState.ACKNOWLEDGED, 2, 12)])
    assert [one.state for one in ops.drift.find()] == [IntentState.ACKNOWLEDGED]
    assert ops.verify().holds


def test_a_finding_of_a_version_without_edits_is_still_read(ops: OpsStore) -> None:
    ops.intents.add([], at(10), [finding()])
    old = '{"open_amount": {"acknowledged": "1.00", "desired": "1.00", "observed": "7.00", "verdict": "drift"}}'
    with ops.engine.begin() as db:
        db.exec_driver_sql(f"update drift_finding set fields = '{old}'")
    (found,) = ops.drift.find()
    assert found.finding == finding()


def test_the_same_finding_is_kept_and_told_once(ops: OpsStore) -> None:
    for seconds in (10, 20):
        ops.intents.add([], at(seconds), [finding(found_at=at(seconds))])
    (found,) = ops.drift.find()
    assert found.finding.found_at == at(10)
    with ops.engine.connect() as db:
        told = db.exec_driver_sql("select count(*) from audit_event where action = 'drift.found'").scalar()
    assert told == 1


def test_a_plan_that_came_too_late_leaves_no_finding(ops: OpsStore) -> None:
    deliver(ops, "1")
    with pytest.raises(StaleWrite):
        ops.intents.add([intent("1", 1)], at(10), [finding()])
    assert ops.drift.find() == []


def test_written_is_what_was_acknowledged_last_and_what_may_have_arrived_since(ops: OpsStore) -> None:
    deliver(ops, "1", "2")
    ops.intents.add([intent("1", 2, "2.00"), intent("3")], at(10))
    assert [p["open_amount"] for p in ops.drift.written("crm", "invoice", ["1", "2", "3"])["1"].payloads] == ["1.00"]
    assert claim(ops, seconds=11) == ["1", "3"]
    found = ops.drift.written("crm", "invoice", ["1", "2", "3", "4"])
    assert {key: [p["open_amount"] for p in w.payloads] for key, w in found.items()} == {
        "1": ["1.00", "2.00"], "2": ["1.00"]
    }  # fmt: skip
    assert found["1"].settled_at == at(2)
    ops.intents.settle([settled("1", IntentState.ACKNOWLEDGED, 2, 12)])
    (newest,) = ops.drift.written("crm", "invoice", ["1"]).values()
    assert ([p["open_amount"] for p in newest.payloads], newest.settled_at) == (["2.00"], at(12))


def test_repairs_are_counted_by_record_within_the_window(ops: OpsStore) -> None:
    ops.intents.add(
        [], at(0),
        [
            finding("1", finding_id="a", found_at=at(0), intent_id="x"),
            finding("1", finding_id="b", found_at=at(50), intent_id="y"),
            finding("1", finding_id="c", found_at=at(60), action="case"),
            finding("2", finding_id="d", found_at=at(70), intent_id="z"),
        ],
    )  # fmt: skip
    assert ops.drift.repairs("crm", "invoice", ["1", "2", "3"], at(40)) == {"1": 1, "2": 1}
    assert ops.drift.repairs("crm", "invoice", ["1"], at(0)) == {"1": 2}


def test_a_case_stands_until_the_record_is_planned_again_or_found_otherwise(ops: OpsStore) -> None:
    for key in ("1", "2", "3"):
        ops.intents.add([], at(10), [finding(key, action="case")])
    ops.intents.add([replace(intent("1"), created_at=at(20))], at(20))
    ops.intents.add([], at(20), [finding("2", finding_id="later", found_at=at(20))])
    assert [f.business_key for f in ops.drift.standing("crm")] == ["3"]
    assert ops.drift.standing("other") == []


def test_findings_are_looked_for_by_what_people_ask(ops: OpsStore) -> None:
    many = [
        finding("1"), finding("2", object="account", kind="merged", action="followed"),
        finding("3", connection="other", found_at=at(99)),
    ]  # fmt: skip
    ops.intents.add([], at(10), many)
    asked = {
        DriftFilter(): {"1", "2", "3"}, DriftFilter(connection="other"): {"3"}, DriftFilter(object="account"): {"2"},
        DriftFilter(kind="merged"): {"2"}, DriftFilter(action="restored"): {"1", "3"},
        DriftFilter(business_key="1"): {"1"}, DriftFilter(since=at(10) + timedelta(seconds=1)): {"3"},
    }  # fmt: skip
    for wanted, keys in asked.items():
        assert {one.finding.business_key for one in ops.drift.find(wanted)} == keys
        assert ops.drift.count(wanted) == len(keys)
    assert [one.finding.business_key for one in ops.drift.find(limit=1)] == ["3"], "newest first"
    assert ops.drift.known(["found-1", "nothing"]) == {"found-1"}
