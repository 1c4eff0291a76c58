"""Dagster's own run launcher, able to tell its daemon whether the process of a run still lives.

With that, Dagster's run monitoring ends a run whose process was killed together with the code server that would have
noticed: the whole of `dagster dev` killed, the machine restarted.
"""

from __future__ import annotations

from pathlib import Path

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus

from arsync_pipelines.defs.maintenance.dead_runs import is_dead, release


class WatchedRunLauncher(DefaultRunLauncher):
    """Named in dagster.yaml."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        home = Path(self._instance.root_directory)
        if is_dead(run, home):
            release(self._instance, run, home)
            return CheckRunHealthResult(WorkerStatus.FAILED, "the process of this run ended without a word")
        return CheckRunHealthResult(WorkerStatus.RUNNING)
