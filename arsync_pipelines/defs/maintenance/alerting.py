"""What people should know is looked for every minute: failed runs as Dagster knows them, all else as the services
do. Nothing is run for it.

Dagster reads annotations at run time, so they are not postponed here.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import dagster as dg
from dagster._core.execution.plan.objects import StepFailureData

from arsync_pipelines import bootstrap
from arsync_pipelines.defs.maintenance.reasons import reason
from arsync_pipelines.domain.alerts import AlertKind, Condition

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]


def alert_sensor(status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Tells what is new and what is over; tries again what a channel did not take."""

    @dg.sensor(
        name="alert_sensor",
        minimum_interval_seconds=60,
        default_status=status,
        jobs=[],
        description="Rejected rows, overdue cases, quotas, freshness, reconciliation, recoveries -> alert channels.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        names = [job.name for job in context.repository_def.get_all_jobs()] if context.repository_def else []
        failed = failed_runs(context.instance, [name for name in names if not name.startswith("__")])
        told = bootstrap.platform().alerts.look(datetime.now(UTC), failed)
        return dg.SkipReason(f"{told.sent} messages sent, {told.failed} not taken, {told.waiting} wait")

    return sensor


def failed_runs(instance: dg.DagsterInstance, jobs: Sequence[str]) -> list[Condition]:
    """Jobs whose last run that ended has failed: a run that succeeds mends what failed before."""
    found = []
    for name in jobs:
        records = instance.get_run_records(dg.RunsFilter(job_name=name, statuses=_ENDED), limit=1)
        for run in (record.dagster_run for record in records):
            if run.status is dg.DagsterRunStatus.FAILURE:
                steps = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records
                events = [r.event_log_entry.dagster_event for r in steps if r.event_log_entry.dagster_event]
                found.append(failed_run(run, events, ""))
    return found


def failed_run(run: dg.DagsterRun, events: Iterable[dg.DagsterEvent], otherwise: str) -> Condition:
    """A failed run of a job, with why its steps failed; `otherwise`: what is said when none of them did."""
    data = (event.event_specific_data for event in events)
    reasons = dict.fromkeys(reason(d)[0] for d in data if isinstance(d, StepFailureData) and d.error)
    text = ("; ".join(reasons) or otherwise).strip()[:2000]
    return Condition(AlertKind.RUN_FAILED, run.job_name, f"{run.job_name} failed", text, run_id=run.run_id)
