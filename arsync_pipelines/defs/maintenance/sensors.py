"""A failed run is told to people at once.

Dagster reads annotations at run time, so they are not postponed here.
"""

from datetime import UTC, datetime

import dagster as dg

from arsync_pipelines import bootstrap
from arsync_pipelines.defs.maintenance.alerting import failed_run


def failure_sensor(status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Sends job, run, and why its steps failed to the alert channels of arsync.toml."""

    @dg.run_failure_sensor(
        name="run_failure_alert_sensor",
        default_status=status,
        monitor_all_code_locations=True,
        description="Run failed -> alert channels.",
    )
    def sensor(context: dg.RunFailureSensorContext) -> None:
        run = context.dagster_run
        condition = failed_run(run, context.get_step_failure_events(), context.failure_event.message or "")
        told = bootstrap.platform().alerts.tell(condition, datetime.now(UTC))
        context.log.info(f"{run.job_name} {run.run_id}: {told.sent} messages sent, {told.waiting} wait")

    return sensor
