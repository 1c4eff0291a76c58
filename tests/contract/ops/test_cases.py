"""Exception cases: opened by what is wrong, closed by what is right, moved by people; told to the audit."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from arsync_pipelines.domain.cases import CaseState, Problem
from arsync_pipelines.domain.push import FailureClass, IntentState
from arsync_pipelines.domain.taxonomy import Failure
from arsync_pipelines.ops.cases.find import CaseFilter
from arsync_pipelines.ops.cases.held import HeldIntent
from arsync_pipelines.ops.cases.rows import Case
from arsync_pipelines.ops.store import OpsStore
from arsync_pipelines.ops.tables import audit_event
from tests.contract.ops.values import START, Place, at, claim, intent, settled, states

R, D, A = IntentState.REJECTED, IntentState.DEAD, IntentState.ACKNOWLEDGED
BAD = Failure("BAD", FailureClass.BUSINESS, "bad", "tax", 2, "make it good")
EVERY = CaseFilter(states=())


def problem(record: str = "erp:1", evidence: str = "e1", **values: Any) -> Problem:
    given: dict[str, Any] = {
        "origin": "reconciliation", "failure": BAD, "code": "BAD", "system": "", "connection": "erp",
        "object": "recon_document", "record": record, "business_key": record, "evidence": evidence, "message": "no",
        "seen_at": START, "amount": Decimal("10.10"), "currency": "EUR",
    }  # fmt: skip
    return Problem(**(given | values))


def observe(ops: OpsStore, *problems: Problem, seconds: float = 0) -> dict[str, int]:
    return ops.cases.observe("reconciliation", problems, at(seconds), gone="gone from the snapshot").events


def only(ops: OpsStore, wanted: CaseFilter = EVERY) -> Case:
    (case,) = ops.cases.find(wanted)
    return case


def events(ops: OpsStore, case_id: str) -> list[str]:
    return [note.event for note in ops.cases.notes(case_id)]


def told(ops: OpsStore) -> list[tuple[str, dict[str, Any]]]:
    with ops.engine.connect() as db:
        query = select(audit_event.c.action, audit_event.c.detail).where(audit_event.c.subject_kind == "case")
        return [(row.action, json.loads(row.detail)) for row in db.execute(query.order_by(audit_event.c.seq))]


def test_a_problem_opens_a_case_and_its_end_closes_it(ops: OpsStore) -> None:
    assert observe(ops, problem(customer_name="Ada", region="DE", invoice="INV-1")) == {"opened": 1}
    case = only(ops)
    assert (case.state, case.owner, case.advice, case.failure_class) == (CaseState.OPEN, "tax", BAD.advice, "business")
    assert (case.amount, case.currency, case.customer_name, case.region) == (Decimal("10.10"), "EUR", "Ada", "DE")
    assert (case.sla_due_at, case.first_seen_at, case.occurrences) == (at(7200), START, 1)
    assert observe(ops, problem(customer_name="Ada", region="DE", invoice="INV-1"), seconds=5) == {}
    assert only(ops).occurrences == 1, "the same occurrence is looked at twice"
    assert observe(ops, seconds=10) == {"resolved": 1}
    case = only(ops)
    assert (case.state, case.moved_at) == (CaseState.RESOLVED, at(10))
    assert observe(ops, seconds=11) == {}
    assert told(ops) == [
        ("case.opened", {"state": "open", "by": "arsync", "text": "BAD: no"}),
        ("case.resolved", {"state": "resolved", "by": "arsync", "text": "gone from the snapshot"}),
    ]
    assert ops.verify().holds


def test_what_comes_back_is_the_same_case_with_a_new_sla(ops: OpsStore) -> None:
    observe(ops, problem())
    observe(ops, seconds=10)
    seen = problem(evidence="e2", seen_at=at(9000), message="again", amount=Decimal("3"))
    assert observe(ops, seen, seconds=9001) == {"reopened": 1}
    case = only(ops)
    assert (case.state, case.occurrences, case.first_seen_at, case.last_seen_at) == (CaseState.OPEN, 2, START, at(9000))
    assert (case.sla_due_at, case.amount, case.message) == (at(9001 + 7200), Decimal(3), "again")
    assert events(ops, case.case_id) == ["opened", "resolved", "reopened"]


def test_looks_of_one_origin_or_connection_leave_the_others_alone(ops: OpsStore) -> None:
    observe(ops, problem("a"), problem("b", connection="other"))
    assert ops.cases.observe("ingest", [], at(1)).events == {}
    assert ops.cases.observe("reconciliation", [], at(1), connection="other").events == {"resolved": 1}
    assert [case.business_key for case in ops.cases.find()] == ["a"]


def test_a_fingerprint_groups_what_is_wrong_alike(ops: OpsStore) -> None:
    observe(
        ops, problem("a"), problem("b", amount=Decimal("0.90")), problem("c", amount=Decimal(5), currency="USD"),
        problem("d", legal_entity_id="erp:9"), problem("e", field="tax"), problem("f", amount=None, currency=""),
    )  # fmt: skip
    groups = ops.cases.groups(CaseFilter(), at(8000))
    assert [(g.cases, g.overdue, g.legal_entity_id, g.field) for g in groups if g.cases == 1] == [
        (1, 1, one.legal_entity_id, one.field) for one in groups if one.cases == 1
    ]
    (largest,) = [g for g in groups if g.cases > 1]
    assert (largest.cases, largest.overdue, len(groups)) == (4, 4, 3)
    assert largest.amounts == {"EUR": Decimal("11.00"), "USD": Decimal(5)}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (CaseFilter(), ["a", "b"]),
        (CaseFilter(states=()), ["a", "c", "b"]),
        (CaseFilter(states=(CaseState.RESOLVED,)), ["c"]),
        (CaseFilter(customer="ada%"), []),
        (CaseFilter(customer="LOVE"), ["a"]),
        (CaseFilter(customer="c-2"), ["b"]),
        (CaseFilter(region="FR"), ["b"]),
        (CaseFilter(legal_entity_id="erp:2"), ["b"]),
        (CaseFilter(owner="tax", code="BAD", connection="erp", object="recon_document", origin="reconciliation"),
         ["a", "b"]),
        (CaseFilter(assignee="grace"), ["b"]),
        (CaseFilter(business_key="a"), ["a"]),
        (CaseFilter(overdue_at=at(7201)), ["a"]),
        (CaseFilter(since=at(100)), ["b"]),
        (CaseFilter(until=at(100)), ["a"]),
        (CaseFilter(failure_class="transient"), []),
    ],
)  # fmt: skip
def test_cases_are_found(ops: OpsStore, wanted: CaseFilter, found: list[str]) -> None:
    a = problem("a", customer_id="c-1", customer_name="Ada Lovelace", region="GB")
    b = problem("b", customer_id="c-2", customer_name="Grace", region="FR", legal_entity_id="erp:2", seen_at=at(100))
    observe(ops, a, problem("c"))
    observe(ops, a, b, seconds=100)
    ops.cases.assign([b.case_id], "grace", "ada", at(101))
    assert [case.business_key for case in ops.cases.find(wanted)] == found
    assert ops.cases.count(wanted) == len(found)
    assert [case.business_key for case in ops.cases.find(wanted, 1)] == found[:1]


def test_people_assign_comment_and_waive(ops: OpsStore) -> None:
    observe(ops, problem())
    case_id = only(ops).case_id
    assert ops.cases.assign([case_id], "grace", "ada", at(1)) == [case_id]
    assert ops.cases.assign([case_id, "nobody"], "grace", "ada", at(1)) == [], "she has it already"
    assert ops.cases.comment([case_id], "asked the customer, password=hunter2", "grace", at(2)) == [case_id]
    assert ops.cases.waive([case_id], "agreed with legal", at(100), "grace", at(3)) == [case_id]
    assert ops.cases.waive([case_id], "again", None, "grace", at(3)) == []
    case = only(ops)
    assert (case.state, case.assignee, case.waived_until) == (CaseState.WAIVED, "grace", at(100))
    assert not case.is_overdue(at(99_999))
    notes = ops.cases.notes(case_id)
    assert [(n.event, n.actor) for n in notes] == [
        ("opened", "arsync"), ("assigned", "ada"), ("comment", "grace"), ("waived", "grace"),
    ]  # fmt: skip
    assert notes[2].text == "asked the customer, [removed]"
    assert [action for action, _ in told(ops)] == ["case.opened", "case.assigned", "case.comment", "case.waived"]
    assert ops.verify().holds


def test_a_waiver_ends_when_its_time_is_over_or_the_data_is_right(ops: OpsStore) -> None:
    observe(ops, problem("a"), problem("b"))
    ids = [case.case_id for case in ops.cases.find()]
    ops.cases.waive(ids, "for now", at(100), "ada", at(3))
    assert observe(ops, problem("a", "e2"), problem("b"), seconds=99) == {}
    assert observe(ops, problem("a", "e2"), seconds=100) == {"waiver_ended": 1, "resolved": 1}
    case = only(ops, CaseFilter(business_key="a"))
    assert (case.state, case.waived_until, case.waived_because) == (CaseState.OPEN, None, "")
    assert case.sla_due_at == at(100 + 7200)


def test_a_waiver_can_be_taken_back(ops: OpsStore) -> None:
    observe(ops, problem())
    case_id = only(ops).case_id
    assert ops.cases.end_waiver([case_id], "why", "ada", at(1)) == []
    ops.cases.waive([case_id], "for good", None, "ada", at(2))
    assert observe(ops, problem(), seconds=9e6) == {}
    assert ops.cases.end_waiver([case_id], "it matters now", "ada", at(3)) == [case_id]
    assert only(ops).state is CaseState.OPEN


@pytest.mark.parametrize(("reason", "until"), [(" ", None), ("why", at(3)), ("", at(9))])
def test_a_waiver_needs_a_reason_and_an_end_that_is_to_come(ops: OpsStore, reason: str, until: datetime | None) -> None:
    observe(ops, problem())
    with pytest.raises(ValueError, match="waiver"):
        ops.cases.waive([only(ops).case_id], reason, until, "ada", at(3))
    assert only(ops).state is CaseState.OPEN


def test_nothing_is_assigned_or_waived_that_is_resolved(ops: OpsStore) -> None:
    observe(ops, problem())
    observe(ops, seconds=1)
    case_id = only(ops).case_id
    assert ops.cases.assign([case_id], "grace", "ada", at(2)) == []
    assert ops.cases.waive([case_id], "why", None, "ada", at(2)) == []
    assert ops.cases.resent([case_id], "why", "ada", at(2)) == []
    assert ops.cases.comment([case_id], "it was the tax office", "ada", at(2)) == [case_id]
    with pytest.raises(ValueError, match="needs a text"):
        ops.cases.comment([case_id], " ", "ada", at(2))


def test_ids_may_be_told_by_their_beginning(ops: OpsStore) -> None:
    observe(ops, *(problem(f"r{n}") for n in range(40)))
    case_id = ops.cases.find()[0].case_id
    assert ops.cases.starting_with(case_id[:20]) == [case_id]
    assert len(ops.cases.starting_with("")) == 2
    assert ops.cases.starting_with("%") == []


def test_two_looks_at_once_open_one_case(ops: OpsStore, place: Place) -> None:
    stores = [place.open() for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda store: observe(store, *(problem(f"r{n}") for n in range(50))), stores))
    assert sorted(done, key=len) == [{}, {}, {}, {"opened": 50}]
    assert ops.verify().holds
    for store in stores:
        store.close()


def describe(held: HeldIntent) -> Problem | None:
    if held.business_key.startswith("gone"):
        return None
    return problem(
        held.business_key, f"{held.intent_id} {held.held_at}", origin="push", code=held.code, connection="crm",
        object=held.object, message=held.message, seen_at=held.held_at, intent_id=held.intent_id,
        amount=Decimal(held.payload["open_amount"]), correlation_id=held.correlation_id,
    )  # fmt: skip


def look(ops: OpsStore, seconds: float) -> dict[str, int]:
    return ops.cases.observe_held("crm", describe, at(seconds)).events


def refuse(ops: OpsStore, key: str, version: int = 1, seconds: float = 2, code: str = "DUP") -> None:
    claim(ops, seconds=seconds - 1)
    ops.intents.settle([settled(key, R, version, seconds, code=code, failure_class=FailureClass.BUSINESS)])


def test_a_refused_intent_has_a_case_until_it_is_acknowledged(ops: OpsStore) -> None:
    ops.intents.add([intent("a")], START)
    refuse(ops, "a")
    assert look(ops, 3) == {"opened": 1}
    case = only(ops)
    assert (case.amount, case.correlation_id, case.intent_id) == (Decimal("1.00"), "fact-a", "crm-invoice-a-1")
    assert ops.held.replay([case.intent_id], at(4), "ada", "corrected") == [case.intent_id]
    assert look(ops, 5) == {"resent": 1}
    assert look(ops, 6) == {}
    refuse(ops, "a", seconds=7)
    assert look(ops, 8) == {"refused": 1}
    assert (only(ops).state, only(ops).occurrences, only(ops).sla_due_at) == (CaseState.OPEN, 2, at(3 + 7200))
    ops.held.replay([case.intent_id], at(9), "ada", "corrected")
    assert ops.cases.resent([case.case_id], "corrected", "ada", at(9)) == [case.case_id]
    claim(ops, seconds=10)
    assert look(ops, 10) == {}
    ops.intents.settle([settled("a", A, seconds=11)])
    assert look(ops, 12) == {"resolved": 1}
    assert ops.cases.notes(case.case_id)[-1].text == "the target accepted the change"
    assert ops.verify().holds


def test_a_newer_version_keeps_the_case_until_it_is_through(ops: OpsStore) -> None:
    ops.intents.add([intent("a")], START)
    refuse(ops, "a")
    look(ops, 3)
    ops.intents.add([intent("a", 2)], at(4))
    assert look(ops, 5) == {"resent": 1}
    refuse(ops, "a", 2, 7)
    assert look(ops, 8) == {"refused": 1}
    assert (only(ops).intent_id, only(ops).occurrences) == ("crm-invoice-a-2", 2)
    ops.intents.add([intent("a", 3)], at(9))
    refuse(ops, "a", 3, 11, code="OTHER")
    assert look(ops, 12) == {"opened": 1, "resolved": 1}
    assert only(ops, CaseFilter()).code == "OTHER"


def test_a_held_intent_whose_difference_has_gone_is_superseded_with_its_case(ops: OpsStore) -> None:
    ops.intents.add([intent("gone1"), intent("kept")], START)
    claim(ops)
    ops.intents.settle([settled("gone1", R, code="DUP"), settled("kept", D, code="503")])
    kept = ops.cases.observe_held(
        "crm", lambda held: describe(replace(held, business_key="x" + held.business_key)), at(2)
    )
    assert kept.events == {"opened": 2}
    assert look(ops, 3) == {"opened": 1, "resolved": 2}
    assert states(ops) == {"superseded": 1, "dead": 1}
    assert [(c.code, c.business_key) for c in ops.cases.find()] == [("503", "kept")]
    assert ops.verify().holds


def test_many_cases_are_moved_in_one_look(ops: OpsStore) -> None:
    many = [problem(f"r{n}", amount=Decimal(n)) for n in range(3000)]
    assert observe(ops, *many) == {"opened": 3000}
    again = [replace(one, evidence="e2", seen_at=at(5)) for one in many]
    assert observe(ops, *again, seconds=5) == {}
    assert {case.occurrences for case in ops.cases.find()} == {2}
    ids = tuple(one.case_id for one in many)
    assert ops.cases.count(CaseFilter(ids)) == 3000
    assert len(ops.cases.assign(ids, "ada", "ada", at(6))) == 3000
    assert observe(ops, seconds=7) == {"resolved": 3000}
