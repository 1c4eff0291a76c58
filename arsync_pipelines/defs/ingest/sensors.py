"""Asks each source for news and starts a refresh when there is any.

Dagster reads annotations at run time, so they are not postponed here.
"""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from arsync_pipelines.connectors.base import Connector
from arsync_pipelines.defs.ingest.assets import raw_key
from arsync_pipelines.defs.ingest.patience import rest_of
from arsync_pipelines.defs.ingest.selection import selected
from arsync_pipelines.defs.maintenance.dead_runs import close_dead_runs
from arsync_pipelines.defs.resources import PlatformResource
from arsync_pipelines.domain.errors import ArsyncError, WarehouseError

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def changes_sensor(
    connector: Connector, job: UnresolvedAssetJobDefinition, seconds: int, status: dg.DefaultSensorStatus
) -> dg.SensorDefinition:
    """Cheap question per stream (`has_changes`); the first yes starts `job` with the streams of this vendor and all
    that is built upon raw. Silent while a run is under way, and for longer and longer while they fail."""

    @dg.sensor(
        name=f"{connector.vendor}_changes_sensor",
        job=job,
        minimum_interval_seconds=seconds,
        default_status=status,
        description=f"{connector.title} has news -> ingest, build, publish.",
    )
    def sensor(context: dg.SensorEvaluationContext, platform: PlatformResource) -> dg.SensorResult | dg.SkipReason:
        built = platform.get()
        close_dead_runs(context.instance, built.settings.dagster_home)
        runs = context.instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED), limit=1)
        if runs:
            return dg.SkipReason(f"run {runs[0].dagster_run.run_id} is under way")
        sources = [built.source(connection.name) for connection in built.of_vendor(connector.vendor)]
        # what a connection offers: a folder of extracts may have fewer streams than its vendor
        asked = [(source, spec) for source in sources for spec in source.streams()]
        try:
            with built.warehouse.writing(timeout=1):
                cursors = [built.warehouse.cursor(source.connection, spec.name) for source, spec in asked]
        except WarehouseError as error:
            return dg.SkipReason(f"the warehouse is busy: {error}")
        for (source, spec), cursor in zip(asked, cursors, strict=True):
            try:
                with built.counted(source):
                    changed = source.has_changes(spec.name, cursor)
            except ArsyncError as error:
                context.log.error(f"{source.connection}.{spec.name}: {error}")
                raise
            if changed:
                if rest := rest_of(context.instance, job.name, seconds):
                    return dg.SkipReason(f"{source.connection}.{spec.name} has news, but {rest}")
                context.log.info(f"{source.connection}.{spec.name} has news")
                raw = {raw_key(stream) for stream in connector.streams}  # what else has news is found by its own sensor
                selection, checks = selected(context.repository_def, job.name, raw)
                reason = {"arsync/reason": f"{spec.table} changed"}
                request = dg.RunRequest(asset_selection=selection, asset_check_keys=checks, tags=reason)
                return dg.SensorResult(run_requests=[request])
        return dg.SkipReason(f"nothing new in {connector.title}")

    return sensor
