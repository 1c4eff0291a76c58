"""A gateway's process killed with SIGKILL around the commit: what was answered is stored, and all is stored once."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from arsync_pipelines.bootstrap import PROJECT_ROOT
from tests.contract.ops.storer import EVENTS
from tests.contract.ops.values import Place


def run(place: Place, failpoints: str = "") -> int:
    command = [sys.executable, "-m", "tests.contract.ops.storer", str(place.folder), place.url, failpoints]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


@pytest.mark.parametrize(("point", "stored"), [("inbox.stored:5", 4), ("inbox.committed:5", 5)])
def test_a_killed_gateway_has_kept_what_it_answered_and_nothing_twice(place: Place, point: str, stored: int) -> None:
    assert run(place, f"{point}:kill") == -signal.SIGKILL
    ops = place.open()
    answered = (place.folder / "acknowledged").read_text().split()
    kept = [entry.event_id for entry in ops.inbox.waiting(datetime.now(UTC))]
    assert (answered, kept) == (EVENTS[:4], EVENTS[:stored])
    assert run(place) == 0, "the source sends all of them again"
    assert [entry.event_id for entry in ops.inbox.waiting(datetime.now(UTC))] == EVENTS
    assert ops.verify().holds
    ops.close()
