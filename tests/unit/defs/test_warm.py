"""Runs are forks of a process with everything imported: in Dagster's code server, and nowhere else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from arsync_pipelines.defs.maintenance import warm

SERVER = """
import multiprocessing, os, sys
from pathlib import Path

def run(queue, asked):
    queue.put((os.getppid(), "kept_warm" in sys.modules, asked.is_set()))

if __name__ == "__main__":
    from arsync_pipelines.defs.maintenance.warm import warm_runs
    spawning = multiprocessing.get_context("spawn")  # as Dagster's server takes it when it begins
    sys.modules["dagster._grpc.server"] = sys
    sys.argv[1:] = ["api", "grpc"]
    assert warm_runs("kept_warm")
    queue, asked = spawning.Queue(), spawning.Event()
    asked.set()
    process = spawning.Process(target=run, args=[queue, asked])
    process.start()
    parent, warm, heard = queue.get(timeout=30)
    process.join(30)
    assert parent != os.getpid() and warm and heard, (parent, warm, heard)
    assert process.exitcode == 0
    print("forked")
"""


def test_in_a_code_server_a_run_is_a_fork_of_a_warm_process(tmp_path: Path) -> None:
    (tmp_path / "kept_warm.py").write_text("")
    (tmp_path / "server.py").write_text(SERVER)
    command = [sys.executable, str(tmp_path / "server.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    assert done.stdout == "forked\n", done.stderr


def test_other_processes_are_left_alone() -> None:
    assert not warm.warm_runs()
