"""How long a job that keeps failing is left alone: a run and an alert at every look at the sources help nobody."""

from __future__ import annotations

import time
from itertools import takewhile

import dagster as dg

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
_LONGEST_S = 3600.0
_LOOKED_AT = 12
PUSHING = "push_"
"""What the names of steps that push begin with."""


def rest_of(instance: dg.DagsterInstance, job_name: str, seconds: float) -> str:
    """Why the job should not be started yet; "" when it may be.

    After each failure in a row it rests twice as long as after the one before, from `seconds` up to an hour. A run that
    somebody starts by hand does not wait, and ends the rest when it succeeds. One that only failed to push counts as a
    success: it read, built and published, and a target that refuses is no reason to know less of the sources.
    """
    ended = instance.get_run_records(dg.RunsFilter(job_name=job_name, statuses=_ENDED), limit=_LOOKED_AT)
    failed = list(takewhile(lambda record: _failed(instance, record.dagster_run), ended))
    if not failed:
        return ""
    rest = min(_LONGEST_S, seconds * 2 ** len(failed))
    left = (failed[0].end_time or failed[0].update_timestamp.timestamp()) + rest - time.time()
    if left <= 0:
        return ""
    several = f"the last {len(failed)} runs" if len(failed) > 1 else "the last run"
    return f"{several} of {job_name} failed; the next is started in {left:.0f} s. Start it by hand to be quicker."


def _failed(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    if run.status != dg.DagsterRunStatus.FAILURE:
        return False
    events = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records
    steps = {record.event_log_entry.step_key or "" for record in events}
    return not steps or not all(step.startswith(PUSHING) for step in steps)
