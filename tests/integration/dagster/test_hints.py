"""Events in the inbox become runs that read their streams again, settle them, and let them wait when they fail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from arsync_pipelines import bootstrap
from arsync_pipelines.bootstrap import Platform
from arsync_pipelines.connectors.registry import CONNECTORS
from arsync_pipelines.defs.ingest.assets import ingest_assets, raw_key
from arsync_pipelines.defs.ingest.hints import hints_sensor
from arsync_pipelines.defs.resources import PlatformResource
from arsync_pipelines.domain.inbox import Event, Hint
from tests.fixtures.sandbox import RunningSandbox, running_sandbox

OFF = dg.DefaultSensorStatus.STOPPED
STRIPE = CONNECTORS["stripe"]
SPECS = {spec.name: spec for spec in STRIPE.streams}
TOML = """
[connections.pay]
vendor = "stripe"
base_url = "{url}"
api_key = {{ file = "{secrets}/stripe_api_key" }}
retry_attempts = 1
[connections.pay.webhook]
secrets = [{{ file = "{secrets}/stripe_api_key" }}]
"""


@dg.asset(group_name="published", deps=[raw_key(SPECS["invoice"])])
def built() -> None:
    """Stands for all that is built upon raw."""


@dataclass
class House:
    """An installation whose Stripe calls us, with a job that reads and builds."""

    sandbox: RunningSandbox
    instance: dg.DagsterInstance
    definitions: dg.Definitions

    def platform(self) -> Platform:
        return bootstrap.platform()

    def tell(self, name: str, *hints: Hint, minutes: float = 1) -> None:
        ops = self.platform().ops
        then = datetime.now(UTC) - timedelta(minutes=minutes)
        ops.inbox.store("pay", [Event(f"evt_{name}", "invoice.updated", hints, b"{}")], "stripe-v1", then)
        ops.close()

    def states(self) -> dict[str, int]:
        ops = self.platform().ops
        found = ops.inbox.counts()
        ops.close()
        return found

    def tick(self) -> tuple[list[dg.RunRequest], str]:
        repository = self.definitions.get_repository_def()
        context = dg.build_sensor_context(
            self.instance, repository_def=repository, resources={"platform": PlatformResource()}
        )
        found = repository.get_sensor_def("inbox_hints_sensor").evaluate_tick(context)
        return list(found.run_requests or ()), found.skip_message or ""

    def run(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        return self.definitions.resolve_job_def("refresh_ar_job").execute_in_process(
            instance=self.instance, asset_selection=request.asset_selection, raise_on_error=False
        )

    def materialized(self, result: dg.ExecuteInProcessResult) -> set[str]:
        return {e.asset_key.path[-1] for e in result.get_asset_materialization_events() if e.asset_key}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with running_sandbox(tmp_path, customers=20, invoices=60, vendors=("stripe",)) as sandbox:
        text = TOML.format(url=sandbox.url("stripe"), secrets=sandbox.secrets_dir)
        (tmp_path / "arsync.toml").write_text(text)
        monkeypatch.setenv("ARSYNC_CONFIG", str(tmp_path / "arsync.toml"))
        job = dg.define_asset_job(
            "refresh_ar_job", dg.AssetSelection.groups("raw", "published"), executor_def=dg.in_process_executor
        )
        definitions = dg.Definitions(
            [ingest_assets(STRIPE), built], jobs=[job], sensors=[hints_sensor(job, OFF)],
            resources={"platform": PlatformResource()},
        )  # fmt: skip
        with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
            yield House(sandbox, instance, definitions)


def test_events_become_one_small_run_that_settles_them(house: House) -> None:
    assert house.tick() == ([], "no event waits")
    house.tell("1", Hint("invoice", "in_1"))
    house.tell("2", Hint("invoice", "in_2"), Hint("charge", "ch_2"))
    house.tell("3", Hint("nothing_of_ours", "x"))
    (request,), _ = house.tick()
    assert request.asset_selection is not None
    assert {key.path[-1] for key in request.asset_selection} == {
        "raw_stripe__invoice", "raw_stripe__charge", "built"
    }  # fmt: skip
    assert {(c.asset_key.path[-1], c.name) for c in request.asset_check_keys or ()} == {
        ("raw_stripe__invoice", "landing_expectations"), ("raw_stripe__charge", "landing_expectations")
    }  # fmt: skip
    assert request.tags["arsync/reason"] == "3 events from pay"
    result = house.run(request)
    assert result.success
    assert house.materialized(result) == {"raw_stripe__invoice", "raw_stripe__charge", "built"}
    assert house.states() == {"done": 2, "pending": 1}
    ops = house.platform().ops
    (entry,) = ops.inbox.find("evt_1")
    assert entry.run_id == result.run_id
    assert ops.verify().holds
    ops.close()
    assert house.tick() == ([], "no event waits"), "what no stream answers to asks for nothing"


def test_a_failed_run_leaves_its_events_waiting(house: House) -> None:
    house.tell("1", Hint("invoice", "in_1"))
    (request,), _ = house.tick()
    house.sandbox.stop()
    assert not house.run(request).success
    ops = house.platform().ops
    (entry,) = ops.inbox.find("evt_1")
    assert (entry.state.value, entry.attempts) == ("pending", 1)
    assert "invoice" in entry.reason
    ops.close()
    assert house.tick() == ([], "no event waits"), "not at once again"
    house.sandbox.restart()
    assert house.run(request).success, "any read of the stream settles it, due or not"
    assert house.states() == {"done": 1}


def test_events_of_a_run_that_died_wait_again(house: House) -> None:
    house.tell("1", Hint("invoice", "in_1"))
    ops = house.platform().ops
    assert len(ops.inbox.take("gone", "pay", ["invoice"], datetime.now(UTC))) == 1
    ops.close()
    house.tick()
    assert house.states() == {"pending": 1}


def test_no_second_run_while_one_is_under_way(house: House) -> None:
    house.tell("1", Hint("invoice", "in_1"))
    run = dg.DagsterRun(job_name="refresh_ar_job", run_id="r1", status=dg.DagsterRunStatus.STARTED)
    house.instance.run_storage.add_run(run)
    assert house.tick() == ([], "run r1 is under way")
    house.instance.report_run_canceled(run)
    assert len(house.tick()[0]) == 1
