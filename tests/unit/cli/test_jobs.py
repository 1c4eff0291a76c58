"""What `arsync push` says besides numbers: why what is left was not sent."""

from __future__ import annotations

import pytest

from arsync_pipelines.cli.jobs import _report, summarise
from arsync_pipelines.defs.maintenance.runner import RunOutcome
from arsync_pipelines.domain.errors import ArsyncError

WHY = "connection crm: nothing is sent before 2026-01-02T00:00:00+00:00: the day's requests are used up"
NUMBERS = {"planned": 2, "acknowledged": 1, "rejected": 0, "waiting": 1, "requests": 1, "seconds": 0.1}


def test_why_a_push_waits_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    pushed = {name: {**NUMBERS, "waits_for": WHY} for name in ("salesforce__account", "salesforce__invoice")}
    outcome = RunOutcome("r1", True, 1.0, pushed, (), "", ArsyncError)
    assert summarise(outcome)["push"]["salesforce__account"]["waits_for"] == WHY
    _report(outcome, as_json=False)
    said = " ".join(capsys.readouterr().out.split())
    assert said.count(WHY) == 1
