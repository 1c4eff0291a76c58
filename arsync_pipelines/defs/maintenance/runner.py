"""Runs a job in this process on the project's own instance, so that the run is in the UI like any other."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from os import environ
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.utils import make_new_run_id

from arsync_pipelines.bootstrap import PROJECT_ROOT
from arsync_pipelines.defs.maintenance.dead_runs import alive, close_dead_runs
from arsync_pipelines.defs.maintenance.reasons import reason
from arsync_pipelines.defs.progress import MARK
from arsync_pipelines.domain.errors import ArsyncError

OnProgress = Callable[[int, int, str], None]
"""Called with (steps done, steps in all, what is happening) about twice a second."""


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """A finished run: metadata by asset name (last materialization), checks as (asset, check, passed, severity).

    `error` says why it failed, `failure` which class of domain/errors.py that is (ArsyncError when it is none of ours).
    """

    run_id: str
    success: bool
    seconds: float
    metadata: Mapping[str, Mapping[str, Any]]
    checks: tuple[tuple[str, str, bool, str], ...]
    error: str
    failure: type[ArsyncError] = ArsyncError


def prepare_home(home: Path) -> None:
    """Make `home` the instance's folder: dagster.yaml copied in, DAGSTER_HOME pointing there."""
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(PROJECT_ROOT / "dagster.yaml", home / "dagster.yaml")
    environ["DAGSTER_HOME"] = str(home)


def run_job(
    definitions: dg.Definitions,
    name: str,
    home: Path,
    run_config: Mapping[str, Any] | None = None,
    on_progress: OnProgress | None = None,
) -> RunOutcome:
    """Execute job `name` to its end. A failed run is an outcome, not an exception."""
    logging.getLogger("dagster").setLevel(logging.CRITICAL)  # the event log has it all; the terminal shows progress
    prepare_home(home)
    with dg.DagsterInstance.get() as instance:
        job = definitions.resolve_job_def(name)
        config = {**(run_config or {}), "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        close_dead_runs(instance, home)
        run_id = make_new_run_id()
        started = time.perf_counter()
        with alive(home, run_id) as tags, _watching(instance, len(list(job.nodes)), on_progress):
            result = job.execute_in_process(
                instance=instance, raise_on_error=False, run_config=config, run_id=run_id, tags=tags
            )
        return _outcome(result, time.perf_counter() - started)


@contextmanager
def _watching(instance: dg.DagsterInstance, steps: int, on_progress: OnProgress | None) -> Iterator[None]:
    if on_progress is None:
        yield
        return
    known = {record.dagster_run.run_id for record in instance.get_run_records(limit=10)}
    stop = threading.Event()

    def watch() -> None:
        counts = _Counts()
        while not stop.wait(0.5):
            fresh = [r for r in instance.get_run_records(limit=2) if r.dagster_run.run_id not in known]
            if fresh:
                counts.follow(instance, fresh[0].dagster_run.run_id)
                on_progress(counts.steps, steps, counts.told)

    watcher = threading.Thread(target=watch, name="arsync-progress", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join(timeout=10)


@dataclass(slots=True)
class _Counts:
    """What a run has done so far. Reads only the events since the last look: a run has thousands."""

    step: str = "starting"
    steps: int = 0
    assets: int = 0
    checks: int = 0
    under_way: str = ""
    cursor: str | None = None

    @property
    def told(self) -> str:
        """What happens now, in a line."""
        far = f", {self.under_way}" if self.under_way else ""
        return f"{self.step}: {self.assets} assets, {self.checks} checks{far}"

    def follow(self, instance: dg.DagsterInstance, run_id: str) -> None:
        page = instance.get_records_for_run(run_id, cursor=self.cursor)
        self.cursor = page.cursor
        for record in page.records:
            event = record.event_log_entry.dagster_event
            if event is None:
                message = record.event_log_entry.user_message
                self.under_way = message.removeprefix(MARK) if message.startswith(MARK) else self.under_way
                continue
            if event.is_step_start:
                self.step, self.under_way = event.step_key or self.step, ""
            self.steps += event.is_step_success
            self.assets += event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION
            self.checks += event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION


def _outcome(result: dg.ExecuteInProcessResult, seconds: float) -> RunOutcome:
    metadata: dict[str, dict[str, Any]] = {}
    checks, failures = [], []
    for event in result.all_events:
        if event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION:
            made = event.step_materialization_data.materialization
            values = {key: value.value for key, value in made.metadata.items()}
            metadata.setdefault(made.asset_key.path[-1], {}).update(values)
        elif event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            found = event.asset_check_evaluation_data
            checks.append((found.asset_key.path[-1], found.check_name, found.passed, found.severity.value))
        elif event.is_step_failure:
            failures.append(reason(event.step_failure_data))
    kinds = {kind for _, kind in failures}
    failure = kinds.pop() if len(kinds) == 1 else ArsyncError
    error = "; ".join(dict.fromkeys(message for message, _ in failures))
    return RunOutcome(result.run_id, result.success, seconds, metadata, tuple(checks), error, failure)
