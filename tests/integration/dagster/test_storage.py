"""Dagster with its records in Postgres: a job runs, its runs and events are there, and a killed run ends by itself."""

from __future__ import annotations

import logging
import signal
from typing import Any

import dagster as dg

from arsync_pipelines import bootstrap
from arsync_pipelines.defs.maintenance.runner import prepare_home, run_job
from tests.integration.dagster.conftest import Installation


def build() -> dg.Definitions:
    from arsync_pipelines.definitions import build_defs

    return build_defs(bootstrap.platform())


def statuses(installation: Installation) -> list[Any]:
    return [status for (status,) in installation.rows("select status from runs order by id")]


def test_a_job_runs_and_a_killed_one_ends_by_itself(installation: Installation) -> None:
    outcome = run_job(build(), "ingest_files_job", installation.home)
    assert outcome.success, outcome.error
    assert outcome.metadata["raw_files__invoice"]["rows_new"] == 2
    assert installation.rows("select run_id, status from runs") == [(outcome.run_id, "SUCCESS")]
    kinds = {kind for (kind,) in installation.rows("select distinct dagster_event_type from event_logs")}
    assert {
        "PIPELINE_START",
        "STEP_SUCCESS",
        "ASSET_MATERIALIZATION",
        "ASSET_CHECK_EVALUATION",
        "PIPELINE_SUCCESS",
    } <= kinds
    assert not list(installation.home.rglob("*.db")), "nothing is kept in SQLite beside"

    # a run that Dagster itself started, not `arsync`, and its process is killed
    (installation.folder / "extracts" / "later.csv").write_text("id,customer,date,due,amount\n")
    job = ("job", "execute", "-m", "arsync_pipelines.definitions", "-j", "ingest_files_job")
    assert installation.dagster(*job, failpoints="ingest.page:1:kill") == -signal.SIGKILL
    assert statuses(installation) == ["SUCCESS", "STARTED"]
    _monitor()
    assert statuses(installation) == ["SUCCESS", "FAILURE"]

    assert installation.dagster(*job) == 0, (installation.folder / "dagster.log").read_text()[-2000:]
    assert statuses(installation) == ["SUCCESS", "FAILURE", "SUCCESS"]
    assert not list((installation.home / "alive").iterdir())


def _monitor() -> None:
    """One round of the daemon's run monitoring, as dagster.yaml configures it."""
    from dagster._daemon.monitoring.run_monitoring import execute_run_monitoring_iteration

    with dg.DagsterInstance.get() as instance:
        assert instance.run_monitoring_enabled and instance.run_launcher.supports_check_run_worker_health
        context: Any = _Workspace(instance)
        errors = [error for error in execute_run_monitoring_iteration(context, logging.getLogger("monitor")) if error]
    assert errors == []


class _Workspace:
    """What the monitor asks of its process: the instance, and a workspace it needs for resuming runs only."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance

    def create_request_context(self) -> None:
        return None


def test_a_home_is_made_once_and_names_the_launcher(installation: Installation) -> None:
    prepare_home(installation.home)
    with dg.DagsterInstance.get() as instance:
        assert type(instance.run_launcher).__name__ == "WatchedRunLauncher"
        assert type(instance.run_storage).__name__ == "PostgresRunStorage"
