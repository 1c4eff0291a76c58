"""kill -9 during ingest, build, publish and push, then again: the same end state as without a kill.

The short form kills one sync after the other at later and later points and lets the last one end. The long form
(ARSYNC_ALL_KILLS=1) starts anew for every point, each followed by one undisturbed sync.
"""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.acceptance import Scene, assert_agreed, installation, wait_for

pytestmark = pytest.mark.slow

KILLED = -signal.SIGKILL
ALL = (
    "ingest.page:3",
    "ingest.before_landed:2",
    "ingest.landed:4",
    "warehouse.staged:2",
    "ingest.before_commit:1",
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
    "push.written:1",
    "push.written:3",
    "push.settled:2",
)
SHORT = (
    "ingest.landed:4",
    "ingest.before_commit:9",
    "build-orphan:40",
    "publish.before_pointer:1",
    "push.written:1",
    "push.claimed:2",
)
CHAINS: list[tuple[str, ...]] = [(point,) for point in ALL] if os.environ.get("ARSYNC_ALL_KILLS") else [SHORT]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with installation(tmp_path / "installation") as made:
        yield made


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


@pytest.mark.parametrize("points", CHAINS, ids=lambda points: points[0] if len(points) == 1 else "one-after-the-other")
def test_killed_and_run_again(scene: Scene, points: tuple[str, ...]) -> None:
    for point in points:
        published = scene.snapshot()
        kill_at(scene, point, "push" if published else "sync")
        if point.startswith(("push.", "publish.published")):
            assert scene.snapshot()
        else:
            assert (scene.snapshot(), scene.writes()) == ("", [])
        assert point != "push.written:1" or scene.writes()
    scene.sync()
    assert_agreed(scene)
    assert_each_written_once(scene)
