"""Starts a job with a progress view. Dagster takes seconds to import, so it is imported inside."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from arsync_pipelines import settings
from arsync_pipelines.cli.console import err

if TYPE_CHECKING:
    from arsync_pipelines.defs.maintenance.runner import RunOutcome


def run_job(name: str, run_config: Mapping[str, Any] | None = None, quiet: bool = False) -> RunOutcome:
    """Execute a job of ours. Raises ConfigError when arsync.toml or the dbt project does not load."""
    home = settings.load().dagster_home  # a wrong arsync.toml is reported before the heavy imports
    from arsync_pipelines.definitions import build_defs
    from arsync_pipelines.defs.maintenance import runner

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, disable=quiet, transient=True) as progress:
        task = progress.add_task(name, total=None, detail="loading definitions")

        def show(done: int, steps: int, detail: str) -> None:
            progress.update(task, completed=done, total=steps, detail=detail)

        log = home.parent / "logs" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        # dbt writes its lines to standard output, which is for results here
        with log.open("a", encoding="utf-8") as lines, redirect_stdout(lines):
            return runner.run_job(build_defs(), name, home, run_config, None if quiet else show)


def require(outcome: RunOutcome, what: str) -> RunOutcome:
    """The outcome of a run that succeeded. Otherwise raises the reason, so that the exit code tells its kind."""
    if not outcome.success:
        raise outcome.failure(f"{what} failed (run {outcome.run_id}): {outcome.error}")
    return outcome
