"""The sensors: news at a source starts a refresh, a published snapshot a push, a failed run an alert."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from arsync_pipelines import bootstrap
from arsync_pipelines.connectors.registry import CONNECTORS
from arsync_pipelines.defs.ingest import patience
from arsync_pipelines.defs.ingest.assets import ingest_assets
from arsync_pipelines.defs.ingest.jobs import ingest_job
from arsync_pipelines.defs.ingest.sensors import changes_sensor
from arsync_pipelines.defs.maintenance.alerting import alert_sensor, failed_runs
from arsync_pipelines.defs.maintenance.sensors import failure_sensor
from arsync_pipelines.defs.publish.assets import SNAPSHOT_KEY
from arsync_pipelines.defs.push.sensors import published_sensor
from arsync_pipelines.defs.resources import PlatformResource
from arsync_pipelines.domain.errors import SourceUnreachable
from tests.integration.dagster.conftest import ARSYNC_TOML, EXTRACT

instant = time.time
OFF = dg.DefaultSensorStatus.STOPPED
FILES = CONNECTORS["files"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation whose only connection has one of the three streams of its vendor."""
    (tmp_path / "extracts").mkdir()
    (tmp_path / "extracts" / "invoices.csv").write_text(EXTRACT)
    (tmp_path / "arsync.toml").write_text(ARSYNC_TOML.format(folder=tmp_path))
    monkeypatch.setenv("ARSYNC_CONFIG", str(tmp_path / "arsync.toml"))
    return tmp_path


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test(temp_dir=str(tmp_path)) as made:
        yield made


def ask(instance: dg.DagsterInstance) -> tuple[list[dict[str, str]], str]:
    """One tick of the sensor on the folder: tags of the runs it asks for, why it skips."""
    job = ingest_job(FILES)
    definitions = dg.Definitions([ingest_assets(FILES)], jobs=[job], resources={"platform": PlatformResource()})
    context = dg.build_sensor_context(
        instance, repository_def=definitions.get_repository_def(), resources={"platform": PlatformResource()}
    )
    found: Any = changes_sensor(FILES, job, 30, OFF)(context)
    if isinstance(found, dg.SkipReason):
        return [], str(found.skip_message)
    return [dict(request.tags) for request in found.run_requests], ""


def read() -> None:
    platform = bootstrap.platform()
    platform.ingest.run(platform.source("books"))


def test_news_in_a_folder_of_extracts_starts_a_run_and_nothing_new_none(
    folder: Path, instance: dg.DagsterInstance
) -> None:
    news = [{"arsync/reason": "raw_files__customer changed"}]  # derived from the invoices
    assert ask(instance) == (news, ""), "never read"
    read()
    assert ask(instance) == ([], f"nothing new in {FILES.title}")
    (folder / "extracts" / "later.csv").write_text(EXTRACT.replace("20.00", "25.00"))
    assert ask(instance) == (news, "")
    read()
    assert ask(instance)[0] == []


def test_no_second_run_while_one_is_under_way(folder: Path, instance: dg.DagsterInstance) -> None:
    run = dg.DagsterRun(job_name="refresh_ar_job", run_id="r1", status=dg.DagsterRunStatus.STARTED)
    instance.run_storage.add_run(run)
    assert ask(instance) == ([], "run r1 is under way")
    instance.report_run_canceled(run)
    assert len(ask(instance)[0]) == 1


def test_a_job_that_keeps_failing_is_left_alone_for_longer_and_longer(
    folder: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = ingest_job(FILES).name
    for number in (1, 2):
        run = dg.DagsterRun(job_name=name, run_id=f"f{number}", status=dg.DagsterRunStatus.STARTED)
        instance.run_storage.add_run(run)
        instance.report_run_failed(run)
        asked, why = ask(instance)
        assert asked == []
        assert f"last {'run' if number == 1 else '2 runs'} of {name} failed" in why and "books.customer has news" in why
        monkeypatch.setattr(patience.time, "time", lambda rest=30 * 2**number: instant() + rest - 5)
        assert ask(instance)[0] == []
        monkeypatch.setattr(patience.time, "time", lambda rest=30 * 2**number: instant() + rest + 5)
        assert len(ask(instance)[0]) == 1
        monkeypatch.undo()
        monkeypatch.setenv("ARSYNC_CONFIG", str(folder / "arsync.toml"))
    run = dg.DagsterRun(job_name=name, run_id="by-hand", status=dg.DagsterRunStatus.SUCCESS)
    instance.run_storage.add_run(run)
    assert len(ask(instance)[0]) == 1


@dg.op
def read_the_erp() -> None:
    """Fails as an ingest does."""
    raise SourceUnreachable("erp: no answer within 30 s; check base_url")


@dg.op(name="push_salesforce")
def refused_by_the_crm() -> None:
    """Fails as a push does."""
    raise SourceUnreachable("crm: no answer")


def test_a_target_that_refuses_is_no_reason_to_ask_the_sources_less_often(
    folder: Path, instance: dg.DagsterInstance
) -> None:
    def failing(op: dg.OpDefinition) -> None:
        @dg.job(name=ingest_job(FILES).name)
        def job() -> None:
            op()

        assert not job.execute_in_process(instance=instance, raise_on_error=False).success

    failing(refused_by_the_crm)
    assert len(ask(instance)[0]) == 1, "it read, built and published"
    failing(read_the_erp)
    assert ask(instance)[0] == []


@dg.asset(key=SNAPSHOT_KEY)
def a_snapshot() -> None:
    """Stands for the published snapshot."""


def test_a_published_snapshot_starts_one_push_unless_its_run_pushes_by_itself(instance: dg.DagsterInstance) -> None:
    push = dg.define_asset_job("push_crm_job", dg.AssetSelection.all())
    refresh = dg.define_asset_job("refresh_ar_job", dg.AssetSelection.assets(SNAPSHOT_KEY))
    sync = dg.define_asset_job("sync_ar_job", dg.AssetSelection.assets(SNAPSHOT_KEY))
    sensor = published_sensor(push, frozenset({"sync_ar_job"}), OFF)
    definitions = dg.Definitions([a_snapshot], jobs=[push, refresh, sync], sensors=[sensor])
    cursor: str | None = None

    def tick() -> tuple[list[str | None], str]:
        nonlocal cursor
        context = dg.build_sensor_context(instance, cursor, repository_def=definitions.get_repository_def())
        found = sensor.evaluate_tick(context)
        cursor = found.cursor
        return [request.run_key for request in found.run_requests or ()], found.skip_message or ""

    assert tick()[0] == []
    refreshed = definitions.resolve_job_def("refresh_ar_job").execute_in_process(instance=instance)
    assert tick() == ([refreshed.run_id], "")
    assert tick()[0] == [], "one push for one snapshot"
    synced = definitions.resolve_job_def("sync_ar_job").execute_in_process(instance=instance)
    assert tick() == ([], f"run {synced.run_id} of sync_ar_job pushes by itself")


@pytest.fixture
def hook(folder: Path) -> Iterator[list[dict[str, Any]]]:
    """What was posted to the alert hook that arsync.toml names."""
    posted: list[dict[str, Any]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *_arguments: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        (folder / "hook").write_text(f"http://127.0.0.1:{server.server_port}/alerts")
        with (folder / "arsync.toml").open("a") as config:
            config.write(f'\n[alerts]\nwebhook = {{ file = "{folder}/hook" }}\n')
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield posted
        server.shutdown()
        serving.join()


@dg.job
def refresh_ar_job() -> None:
    """Stands for the job of that name."""
    read_the_erp()


def test_a_failed_run_is_told_to_the_hook_with_its_reason(
    instance: dg.DagsterInstance, hook: list[dict[str, Any]]
) -> None:
    result = refresh_ar_job.execute_in_process(instance=instance, raise_on_error=False)
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    context = dg.build_run_status_sensor_context(
        "run_failure_alert_sensor", result.get_run_failure_event(), instance, run
    ).for_run_failure()
    failure_sensor(OFF)(context)
    (posted,) = hook
    expected = {
        "title": "refresh_ar_job failed",
        "text": "erp: no answer within 30 s; check base_url",
        "run_id": result.run_id,
        "source": "arsync",
        "kind": "run_failed",
    }
    assert posted | expected == posted
    failure_sensor(OFF)(context)
    assert len(hook) == 1, "one message of a kind within the window"


def test_a_job_that_failed_and_then_succeeds_is_over(instance: dg.DagsterInstance) -> None:
    refresh_ar_job.execute_in_process(instance=instance, raise_on_error=False)
    (failed,) = failed_runs(instance, ["refresh_ar_job", "sync_ar_job"])
    assert (failed.key, failed.text) == ("refresh_ar_job", "erp: no answer within 30 s; check base_url")
    better = dg.GraphDefinition(name="refresh_ar_job").to_job()
    better.execute_in_process(instance=instance)
    assert failed_runs(instance, ["refresh_ar_job"]) == []


def test_the_alert_sensor_looks_and_skips(instance: dg.DagsterInstance, hook: list[dict[str, Any]]) -> None:
    definitions = dg.Definitions(jobs=[refresh_ar_job])
    context = dg.build_sensor_context(instance, repository_def=definitions.get_repository_def())
    refresh_ar_job.execute_in_process(instance=instance, raise_on_error=False)
    found = alert_sensor(OFF).evaluate_tick(context)
    assert found.skip_message == "1 messages sent, 0 not taken, 0 wait"
    assert [posted["title"] for posted in hook] == ["refresh_ar_job failed"]
