"""A published snapshot starts a push, unless the run that published it pushes by itself.

Dagster reads annotations at run time, so they are not postponed here.
"""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from arsync_pipelines.defs.publish.assets import SNAPSHOT_KEY


def published_sensor(
    job: UnresolvedAssetJobDefinition, pushing_jobs: frozenset[str], status: dg.DefaultSensorStatus
) -> dg.SensorDefinition:
    """`pushing_jobs`: names of jobs whose runs push what they publish."""

    @dg.asset_sensor(
        asset_key=SNAPSHOT_KEY,
        name="ar_snapshot_published_sensor",
        job=job,
        minimum_interval_seconds=10,
        default_status=status,
        description="Snapshot published -> push the differences to the CRM.",
    )
    def sensor(context: dg.SensorEvaluationContext, asset_event: dg.EventLogEntry) -> dg.RunRequest | dg.SkipReason:
        run = context.instance.get_run_by_id(asset_event.run_id)
        if run is not None and run.job_name in pushing_jobs:
            return dg.SkipReason(f"run {run.run_id} of {run.job_name} pushes by itself")
        return dg.RunRequest(run_key=asset_event.run_id, tags={"arsync/reason": "snapshot published"})

    return sensor
