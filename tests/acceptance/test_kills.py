"""kill -9 during ingest, build, publish and push, then again: the same end state as without a kill.

The short form kills one sync after the other at later and later points and lets the last one end. The long form
(ARSYNC_KILLS=all) starts anew for every point and hit, each followed by one undisturbed sync.
"""

from __future__ import annotations

import json
import os
import signal
from collections import Counter

import pytest

from tests.fixtures.acceptance import Scene, assert_agreed, wait_for

pytestmark = pytest.mark.slow

KILLED = -signal.SIGKILL
ALL_POINTS = [
    "ingest.page:3",
    "ingest.before_landed:2",
    "ingest.landed:4",
    "warehouse.staged:2",
    "ingest.before_commit:1",
    "ingest.before_commit:9",
    "ingest.committed:12",
    "build:2",
    "build:40",
    "build-orphan:40",
    "publish.started:1",
    "publish.copied:1",
    "publish.before_pointer:1",
    "publish.published:1",
    "push.planned:1",
    "push.stored:1",
    "push.claimed:1",
    "push.claimed:3",
    "push.written:1",
    "push.written:3",
    "push.settled:2",
]
LONG = os.environ.get("ARSYNC_KILLS") == "all"


def kill_at(scene: Scene, point: str, command: str = "sync") -> None:
    """Run `arsync COMMAND` as a process that dies at `point` ("name:hit", or "build:models built")."""
    name, hit = point.split(":")
    if not name.startswith("build"):
        assert scene.process(command, failpoints=f"{point}:kill") == KILLED
        return
    log = scene.state / "logs" / "sync_ar_job.log"
    log.unlink(missing_ok=True)
    process = scene.start(command)
    wait_for(lambda: log.is_file() and log.read_text().count("[OK in") >= int(hit), 180, f"building {hit} models")
    if name == "build-orphan":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
    assert process.wait(20) == KILLED


def assert_each_written_once(scene: Scene) -> None:
    """One effective write per record and payload, however often processes died around it."""
    writes = scene.writes()
    effects = Counter((entry["object"], entry["key"], json.dumps(entry["body"], sort_keys=True)) for entry in writes)
    assert max(effects.values()) == 1


@pytest.mark.skipif(LONG, reason="the long form covers it") if LONG else pytest.mark.slow
def test_one_kill_after_the_other(fresh: Scene) -> None:
    for point in ("ingest.landed:4", "ingest.before_commit:9", "build-orphan:40", "publish.before_pointer:1"):
        kill_at(fresh, point)
        assert fresh.snapshot() == ""
        assert fresh.writes() == []
    kill_at(fresh, "push.written:1")
    published = fresh.snapshot()
    assert published
    written = len(fresh.writes())
    assert written > 0
    kill_at(fresh, "push.claimed:2", "push")
    assert fresh.snapshot() == published
    fresh.sync()
    assert_agreed(fresh)
    assert_each_written_once(fresh)
