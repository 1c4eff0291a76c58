"""Processes killed with SIGKILL at each boundary of a delivery: the next one settles everything, once, and the audit is
whole. With a store on SQLite and on Postgres."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter

import pytest

from arsync_pipelines.bootstrap import PROJECT_ROOT
from tests.contract.ops.pusher import KEYS, FileTarget
from tests.contract.ops.values import Place, states


def run(place: Place, failpoints: str = "") -> int:
    command = [sys.executable, "-m", "tests.contract.ops.pusher", str(place.folder), place.url, failpoints]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


@pytest.mark.parametrize("point", ["push.stored:1", "push.claimed:2", "push.written:1", "push.settled:2"])
def test_a_killed_delivery_is_finished_by_the_next(place: Place, point: str) -> None:
    assert run(place, f"{point}:kill") == -signal.SIGKILL
    ops = place.open()
    assert ops.verify().holds, "whatever was stored is whole"
    assert run(place) == 0
    assert states(ops) == {"acknowledged": len(KEYS)}
    written = Counter(key for key, _ in FileTarget(place.folder / "target.jsonl").written())
    assert written == Counter(KEYS), "each took effect, and once"
    verified = ops.verify()
    assert verified.holds and verified.checkpoints == 1
    ops.close()
