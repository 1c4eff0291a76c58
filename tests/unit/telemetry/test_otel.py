"""Traces and metrics as a collector gets them from the real exporters; and nothing at all where none is named."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from arsync_pipelines import settings
from arsync_pipelines.bootstrap import PROJECT_ROOT
from arsync_pipelines.domain import telemetry
from arsync_pipelines.domain.logs import bound
from arsync_pipelines.domain.push import FailureClass, PushIntent
from arsync_pipelines.ops.store import OpsStore, open_store
from arsync_pipelines.ports.sink import Outcome, WriteResult
from arsync_pipelines.services.deliver import Delivery, RetryPolicy
from arsync_pipelines.telemetry import levels
from arsync_pipelines.telemetry.otel import OtelListener
from tests.contract.ops.pusher import FileTarget
from tests.contract.ops.values import at, intent
from tests.fixtures.collector import Collector, collecting, values

FACTS = {key: str(uuid.uuid5(uuid.NAMESPACE_URL, key)) for key in ("a", "b", "c")}


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    for name in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_SDK_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    with collecting() as served:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", served.address)
        yield served


@pytest.fixture
def listener(collector: Collector) -> Iterator[OtelListener]:
    made = OtelListener("9.9")
    telemetry.listen(made)
    yield made
    telemetry.listen(None)
    made.close()


@pytest.fixture
def ops(tmp_path: Path) -> Iterator[OpsStore]:
    opened = open_store(tmp_path / "ops.sqlite")
    yield opened
    opened.close()


class Refusing(FileTarget):
    """Refuses the record b."""

    def write(self, object_name: str, intents: list[PushIntent]) -> WriteResult:  # type: ignore[override]
        done = super().write(object_name, intents)
        refused = [
            Outcome(i.intent_id, "rejected", failure_class=FailureClass.BUSINESS, code="NO", message="no")
            if i.business_key == "b" else one
            for i, one in zip(intents, done.outcomes, strict=True)
        ]  # fmt: skip
        return WriteResult(tuple(refused), done.requests)


def test_a_delivery_as_the_collector_gets_it(
    collector: Collector, listener: OtelListener, ops: OpsStore, tmp_path: Path
) -> None:
    levels.observe(listener, ops, None)  # type: ignore[arg-type]
    ops.intents.add([intent(key, correlation_id=fact) for key, fact in FACTS.items()], at(0))
    with bound(run_id="run-1"), telemetry.span("push", connection="crm"):
        Delivery(ops.intents, Refusing(tmp_path / "t.jsonl"), RetryPolicy(4, 0.01, 0.02, 1.0), alone=True).run()
    listener.flush()
    (whole,), (batch,) = collector.spans("arsync.push"), collector.spans("arsync.push.batch")
    assert batch.parent_span_id == whole.span_id and batch.trace_id == whole.trace_id
    about = values(batch.attributes)
    assert about["arsync.correlation_ids"] == list(FACTS.values())
    assert (about["arsync.run_id"], about["arsync.acknowledged"], about["arsync.rejected"]) == ("run-1", 2, 1)
    assert [link.trace_id.hex() for link in batch.links] == [fact.replace("-", "") for fact in FACTS.values()]
    (event,) = batch.events
    told = values(event.attributes)
    assert (told["arsync.correlation_id"], told["arsync.code"]) == (FACTS["b"], "NO")
    assert collector.points("arsync.attempts") == {
        ("crm", "invoice", "acknowledged"): 2, ("crm", "invoice", "rejected"): 1
    }  # fmt: skip
    assert collector.points("arsync.intents") == {
        ("crm", "invoice", "acknowledged"): 2, ("crm", "invoice", "rejected"): 1
    }  # fmt: skip
    resource = collector.resource()
    assert (resource["service.name"], resource["service.version"]) == ("arsync", "9.9")


def test_no_secret_and_no_value_of_a_record_leaves(
    collector: Collector, listener: OtelListener, ops: OpsStore, tmp_path: Path
) -> None:
    ops.intents.add([intent("b", value="31415.92")], at(0))
    Delivery(ops.intents, Refusing(tmp_path / "t.jsonl"), RetryPolicy(4, 0.01, 0.02, 1.0), alone=True).run()
    with pytest.raises(ValueError, match="Bearer"), telemetry.span("plan", note="password: hunter2-hunter2") as told:
        told.happened("attempt", code="4111 1111 1111 1111")
        raise ValueError("refused: Authorization: Bearer abcdefgh12345678")
    listener.flush()
    sent = b"".join(collector.bodies)
    for secret in (b"hunter2", b"4111", b"abcdefgh12345678", b"31415.92"):
        assert secret not in sent
    (span,) = collector.spans("arsync.plan")
    assert span.status.message == "refused: Authorization: [removed]"
    assert values(span.attributes)["error.type"] == "ValueError"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, (False, False)),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"}, (True, True)),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_SDK_DISABLED": "true"}, (False, False)),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_METRICS_EXPORTER": "none"}, (True, False)),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://c"}, (False, True)),
    ],
)
def test_the_standard_variables_decide(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], wanted: tuple[bool, bool]
) -> None:
    for name in ("ENDPOINT", "TRACES_ENDPOINT", "METRICS_ENDPOINT"):
        monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{name}", raising=False)
    for name in ("OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert settings.telemetry() == wanted


def test_without_a_collector_nothing_is_loaded() -> None:
    code = (
        "import sys; from arsync_pipelines import bootstrap; bootstrap.platform(); "
        "print([m for m in sys.modules if m.startswith(('opentelemetry', 'google.protobuf'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_ROOT, env={}, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
