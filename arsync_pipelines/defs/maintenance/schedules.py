"""When jobs start by the clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition


def nightly_proof(job: UnresolvedAssetJobDefinition, status: dg.DefaultScheduleStatus) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name="prove_reconciliation_nightly",
        job=job,
        cron_schedule="30 2 * * *",
        default_status=status,
        description="Every night: prove that CRM, warehouse and ledger agree.",
    )


def nightly_reading(
    job: UnresolvedAssetJobDefinition, vendors: Sequence[str], days: int, now: Callable[[], datetime],
    status: dg.DefaultScheduleStatus,
) -> list[dg.ScheduleDefinition]:  # fmt: skip
    """Reads the last `days` again, whatever the cursors say: what is committed late, under a cursor and its overlap,
    and changes neither a count nor an amount would never be read. Rows that stand as they stood make no new version.

    `now` is the sources' clock. [] for 0 days.
    """
    if not days:
        return []

    @dg.schedule(
        name="read_again_nightly",
        job=job,
        cron_schedule="30 1 * * *",
        default_status=status,
        description=f"Every night: read the changes of the last {days} days again, for what was committed late.",
    )
    def read_again(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        since = (now() - timedelta(days=days)).astimezone(UTC).isoformat(timespec="seconds")
        config = {f"ingest_{vendor}": {"config": {"since": since}} for vendor in vendors}
        return dg.RunRequest(run_key=context.scheduled_execution_time.isoformat(), run_config={"ops": config})

    return [read_again]


def weekly_archive(job: dg.JobDefinition, status: dg.DefaultScheduleStatus) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name="archive_records_weekly",
        job=job,
        cron_schedule="15 4 * * 0",
        default_status=status,
        description="Every Sunday: what ended long ago leaves the operational store for the archive.",
    )


_READ_BACK = {"hourly": "35 * * * *", "daily": "50 3 * * *"}


def read_back(
    job: UnresolvedAssetJobDefinition, how_often: str, status: dg.DefaultScheduleStatus
) -> list[dg.ScheduleDefinition]:
    """`how_often` as [drift] of arsync.toml has it; [] for never."""
    if how_often not in _READ_BACK:
        return []
    return [
        dg.ScheduleDefinition(
            name=f"read_back_crm_{how_often}",
            job=job,
            cron_schedule=_READ_BACK[how_often],
            default_status=status,
            description="Look at what the CRM holds, whether or not it told of a change.",
        )
    ]


def hourly_sync(job: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """Off unless switched on: sensors bring changes sooner, this is for sources that cannot be asked."""
    return dg.ScheduleDefinition(
        name="sync_ar_hourly",
        job=job,
        cron_schedule="5 * * * *",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Every hour: the whole sync.",
    )
