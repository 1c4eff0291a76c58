"""The sandbox process of a demo and its control port."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from arsync_pipelines.domain.errors import ArsyncError


@dataclass(frozen=True, slots=True)
class World:
    """A running sandbox: base URLs by vendor (and `control`), and the folder of its secrets."""

    urls: dict[str, str]
    secrets: Path

    def truth(self, what: str, **parameters: str) -> list[dict[str, Any]]:
        """What the world knows: accounts, balances, invoices or tieout."""
        response = httpx.get(f"{self.urls['control']}/truth/{what}", params=parameters, timeout=600)
        response.raise_for_status()
        found: list[dict[str, Any]] = response.json()
        return found

    def post(self, path: str, body: dict[str, Any]) -> Any:
        response = httpx.post(f"{self.urls['control']}{path}", json=body, timeout=600)
        response.raise_for_status()
        return response.json()


@contextmanager
def running_world(state_dir: Path, seed: int, customers: int, invoices: int) -> Iterator[World]:
    """Start the sandbox process, wait until it is seeded and listening, stop it at the end."""
    state_dir.mkdir(parents=True, exist_ok=True)
    log = state_dir / "sandbox.log"
    command = [sys.executable, "-m", "arsync_pipelines.sandbox", "--state-dir", str(state_dir)]
    command += ["--seed", str(seed), "--customers", str(customers), "--invoices", str(invoices)]
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield _ready(process, state_dir, log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()


def _ready(process: subprocess.Popen[bytes], state_dir: Path, log: Path) -> World:
    deadline = time.monotonic() + 900
    about = state_dir / "sandbox.json"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ArsyncError(f"the sandbox ended with status {process.returncode}; its last words are in {log}")
        if about.is_file():
            found = json.loads(about.read_text(encoding="utf-8"))
            if found.get("pid") == process.pid:
                return World(found["base_urls"], state_dir / "secrets")
        time.sleep(0.2)
    raise ArsyncError(f"the sandbox was not ready after 15 minutes; see {log}")
