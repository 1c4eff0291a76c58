"""Dagster's entry: `build_defs(**overrides)` and nothing else."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from typing import Any

import dagster as dg

from arsync_pipelines import bootstrap
from arsync_pipelines.bootstrap import Platform
from arsync_pipelines.defs.ingest.assets import ingest_assets
from arsync_pipelines.defs.ingest.hints import hints_sensor
from arsync_pipelines.defs.ingest.jobs import ingest_job, ingest_selection
from arsync_pipelines.defs.ingest.sensors import changes_sensor
from arsync_pipelines.defs.maintenance import jobs, schedules
from arsync_pipelines.defs.maintenance.alerting import alert_sensor
from arsync_pipelines.defs.maintenance.archiving import archive_job
from arsync_pipelines.defs.maintenance.sensors import failure_sensor
from arsync_pipelines.defs.maintenance.warm import warm_runs
from arsync_pipelines.defs.publish.assets import snapshot_asset
from arsync_pipelines.defs.push.assets import push_assets
from arsync_pipelines.defs.push.sensors import published_sensor
from arsync_pipelines.defs.quality.proof import receivables_proved
from arsync_pipelines.defs.resources import PlatformResource
from arsync_pipelines.defs.transform.assets import build_models
from arsync_pipelines.defs.transform.parsed import parsed


def build_defs(platform: Platform | None = None, resources: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Assets, jobs, schedules and sensors for the configured connections.

    `platform` (default: from arsync.toml) decides which vendors are there; `resources` replaces single resources.
    Raises ConfigError, which Dagster shows as the code location's error.
    """
    built = platform or bootstrap.platform()
    manifest = parsed(built).manifest
    connectors = {c.connector.vendor: c.connector for c in built.connections.values()}
    crms = [(c, objects) for c in connectors.values() if c.role == "crm" and (objects := built.objects_of(c))]
    automation = built.settings.automation
    sensors_on = dg.DefaultSensorStatus.RUNNING if automation.enabled else dg.DefaultSensorStatus.STOPPED
    schedules_on = dg.DefaultScheduleStatus.RUNNING if automation.enabled else dg.DefaultScheduleStatus.STOPPED

    sync, refresh = jobs.sync_job(), jobs.refresh_job()
    crm_streams = [ingest_selection(c) for c, _objects in crms]
    proof = jobs.prove_job(crm_streams[0] if crm_streams else dg.AssetSelection.groups("raw"))
    archiving = archive_job()
    all_jobs: list[Any] = [sync, refresh, proof, *(ingest_job(c) for c in connectors.values()), archiving]
    follow = sync if crms else refresh  # one run from the change to the CRM: a second one would begin seconds later
    sensors = [changes_sensor(c, follow, automation.poll_seconds, sensors_on) for c in connectors.values()]
    if any(built.webhook(name) for name in built.connections):
        sensors.append(hints_sensor(follow, sensors_on))
    timed = [
        schedules.nightly_proof(proof, schedules_on),
        schedules.weekly_archive(archiving, schedules_on),
        schedules.hourly_sync(sync),
        *schedules.nightly_reading(follow, list(connectors), automation.read_again_days, built.clock.now, schedules_on),
    ]
    if crms:
        push, read_back = jobs.push_job(), jobs.read_back_job(functools.reduce(operator.or_, crm_streams))
        all_jobs += [push, read_back]
        timed += schedules.read_back(read_back, built.settings.drift.read_back, schedules_on)
        sensors.append(published_sensor(push, frozenset({sync.name, read_back.name}), sensors_on))
    return dg.Definitions(
        assets=[
            *(ingest_assets(c) for c in connectors.values()),
            build_models(manifest),
            snapshot_asset(manifest),
            *(push_assets(c, objects) for c, objects in crms),
        ],
        asset_checks=[receivables_proved],
        jobs=all_jobs,
        schedules=timed,
        sensors=[*sensors, failure_sensor(sensors_on), alert_sensor(sensors_on)],
        # runs of single assets too: few fat steps, and the process of a run is the process of its steps
        executor=dg.in_process_executor,
        resources={"platform": PlatformResource(), **(resources or {})},
    )


defs = build_defs()
warm_runs()
