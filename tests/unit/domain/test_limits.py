"""Limits of a connection: no window is overfilled, no silence is broken, a broken server is left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arsync_pipelines.domain.limits import (
    GO,
    Answer,
    LimitRules,
    LimitState,
    Permit,
    Quota,
    ask,
    first_state,
    look,
    told,
)

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
BROKEN, WELL = Answer(500), Answer(200)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def fresh(rules: LimitRules) -> LimitState:
    return first_state(rules, START)


@settings(max_examples=80, deadline=None)
@given(
    requests=st.integers(1, 400),
    per_s=st.sampled_from([1.0, 60.0, 3600.0]),
    idle=st.lists(st.floats(0, 2), max_size=20),
)
def test_no_window_takes_more_than_its_requests_and_it_takes_nearly_all(
    requests: int, per_s: float, idle: list[float]
) -> None:
    rules = LimitRules(requests=requests, per_s=per_s)
    state, now, sent = fresh(rules), START, []
    pauses = iter(idle)
    while len(sent) < 3 * requests:
        state, permit = ask(state, rules, now)
        if permit.until is None:
            sent.append((now - START).total_seconds())
            now += timedelta(seconds=next(pauses, 0.0) * per_s)
        else:
            assert permit.until > now and permit.why == "rate"
            now = permit.until
    for first, later in zip(sent, sent[requests:], strict=False):
        assert later - first >= per_s - 1e-3, "the request after a full window is outside of it"
    if not idle:
        assert sent[-1] <= 3 * per_s * 1.06 + per_s, "near the ideal time"


def test_a_silence_the_vendor_asked_for_is_kept_and_the_longest_counts() -> None:
    rules = LimitRules()
    state = told(fresh(rules), rules, Answer(429, 30), START)
    state = told(state, rules, Answer(503, 5), at(1))
    assert look(state, rules, at(29.9)) == Permit(at(30), "vendor")
    assert look(state, rules, at(30)) == GO
    assert state.failures == 0, "who tells when to come again is not broken"


def test_a_429_that_names_no_time_empties_the_bucket() -> None:
    rules = LimitRules(requests=100)
    state = told(fresh(rules), rules, Answer(429), START)
    assert look(state, rules, START).why == "rate"


def test_the_days_requests_keep_a_share_for_urgent_work_and_begin_anew_at_midnight() -> None:
    rules = LimitRules(daily_requests=10, reserve=0.2)
    state = fresh(rules)
    for _ in range(8):
        state, permit = ask(state, rules, START)
        assert permit == GO
    midnight = datetime(2026, 1, 2, tzinfo=UTC)
    assert ask(state, rules, START)[1] == Permit(midnight, "quota")
    for _ in range(2):
        state, permit = ask(state, rules, START, urgent=True)
        assert permit == GO
    assert ask(state, rules, START, urgent=True)[1] == Permit(midnight, "quota")
    assert ask(state, rules, midnight)[1] == GO


def test_the_vendors_own_count_is_believed_for_a_while() -> None:
    rules = LimitRules()
    state = told(fresh(rules), rules, Answer(200, quota=Quota(4500, 5000)), START)
    assert look(state, rules, at(899)).why == "quota"
    assert look(state, rules, at(899), urgent=True) == GO
    assert look(state, rules, at(900)) == GO, "only an answer can tell a newer one"
    state = told(state, rules, Answer(200, quota=Quota(5000, 5000)), at(900))
    assert look(state, rules, at(901), urgent=True).why == "quota"


def test_a_circuit_opens_probes_alone_and_closes() -> None:
    rules = LimitRules(failures=3, open_s=10, longest_open_s=25)
    state = fresh(rules)
    for second in (0, 1):
        state = told(state, rules, BROKEN, at(second))
    assert look(state, rules, at(1)) == GO
    state = told(told(state, rules, WELL, at(1)), rules, BROKEN, at(1))
    assert look(state, rules, at(1)) == GO, "failures count that follow each other"
    for second in (2, 3):
        state = told(state, rules, Answer(0), at(second))
    assert look(state, rules, at(3)) == Permit(at(13), "circuit")
    assert told(state, rules, BROKEN, at(4)) == state, "a straggler tells nothing new"
    opened = [10.0]
    now = 13.0
    for _ in range(3):
        state, permit = ask(state, rules, at(now), request_s=60)
        assert permit == GO
        assert look(state, rules, at(now + 59)) == Permit(at(now + 60), "circuit"), "one probes"
        state = told(state, rules, BROKEN, at(now))
        until = look(state, rules, at(now)).until
        assert until is not None
        opened.append((until - at(now)).total_seconds())
        now += opened[-1]
    assert opened == [10, 20, 25, 25]
    state, _ = ask(state, rules, at(now), request_s=60)
    lost, permit = ask(state, rules, at(now + 60), request_s=60)
    assert permit == GO and lost.probing, "a probe that never came back keeps nobody out"
    state = told(state, rules, Answer(404), at(now + 1))
    assert (state.openings, state.open_until) == (0, None), "a refusal is an answer"
    assert look(state, rules, at(now + 1)) == GO


@pytest.mark.parametrize(
    ("rules", "burst", "window"), [(LimitRules(100), 5, 100), (LimitRules(10), 1, 10), (LimitRules(1), 1, 1)]
)
def test_what_leaves_at_once_and_what_follows_fill_a_window(rules: LimitRules, burst: float, window: float) -> None:
    assert rules.burst == burst
    assert rules.burst + rules.refill * rules.per_s == pytest.approx(window + (burst == 1))
