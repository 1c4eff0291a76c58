"""Speaks to a running sandbox's control port: what `arsync sandbox advance` and tests need of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

from .core.errors import SandboxError


def running(state_dir: Path) -> dict[str, Any]:
    """pid, ports, base_urls and secrets_dir of the sandbox of this folder. SandboxError when there is none."""
    path = state_dir / "sandbox.json"
    if not path.exists():
        raise SandboxError(f"no sandbox was started in {state_dir}; start one with: arsync sandbox")
    info: dict[str, Any] = json.loads(path.read_text())
    return info


def call(state_dir: Path, method: str, path: str, body: object = None, timeout_s: float = 600.0) -> Any:
    """One request to the control port; returns the decoded JSON. Raises SandboxError with the port's own words."""
    url = running(state_dir)["base_urls"]["control"]
    try:
        answer = httpx.request(method, f"{url}{path}", json=body, timeout=timeout_s)
    except httpx.TransportError as error:
        raise SandboxError(f"the sandbox of {state_dir} does not answer at {url} ({error}); start it again") from error
    decoded = answer.json()
    if answer.status_code >= 400:
        raise SandboxError(f"{method} {path}: {decoded.get('error', answer.status_code)}")
    return decoded


def advance(state_dir: Path, days: int) -> dict[str, Any]:
    """Lets days pass in the running sandbox: {"now", "date", "days", "changes": records by type}."""
    answer: dict[str, Any] = call(state_dir, "POST", "/advance", {"days": days})
    return answer
