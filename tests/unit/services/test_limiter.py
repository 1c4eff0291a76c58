"""Deliveries within the limits of their connection: nothing early, nothing lost, and no attempt spent on waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from arsync_pipelines.connectors.salesforce.errors import read_quota
from arsync_pipelines.domain.limits import Answer, LimitRules, Quota
from arsync_pipelines.domain.push import PushIntent
from arsync_pipelines.ops.store import OpsStore, open_store
from arsync_pipelines.ports.sink import WriteResult
from arsync_pipelines.services.deliver import Delivery
from arsync_pipelines.services.limiter import Limits
from arsync_pipelines.settings import LimitSettings
from tests.unit.services.test_workers import POLICY, START, Target, Time, intent, states


class Timed(Target):
    """Notes when each request arrives, and answers each as `answer` says."""

    time: Time
    answer: Callable[[int], Answer] = staticmethod(lambda _nth: Answer(200))
    arrived: list[float]

    def write(self, object_name: str, intents: Sequence[PushIntent]) -> WriteResult:
        outcomes = []
        for row in intents:
            assert self.gate is not None
            self.gate.enter()
            self.arrived.append((self.time.now() - START).total_seconds())
            answer = self.answer(len(self.arrived))
            self.gate.answered(answer)
            self.script = lambda _i, _n, well=answer.status == 200: "acknowledged" if well else "retry"
            outcomes.append(self._one(object_name, row))
        return WriteResult(tuple(outcomes), len(outcomes))


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def ops(tmp_path: Path, time: Time) -> Iterator[OpsStore]:
    opened = open_store(tmp_path / "ops.sqlite", clock=time.now)
    yield opened
    opened.close()


def push(
    ops: OpsStore,
    time: Time,
    rules: LimitRules,
    rows: int,
    answer: Callable[[int], Answer] = Timed.answer,
    batch: int = 10,
) -> tuple[Timed, Delivery]:
    ops.intents.add([intent(f"k{n:03}") for n in range(rows)], START)
    target = Timed(batch_size=batch)
    target.time, target.answer, target.arrived = time, answer, []
    delivery = Delivery(ops.intents, target, POLICY, time.sleep, time.now, limits=Limits(ops.limits, "crm", rules))
    delivery.run()
    return target, delivery


def test_requests_keep_to_the_window(ops: OpsStore, time: Time) -> None:
    target, _ = push(ops, time, LimitRules(requests=20, per_s=10), 45)
    assert states(ops) == {"acknowledged": 45}
    for first, later in zip(target.arrived, target.arrived[20:], strict=False):
        assert later - first >= 10 - 1e-3
    assert target.arrived[-1] <= 45 / 20 * 10 * 1.1


def test_a_silence_is_kept_in_the_middle_of_a_batch(ops: OpsStore, time: Time) -> None:
    target, _ = push(ops, time, LimitRules(), 6, lambda nth: Answer(429, 25) if nth == 3 else Answer(200))
    assert states(ops) == {"acknowledged": 6}
    assert target.arrived[2] < 1 and target.arrived[3] >= 25


def test_a_spent_quota_leaves_the_rest_waiting_and_says_so(ops: OpsStore, time: Time) -> None:
    target, delivery = push(ops, time, LimitRules(daily_requests=10, reserve=0.2), 12, batch=4)
    assert len(target.arrived) == 8
    assert states(ops) == {"acknowledged": 8, "pending": 4}
    assert "nothing is sent before 2026-01-02T00:00:00+00:00" in delivery.waits_for
    assert "kept back for urgent work" in delivery.waits_for
    time.sleep(24 * 3600)
    delivery.run()
    assert states(ops) == {"acknowledged": 12}
    assert delivery.waits_for == ""


def test_a_server_that_is_down_is_left_alone_and_costs_no_attempts(ops: OpsStore, time: Time) -> None:
    down_for = 40.0

    def answer(_nth: int) -> Answer:
        return Answer(503 if (time.now() - START).total_seconds() < down_for else 200)

    target, _ = push(ops, time, LimitRules(failures=3, open_s=15, longest_open_s=60), 9, answer, batch=3)
    assert states(ops) == {"acknowledged": 9}
    while_down = [at for at in target.arrived if at < down_for]
    assert len(while_down) <= 5, f"three that open the circuit, and a probe each time: {while_down}"
    attempts = ops.intents.attempts_by_intent([intent(f"k{n:03}") for n in range(9)])
    assert max(attempts.values()) <= 4


def test_what_salesforce_tells_of_its_quota_is_read() -> None:
    def told(text: str) -> Quota | None:
        return read_quota(httpx.Response(200, headers={"Sforce-Limit-Info": text} if text else {}))

    assert told("api-usage=18/5000") == Quota(18, 5000)
    assert told("api-usage=25/5000; per-app-api-usage=17/250(appName=sample)") == Quota(25, 5000)
    assert told("per-app-api-usage=17/250(appName=sample)") is None
    assert told("") is None


@pytest.mark.parametrize("given", [{"requests": 0}, {"per_s": 0}, {"reserve": 1}, {"open_s": 60, "longest_open_s": 30}])
def test_nonsense_in_the_settings_is_refused(given: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        LimitSettings.model_validate(given)


def test_the_defaults_of_settings_and_of_the_domain_are_the_same() -> None:
    assert LimitRules(**LimitSettings().model_dump()) == LimitRules()
