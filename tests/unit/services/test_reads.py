"""Reads count against the limits of their connection, in blocks, and what was not used is given back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from arsync_pipelines.connectors.http import HttpClient, RetriesSpent
from arsync_pipelines.connectors.http.policy import FailurePolicy
from arsync_pipelines.domain.limits import Answer, LimitRules
from arsync_pipelines.ops.store import OpsStore, open_store
from arsync_pipelines.ports.gate import Gate, Gated, NotNow
from arsync_pipelines.services.limiter import Limits
from arsync_pipelines.services.reads import ReadGate, counted
from tests.unit.services.test_workers import Time


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def ops(tmp_path: Path, time: Time) -> Iterator[OpsStore]:
    opened = open_store(tmp_path / "ops.sqlite", clock=time.now)
    yield opened
    opened.close()


def gate_of(ops: OpsStore, time: Time, rules: LimitRules) -> ReadGate:
    limits = Limits(ops.limits, "crm", rules)
    return ReadGate(limits, 120.0, time.sleep, lambda: time.now().timestamp())


def used(ops: OpsStore, rules: LimitRules) -> int:
    return ops.limits.state("crm", rules).used


def test_a_long_read_writes_seldom_and_is_counted_to_the_request(ops: OpsStore, time: Time) -> None:
    rules = LimitRules(daily_requests=10_000)
    gate, writes = gate_of(ops, time, rules), 0
    before = -1
    for _ in range(1000):
        gate.enter()
        now = used(ops, rules)
        writes, before = writes + (now != before), now
    assert writes < 40, "blocks double up to thirty-two"
    gate.close()
    assert used(ops, rules) == 1000


def test_who_asks_once_takes_one(ops: OpsStore, time: Time) -> None:
    rules = LimitRules(daily_requests=100)
    gate_of(ops, time, rules).enter()
    assert used(ops, rules) == 1


def test_reads_leave_what_is_kept_back_for_urgent_work(ops: OpsStore, time: Time) -> None:
    rules = LimitRules(daily_requests=100, reserve=0.1)
    gate = gate_of(ops, time, rules)
    for _ in range(90):
        gate.enter()
    with pytest.raises(NotNow, match="the day's requests are used up"):
        gate.enter()
    assert ops.limits.ask("crm", rules, urgent=True)[0].until is None
    assert ops.limits.look("crm", rules)[0].why == "quota", "deliveries see what reads used"
    time.sleep(86_400)
    gate.enter()


def test_no_window_has_more_than_its_requests(ops: OpsStore, time: Time) -> None:
    rules = LimitRules(requests=100, per_s=60)
    gate, left = gate_of(ops, time, rules), []
    for n in range(400):
        gate.enter()
        left.append(time.now())
        if n == 150:
            time.sleep(40)
    for first in left:
        assert sum(first <= at < first + timedelta(seconds=60) for at in left) <= 100 + 5


def test_a_silence_asked_of_a_read_is_kept_by_deliveries(ops: OpsStore, time: Time) -> None:
    rules = LimitRules(daily_requests=100)
    gate = gate_of(ops, time, rules)
    gate.enter()
    gate.answered(Answer(429, retry_after=30))
    assert ops.limits.look("crm", rules)[0].why == "vendor"
    gate.answered(Answer(503))
    assert ops.limits.state("crm", rules).openings == 0, "the circuit is of deliveries"


class Pages:
    """A source as far as requests go."""

    def __init__(self) -> None:
        self.http = HttpClient(
            connection="crm", base_url="http://crm.test", policy=FailurePolicy("crm", ()),
            transport=httpx.MockTransport(lambda _request: httpx.Response(200, json=[])),
        )  # fmt: skip

    def through(self, gate: Gate | None) -> None:
        self.http.gate = gate


def test_a_source_is_counted_only_while_it_is_asked_for(ops: OpsStore) -> None:
    rules, pages = LimitRules(daily_requests=10, reserve=0.0), Pages()
    assert isinstance(pages, Gated)
    with counted(pages, Limits(ops.limits, "crm", rules)):  # type: ignore[arg-type]
        for _ in range(10):
            pages.http.get_json("/x")
        with pytest.raises(RetriesSpent, match="not sent; connection crm: nothing is sent before"):
            pages.http.get_json("/x")
    pages.http.get_json("/x")
    assert used(ops, rules) == 10
    with counted(pages, Limits(ops.limits, "crm", LimitRules())):  # type: ignore[arg-type]
        assert pages.http.gate is None, "nothing is to be counted"
