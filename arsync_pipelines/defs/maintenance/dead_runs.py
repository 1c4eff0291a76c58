"""Closes runs whose process died: Dagster would wait for ever for the pool slots that they hold.

A run of ours holds a file lock while it lives; the operating system lets go of it however the process ends, so a run
that is unfinished while its lock is free is dead. The command line takes the lock around a job (`alive`), a process
that Dagster itself launched takes it with its first resource (`watch`): all steps of a run are in its process.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.util import Finalize
from pathlib import Path

import dagster as dg
from filelock import FileLock, Timeout

_watched: dict[str, FileLock] = {}
"""Locks of this process, by run; held until it ends."""

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


def watch(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Hold the lock of a run that Dagster launched until this process ends; nothing to do where `alive` holds it."""
    if instance.is_ephemeral or LOCK_TAG in run.tags or run.run_id in _watched:
        return
    path = Path(instance.root_directory) / "alive" / run.run_id
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, timeout=10)
    lock.acquire()
    _watched[run.run_id] = lock
    # a process that multiprocessing made ends without what `atexit` keeps
    Finalize(None, path.unlink, kwargs={"missing_ok": True}, exitpriority=0)
    instance.add_run_tags(run.run_id, {LOCK_TAG: path.name})


def is_dead(run: dg.DagsterRun, home: Path) -> bool:
    """Whether the process of an unfinished run is gone. False for a run that never told its lock."""
    name = run.tags.get(LOCK_TAG)
    return name is not None and _is_free(home / "alive" / name)


def release(instance: dg.DagsterInstance, run: dg.DagsterRun, home: Path) -> None:
    """Free the pool slots of a dead run, which Dagster would do a while later, and remove its lock file."""
    instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    (home / "alive" / run.tags[LOCK_TAG]).unlink(missing_ok=True)


def close_dead_runs(instance: dg.DagsterInstance, home: Path) -> list[str]:
    """Mark runs of ours whose process is gone as failed and free their slots; returns their ids."""
    closed = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED)):
        run = record.dagster_run
        if not is_dead(run, home):
            continue
        instance.report_run_failed(run, "the process of this run ended without a word; the next run takes over")
        release(instance, run, home)
        closed.append(run.run_id)
    return closed


def _is_free(path: Path) -> bool:
    try:
        with FileLock(path, timeout=0):
            return True
    except Timeout:
        return False
