"""Closes runs whose process died: Dagster would wait for ever for the pool slots that they hold.

A run of ours holds a file lock while it lives; the operating system lets go of it however the process ends, so a run
that is unfinished while its lock is free is dead.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from filelock import FileLock, Timeout

UNFINISHED = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
LOCK_TAG = "arsync/lock"


@contextmanager
def alive(home: Path, run_id: str) -> Iterator[dict[str, str]]:
    """Hold the run's lock while the body runs; yields the tags that lead others to it."""
    folder = home / "alive"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / run_id
    with FileLock(path, timeout=10):
        yield {LOCK_TAG: path.name}
    path.unlink(missing_ok=True)


def close_dead_runs(instance: dg.DagsterInstance, home: Path) -> list[str]:
    """Mark runs of ours whose process is gone as failed and free their slots; returns their ids."""
    closed = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED)):
        run = record.dagster_run
        name = run.tags.get(LOCK_TAG)
        if name is None or not _is_free(home / "alive" / name):
            continue
        instance.report_run_failed(run, "the process of this run ended without a word; the next run takes over")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        (home / "alive" / name).unlink(missing_ok=True)
        closed.append(run.run_id)
    return closed


def _is_free(path: Path) -> bool:
    try:
        with FileLock(path, timeout=0):
            return True
    except Timeout:
        return False
