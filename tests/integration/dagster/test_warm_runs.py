"""A run forked from the process kept warm can use all that was imported there, the warehouse's lock above all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FORKED = """
import gc, multiprocessing, os, sys
from pathlib import Path

def run(queue):
    from arsync_pipelines import bootstrap
    warm = "arsync_pipelines.definitions" in sys.modules and gc.get_freeze_count() > 0
    warehouse = bootstrap.platform(Path(os.environ["ARSYNC_CONFIG"])).warehouse
    with warehouse.writing(timeout=10):
        warehouse.replace_table("written_by_run", {"a": "integer"}, [(1,)])
        queue.put((warm, warehouse.query("select a from written_by_run")))

if __name__ == "__main__":
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload(["arsync_pipelines.defs.maintenance.warm_imports"])
    for _ in range(2):  # one run after the other, as the code server starts them
        queue = forking.Queue()
        process = forking.Process(target=run, args=[queue])
        process.start()
        process.join(120)
        assert process.exitcode == 0, process.exitcode
        assert queue.get(timeout=10) == (True, [{"a": 1}])
    print("written")
"""


def test_runs_forked_from_the_warm_process_write_to_the_warehouse(tmp_path: Path) -> None:
    config = tmp_path / "arsync.toml"
    config.write_text(f'state_dir = "{tmp_path / "state"}"\nas_of = 2026-07-01\n')
    (tmp_path / "forked.py").write_text(FORKED)
    command = [sys.executable, "-W", "ignore", str(tmp_path / "forked.py")]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=180, check=False, cwd=tmp_path,
        env={**os.environ, "ARSYNC_CONFIG": str(config)},
    )  # fmt: skip
    assert done.stdout.endswith("written\n"), done.stdout + done.stderr
