"""When jobs start by the clock."""

from __future__ import annotations

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


def weekly_archive(job: dg.JobDefinition, status: dg.DefaultScheduleStatus) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name="archive_records_weekly",
        job=job,
        cron_schedule="15 4 * * 0",
        default_status=status,
        description="Every Sunday: what ended long ago leaves the operational store for the archive.",
    )


def hourly_sync(job: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """Off unless switched on: sensors bring changes sooner, this is for sources that cannot be asked."""
    return dg.ScheduleDefinition(
        name="sync_ar_hourly",
        job=job,
        cron_schedule="5 * * * *",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Every hour: the whole sync.",
    )
