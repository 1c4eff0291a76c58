"""Poisoned batches: each poisoned row ends alone with the vendor's message, the others are written, in few calls."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arsync_pipelines.connectors.bisect import bisected
from arsync_pipelines.connectors.http import RequestRejected, VendorError
from arsync_pipelines.domain.push import FailureClass
from arsync_pipelines.ports.sink import Outcome


def run(size: int, poisoned: set[int], alike: bool = False) -> tuple[list[Outcome], int]:
    """Outcomes, and calls made."""
    calls = 0

    def send(rows: Sequence[int]) -> list[Outcome]:
        nonlocal calls
        calls += 1
        if bad := sorted(poisoned.intersection(rows)):
            raise RequestRejected("refused", VendorError(400, "BAD", f"cannot read row {bad[0]}"))
        return [Outcome(str(row), "acknowledged") for row in rows]

    def refused(row: int, error: RequestRejected) -> Outcome:
        told = error.error
        return Outcome(str(row), "rejected", code=told.code, message=told.message, failure_class=FailureClass.BUSINESS)

    return bisected(range(size), send, refused, lambda _error: alike), calls


@settings(max_examples=60, deadline=None)
@given(size=st.integers(1, 120), data=st.data())
def test_every_row_is_accounted_for_in_its_order(size: int, data: st.DataObject) -> None:
    poisoned = data.draw(st.sets(st.integers(0, size - 1)))
    outcomes, calls = run(size, poisoned)
    assert [o.intent_id for o in outcomes] == [str(n) for n in range(size)]
    assert {int(o.intent_id) for o in outcomes if o.kind == "rejected"} == poisoned
    assert all(o.message == f"cannot read row {o.intent_id}" for o in outcomes if o.kind == "rejected")
    assert calls <= 1 + 2 * math.ceil(math.log2(max(size, 2))) * len(poisoned)


@pytest.mark.parametrize("size", [200, 10_000])
@pytest.mark.parametrize("count", [1, 4])
def test_calls_per_poisoned_row(size: int, count: int) -> None:
    chance = random.Random(count * size)
    found = [run(size, set(chance.sample(range(size), count)))[1] / count for _ in range(20)]
    mean, bound = sum(found) / len(found), 2 * math.log2(size)
    sys.stdout.write(f"{count} poisoned of {size}: {mean:.1f} calls per poisoned row, 2 * log2(n) = {bound:.1f}\n")
    assert mean <= bound + 2


def test_a_refusal_of_the_set_up_is_told_of_all_rows_after_one_call() -> None:
    outcomes, calls = run(200, {7}, alike=True)
    assert calls == 1
    assert {o.kind for o in outcomes} == {"rejected"}
