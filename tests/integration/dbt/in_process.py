"""dbt in this process on a project that was parsed once: for many builds, and for builds of changed text.

A process of its own for every build would import and parse for seconds each time. dbt keeps its adapter and its log in
globals, so let a process do nothing else: `Worker` is one that others share.

    python -m tests.integration.dbt.in_process FOLDER     # answers a line of JSON for each line of JSON
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

from arsync_pipelines.bootstrap import Platform
from arsync_pipelines.defs.transform import templates
from arsync_pipelines.defs.transform.dbt import unpacked
from arsync_pipelines.defs.transform.parsed import parsed
from arsync_pipelines.defs.transform.spared import spared
from arsync_pipelines.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
PROJECT = ROOT / "dbt_project"
CALLED = "warehouse.duckdb"
"""DuckDB's catalog has the name of its file, and a parsed project knows of one."""


class Dbt:
    """dbt on the project as it was when this was made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        platform = Platform(Settings(state_dir=folder))
        assert platform.settings.warehouse_path.name == CALLED
        project = parsed(platform)
        self.kept = project.folder
        self.manifest: Any = unpacked(project.packed)
        self.manifest.build_parent_and_child_maps()

    def invoke(self, warehouse: Path, *arguments: str, folder: Path | None = None) -> Any:
        """dbt's own result; generated files go to `folder`, what it says of failures to stdout.

        Raises ValueError unless the warehouse's file has the name that all have here.
        """
        if warehouse.name != CALLED:
            raise ValueError(f"{warehouse} is not called {CALLED}")
        folder = folder or self.folder
        os.environ["ARSYNC_WAREHOUSE_PATH"] = str(warehouse)
        given = ["--quiet", "--log-path", str(folder / "logs"), "--log-level-file", "none", "--no-use-colors"]
        given += ["--no-send-anonymous-usage-stats", "--no-write-json", *arguments]
        given += [
            "--project-dir",
            str(PROJECT),
            "--profiles-dir",
            str(PROJECT),
            "--target-path",
            str(folder / "target"),
        ]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what dbt's own dependencies deprecate
            from dbt.adapters.duckdb.connections import DuckDBConnectionManager
            from dbt.cli.main import dbtRunner

            try:
                with spared(), templates.kept(self.kept):
                    return dbtRunner(manifest=self.manifest).invoke(given)
            finally:
                DuckDBConnectionManager.close_all_connections()


@dataclass(frozen=True)
class Done:
    """How a command of dbt ended: 0 when all went well; `stdout` says what did not."""

    returncode: int
    stdout: str


class Worker:
    """A process of dbt's own that keeps the parsed project between commands."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-W", "ignore", "-m", "tests.integration.dbt.in_process", str(folder)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    @classmethod
    @cache
    def shared(cls) -> Worker:
        """One for this process, for as long as it lives."""
        folder = tempfile.TemporaryDirectory(prefix="dbt-")
        worker = cls(Path(folder.name))
        atexit.register(folder.cleanup)
        atexit.register(worker.end)
        return worker

    def run(self, warehouse: Path, arguments: Sequence[str]) -> Done:
        """Raises EOFError when the process died."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin and stdout
        stdin.write(json.dumps([str(warehouse), *arguments]) + "\n")
        stdin.flush()
        answer = stdout.readline()
        if not answer:
            raise EOFError(f"dbt's process ended with {self._process.wait()}: {arguments}")
        return Done(**json.loads(answer))

    def end(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(30)


def serve(folder: Path, answers: IO[str]) -> None:
    """Run each command that stdin names, with what dbt prints caught."""
    dbt, said = Dbt(folder), folder / "said"
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        warehouse = Path(name)
        with said.open("w+b") as file:
            os.dup2(file.fileno(), 1)
            done = dbt.invoke(warehouse, *arguments, folder=warehouse.parent)
            sys.stdout.flush()
        text = said.read_text(encoding="utf-8") + (f"\n{done.exception}" if done.exception else "")
        answers.write(json.dumps({"returncode": int(not done.success), "stdout": text}) + "\n")
        answers.flush()


if __name__ == "__main__":
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as kept:
        os.dup2(2, 1)
        serve(Path(sys.argv[1]), kept)
