"""The three-way comparison: every combination of what we wrote, want and see has one verdict, and only ours is sent."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arsync_pipelines.domain.comparison import same
from arsync_pipelines.domain.drift import FOREIGN, SENT, Verdict, Written, compare, finding_id, followed, judge
from arsync_pipelines.domain.ownership import MATRIX, RECEIVABLES

AT = datetime(2026, 1, 1, tzinfo=UTC)
A, B, C = "1.00", "2.00", "3.00"

TABLE: dict[tuple[tuple[str, ...], str, str], Verdict] = {
    # never written: nobody can have written over us
    ((), A, A): Verdict.IN_STEP,
    ((), A, B): Verdict.CHANGE,
    # (acknowledged, desired, observed)
    ((A,), A, A): Verdict.IN_STEP,
    ((A,), B, A): Verdict.CHANGE,
    ((A,), A, B): Verdict.DRIFT,
    ((A,), B, B): Verdict.ADOPTED,
    ((A,), B, C): Verdict.OVERTAKEN,
    # B was sent after A, and nobody knows whether it arrived: either is our own echo
    ((A, B), A, A): Verdict.IN_STEP,
    ((A, B), B, B): Verdict.IN_STEP,
    ((A, B), A, B): Verdict.CHANGE,
    ((A, B), B, A): Verdict.CHANGE,
    ((A, B), C, A): Verdict.CHANGE,
    ((A, B), C, B): Verdict.CHANGE,
    ((A, B), A, C): Verdict.DRIFT,
    ((A, B), B, C): Verdict.OVERTAKEN,
    ((A, B), C, C): Verdict.ADOPTED,
}


@pytest.mark.parametrize("case", TABLE, ids=str)
def test_every_combination_has_its_verdict(case: tuple[tuple[str, ...], str, str]) -> None:
    known, desired, observed = case
    assert judge("invoice", "open_amount", known, desired, observed) is TABLE[case]


def test_the_table_leaves_no_combination_out() -> None:
    """Renaming values changes nothing, so a combination is known by which of its values are the same."""

    def shape(known: tuple[str, ...], desired: str, observed: str) -> tuple[int, ...]:
        values = (*known, desired, observed)
        return (len(known), *(values.index(value) for value in values))

    wanted = {
        shape(known, desired, observed)
        for length in range(3)
        for known in product("abcd", repeat=length)
        for desired, observed in product("abcd", repeat=2)
        if len(set(known)) == length
    }
    four_different = shape(("a", "b"), "c", "d")
    assert wanted - {shape(*case) for case in TABLE} == {four_different}
    assert judge("invoice", "open_amount", ("1", "2"), "3", "4") is Verdict.OVERTAKEN


VALUES = st.sampled_from([None, "", "0", "0.00", "1", "1.0", "2", "open", "paid", True, False, "007", 7])
FIELDS = st.sampled_from(sorted({field for group in MATRIX for field in group.fields}))


@given(FIELDS, st.lists(VALUES, max_size=3), VALUES, VALUES)
def test_what_holds_of_any_field(field: str, known: list[Any], desired: Any, observed: Any) -> None:
    object_name, _, name = field.partition(".")
    verdict = judge(object_name, name, known, desired, observed)
    owner = next(group.owner for group in MATRIX if field in group.fields)
    assert (verdict is Verdict.NOT_OURS) == (owner not in RECEIVABLES)
    if verdict is Verdict.NOT_OURS:
        return
    assert (verdict in SENT) == (not same(desired, observed)), "what differs is sent, what agrees is not"
    echo = any(same(observed, value) for value in known)
    assert (verdict in FOREIGN) == (bool(known) and not echo), "our own values are never somebody else's"


@given(st.lists(VALUES, min_size=1, max_size=3), VALUES, VALUES)
def test_putting_right_ends_it(known: list[Any], desired: Any, observed: Any) -> None:
    """Once what was wanted is acknowledged and seen, nothing is left to send or to report."""
    judge("invoice", "status", known, desired, observed)
    assert judge("invoice", "status", [desired], desired, desired) is Verdict.IN_STEP


def written(*payloads: dict[str, Any]) -> Written:
    return Written(payloads, AT)


def test_a_field_that_an_earlier_release_did_not_send_was_never_ours() -> None:
    found = compare(
        "invoice", written({"status": "open"}), {"status": "open", "link": "x"}, {"status": "open", "link": "y"}
    )
    assert (found["status"].verdict, found["link"].verdict) == (Verdict.IN_STEP, Verdict.CHANGE)


def test_dates_that_move_by_themselves_are_not_compared() -> None:
    assert compare("account", written({"as_of_date": "1"}), {"as_of_date": "2"}, {"as_of_date": "3"}) == {}


@pytest.mark.parametrize(
    ("went", "observed", "verdict"),
    [
        ("002", "002", Verdict.IN_STEP),
        ("", None, Verdict.CHANGE),
        ("002", "009", Verdict.OVERTAKEN),
        ("", "009", Verdict.OVERTAKEN),
    ],
    ids=["went along with a merge", "lost its account", "moved elsewhere", "lost it and was moved"],
)
def test_a_record_that_follows_its_account_was_not_edited(went: str, observed: str | None, verdict: Verdict) -> None:
    found = compare(
        "invoice", written({"account_id": "001"}), {"account_id": "002"}, {"account_id": observed}, {"001": went}
    )
    assert found["account_id"].verdict is verdict


def test_chains_of_merges_are_followed_to_their_end_and_circles_end() -> None:
    masters = {"a": "b", "b": "c", "d": "", "e": "d", "x": "y", "y": "x"}
    assert [followed(masters, one) for one in "abcdex"] == ["c", "c", "c", "", "", ""]


def test_the_same_thing_found_twice_is_one_finding() -> None:
    assert finding_id("crm", "invoice", "1", None, AT) == finding_id("crm", "invoice", "1", None, AT)
    assert finding_id("crm", "invoice", "1") != finding_id("crm", "invoice", "2")
