"""Installations that modules begin with: one where nothing was read yet, and one synced once for all of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

import pytest
from filelock import FileLock

from tests.fixtures.acceptance import FirstSync, Scene, copied_installation, installation


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Configured and prepared; nothing read yet."""
    with installation(tmp_path_factory.mktemp("company") / "installation") as scene:
        yield scene


@pytest.fixture(scope="session")
def first_sync(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> FirstSync:
    """The sandbox's company read, built, published and pushed, once for all workers; not to be changed."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "first_sync"
    folder.mkdir(exist_ok=True)
    done = folder / "report.json"
    with FileLock(folder / "lock"):
        if not done.exists():
            shutil.rmtree(folder / "installation", ignore_errors=True)  # what a worker that failed has left
            with installation(folder / "installation") as scene:
                report = scene.sync()
            done.write_text(json.dumps(report), encoding="utf-8")
    return FirstSync(folder / "installation", json.loads(done.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def synced(first_sync: FirstSync, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The installation after its first sync, as a copy that the module may change."""
    with copied_installation(first_sync.folder, tmp_path_factory.mktemp("company") / "installation") as scene:
        yield scene
