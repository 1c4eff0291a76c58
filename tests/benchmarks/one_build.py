"""The build step of a sync, run as Dagster runs it, in a process of its own: prints its wall and processor seconds.

What is counted is Dagster's step in a run that is a fork of the process that is kept warm, as runs that Dagster starts
are: looking for news, running dbt, its tests, the record, Dagster's events, until the file is closed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import dagster as dg

from arsync_pipelines import bootstrap
from arsync_pipelines.defs.maintenance import warm
from arsync_pipelines.defs.resources import PlatformResource
from arsync_pipelines.defs.transform.assets import build_models
from arsync_pipelines.defs.transform.parsed import parsed

_CONFIG = """\
state_dir = "{state}"
as_of = 2026-07-01

[connections.crm]
vendor = "salesforce"
base_url = "https://acme.my.salesforce.com"
auth = {{ method = "client_credentials", client_id = {{ env = "X" }}, client_secret = {{ env = "X" }} }}

[connections.erp]
vendor = "netsuite"
account = "1234567"
time_zone = "UTC"
[connections.erp.auth]
method = "tba"
consumer_key = {{ env = "X" }}
consumer_secret = {{ env = "X" }}
token_id = {{ env = "X" }}
token_secret = {{ env = "X" }}

[connections.card]
vendor = "stripe"
api_key = {{ env = "X" }}
"""


_INSTANCE = """\
storage:
  custom:
    module: arsync_pipelines.defs.storage
    class: ChosenStorage
telemetry:
  enabled: false
"""


def warehouse_path(folder: Path) -> Path:
    """The working warehouse of a state folder; made with its configuration when missing."""
    config = folder / "arsync.toml"
    if not config.is_file():
        config.write_text(_CONFIG.format(state=folder / "state"), encoding="utf-8")
    path = bootstrap.platform(config).settings.warehouse_path
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def build(folder: Path) -> dict[str, Any]:
    """One build: its wall and processor seconds, models built, tests run."""
    config = str(folder / "arsync.toml")
    models = build_models(parsed(bootstrap.platform(Path(config))).manifest)
    refused = warm.import_all()
    if refused:
        raise RuntimeError(f"a run could not begin warm: {', '.join(refused)} cannot be imported")
    os.environ["ARSYNC_CONFIG"] = config
    home = bootstrap.platform(Path(config)).settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").write_text(_INSTANCE, encoding="utf-8")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        started, cpu = time.perf_counter(), time.process_time()
        result = dg.materialize(
            [models], instance=instance, resources={"platform": PlatformResource(config_path=config)}
        )
        with bootstrap.platform(Path(config)).warehouse.writing():
            pass  # the file is closed behind the step
        wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    states = [e.materialization.metadata["status"].value for e in result.get_asset_materialization_events()]
    return {
        "wall_s": wall,
        "cpu_s": cpu,
        "models_built": sum(state != "reused" for state in states),
        "tests_run": len(result.get_asset_check_evaluations()),
    }


if __name__ == "__main__":
    shown = os.dup(1)
    os.dup2(2, 1)  # whatever else is printed goes to the error stream
    figures = build(Path(sys.argv[1]))
    os.write(shown, json.dumps(figures).encode())
