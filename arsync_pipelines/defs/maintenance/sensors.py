"""A failed run is told to people.

Dagster reads annotations at run time, so they are not postponed here.
"""

import dagster as dg
from dagster._core.execution.plan.objects import StepFailureData

from arsync_pipelines import bootstrap
from arsync_pipelines.defs.maintenance.reasons import reason
from arsync_pipelines.services.alert import Alert


def failure_sensor(status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Sends job, run, and why its steps failed to the alert hook of arsync.toml."""

    @dg.run_failure_sensor(
        name="run_failure_alert_sensor",
        default_status=status,
        monitor_all_code_locations=True,
        description="Run failed -> alert hook.",
    )
    def sensor(context: dg.RunFailureSensorContext) -> None:
        data = (event.event_specific_data for event in context.get_step_failure_events())
        reasons = dict.fromkeys(reason(d)[0] for d in data if isinstance(d, StepFailureData) and d.error)
        message = "; ".join(reasons) or context.failure_event.message or ""
        run = context.dagster_run
        sent = bootstrap.platform().alerts.send(
            Alert(title=f"{run.job_name} failed", text=message.strip()[:2000], run_id=run.run_id)
        )
        context.log.info(f"alert {'sent' if sent else 'only logged: no hook configured'}: {run.job_name} {run.run_id}")

    return sensor
