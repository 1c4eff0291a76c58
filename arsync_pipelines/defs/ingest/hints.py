"""What sources told us becomes small, fast runs: the streams that wait in the inbox, read again, built and published.

The run settles the events itself (see assets.py).

Dagster reads annotations at run time, so they are not postponed here.
"""

from collections.abc import Mapping

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from arsync_pipelines.bootstrap import Platform
from arsync_pipelines.connectors.clock import SystemClock
from arsync_pipelines.defs.ingest.assets import raw_key
from arsync_pipelines.defs.ingest.selection import selected
from arsync_pipelines.defs.ingest.sensors import UNFINISHED
from arsync_pipelines.defs.maintenance.dead_runs import close_dead_runs
from arsync_pipelines.defs.resources import PlatformResource
from arsync_pipelines.ops.inbox import InboxStore
from arsync_pipelines.services.hints import give_back_of_dead, streams_of

SECONDS = 5


def hints_sensor(job: UnresolvedAssetJobDefinition, status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """`job` reads, builds and publishes; a run of it is asked for with the raw tables that events name, and all that
    is built upon raw. Silent while a run is under way: events wait, and come together."""

    @dg.sensor(
        name="inbox_hints_sensor",
        job=job,
        minimum_interval_seconds=SECONDS,
        default_status=status,
        description="A source told of changes -> read those streams again, build, publish.",
    )
    def sensor(context: dg.SensorEvaluationContext, platform: PlatformResource) -> dg.SensorResult | dg.SkipReason:
        built = platform.get()
        close_dead_runs(context.instance, built.settings.dagster_home)
        inbox = built.ops.inbox
        try:
            if returned := give_back_of_dead(inbox, _ended(context.instance, inbox), SystemClock()):
                context.log.warning(f"{returned} events wait again: the run that had taken them is gone")
            runs = context.instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED), limit=1)
            if runs:
                return dg.SkipReason(f"run {runs[0].dagster_run.run_id} is under way")
            waiting = inbox.waiting(SystemClock().now())
        finally:
            built.ops.close()
        wanted = _raw_keys(built, streams_of(waiting))
        if not wanted:
            return dg.SkipReason("no event waits")
        context.log.info(f"{len(waiting)} events ask for {', '.join(sorted(key.path[-1] for key in wanted))}")
        selection, checks = selected(context.repository_def, job.name, wanted)
        reason = f"{len(waiting)} events from {', '.join(sorted({e.connection for e in waiting}))}"
        request = dg.RunRequest(asset_selection=selection, asset_check_keys=checks, tags={"arsync/reason": reason})
        return dg.SensorResult(run_requests=[request])

    return sensor


def _ended(instance: dg.DagsterInstance, inbox: InboxStore) -> list[str]:
    """Runs that hold events though they have ended, or are not known at all."""
    runs = {run_id: instance.get_run_by_id(run_id) for run_id in inbox.holders()}
    return [run_id for run_id, run in runs.items() if run is None or run.is_finished]


def _raw_keys(platform: Platform, streams: Mapping[str, set[str]]) -> set[dg.AssetKey]:
    return {
        raw_key(spec)
        for connection, names in streams.items()
        if connection in platform.connections
        for spec in platform.connections[connection].connector.streams
        if spec.name in names
    }
