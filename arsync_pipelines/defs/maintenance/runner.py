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

from arsync_pipelines.bootstrap import PROJECT_ROOT

OnProgress = Callable[[int, int, str], None]
"""Called with (steps done, steps in all, what is happening) about twice a second."""


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """A finished run: metadata by asset name (last materialization), checks as (asset, check, passed, severity)."""

    run_id: str
    success: bool
    seconds: float
    metadata: Mapping[str, Mapping[str, Any]]
    checks: tuple[tuple[str, str, bool, str], ...]
    error: str


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
        started = time.perf_counter()
        with _watching(instance, len(list(job.nodes)), on_progress):
            result = job.execute_in_process(instance=instance, raise_on_error=False, run_config=config)
        return _outcome(result, time.perf_counter() - started)


@contextmanager
def _watching(instance: dg.DagsterInstance, steps: int, on_progress: OnProgress | None) -> Iterator[None]:
    if on_progress is None:
        yield
        return
    known = {record.dagster_run.run_id for record in instance.get_run_records(limit=10)}
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.5):
            fresh = [r for r in instance.get_run_records(limit=2) if r.dagster_run.run_id not in known]
            if fresh:
                on_progress(*_progress(instance, fresh[0].dagster_run.run_id, steps))

    watcher = threading.Thread(target=watch, name="arsync-progress", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join(timeout=10)


def _progress(instance: dg.DagsterInstance, run_id: str, steps: int) -> tuple[int, int, str]:
    events = [e.dagster_event for e in instance.all_logs(run_id) if e.dagster_event]
    kinds = [event.event_type for event in events]
    started = [event.step_key for event in events if event.is_step_start]
    tables = kinds.count(dg.DagsterEventType.ASSET_MATERIALIZATION)
    checks = kinds.count(dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    detail = f"{started[-1] if started else 'starting'}: {tables} assets, {checks} checks"
    return kinds.count(dg.DagsterEventType.STEP_SUCCESS), steps, detail


def _outcome(result: dg.ExecuteInProcessResult, seconds: float) -> RunOutcome:
    metadata: dict[str, dict[str, Any]] = {}
    checks, errors = [], []
    for event in result.all_events:
        if event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION:
            made = event.step_materialization_data.materialization
            values = {key: value.value for key, value in made.metadata.items()}
            metadata.setdefault(made.asset_key.path[-1], {}).update(values)
        elif event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            found = event.asset_check_evaluation_data
            checks.append((found.asset_key.path[-1], found.check_name, found.passed, found.severity.value))
        elif event.is_step_failure:
            errors.append(_message(event.step_failure_data))
    return RunOutcome(result.run_id, result.success, seconds, metadata, tuple(checks), "; ".join(errors))


def _message(failure: Any) -> str:
    """The reason in our own words: a Failure's description, else the innermost error's message."""
    if failure.user_failure_data is not None and failure.user_failure_data.description:
        return str(failure.user_failure_data.description)
    error = failure.error
    while error is not None and error.cause is not None:
        error = error.cause
    return str(error.message).strip() if error is not None else "no reason recorded"
