"""What the clock starts: the nightly reading again of days that cursors have passed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from arsync_pipelines import bootstrap
from arsync_pipelines.definitions import build_defs
from tests.integration.dagster.conftest import ARSYNC_TOML

NIGHT = datetime(2026, 7, 2, 1, 30, tzinfo=UTC)


class NightClock:
    def now(self) -> datetime:
        return NIGHT


def definitions(folder: Path, automation: str = "") -> dg.Definitions:
    config = folder / "arsync.toml"
    config.write_text(ARSYNC_TOML.format(folder=folder) + automation)
    return build_defs(bootstrap.platform(config, NightClock()))


def asked(made: dg.Definitions) -> dict[str, Any]:
    schedule = made.resolve_schedule_def("read_again_nightly")
    context = dg.build_schedule_context(scheduled_execution_time=NIGHT)
    (request,) = schedule.evaluate_tick(context).run_requests or ()
    return dict(request.run_config)


def test_the_last_days_are_read_again_by_the_sources_clock(tmp_path: Path) -> None:
    made = definitions(tmp_path)
    config = asked(made)
    assert config == {"ops": {"ingest_files": {"config": {"since": "2026-06-29T01:30:00+00:00"}}}}
    job = made.resolve_job_def(made.resolve_schedule_def("read_again_nightly").job_name)
    assert dg.validate_run_config(job, config)


def test_how_many_days_is_said_and_none_are_possible(tmp_path: Path) -> None:
    some = asked(definitions(tmp_path, "\n[automation]\nread_again_days = 10\n"))
    assert some["ops"]["ingest_files"]["config"]["since"].startswith("2026-06-22")
    none = definitions(tmp_path, "\n[automation]\nread_again_days = 0\n")
    with pytest.raises(dg.DagsterInvariantViolationError):
        none.resolve_schedule_def("read_again_nightly")
