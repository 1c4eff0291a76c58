"""The gateway of a demo: its process, and telling each stand-in to call it."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from arsync_pipelines.cli.demo.world import World
from arsync_pipelines.connectors.salesforce.api import CLIENT_NAME
from arsync_pipelines.domain.errors import ArsyncError

CONNECTIONS = {"salesforce": "crm", "netsuite": "erp", "stripe": "processor"}
"""Vendor -> connection of the demo's arsync.toml."""


def make_secrets(folder: Path) -> None:
    """Files of signing secrets, as arsync.toml names them; Stripe's is replaced by the one that it gives out."""
    for vendor in CONNECTIONS:
        path = folder / f"{vendor}_webhook_secret"
        if not path.exists():
            path.write_text(secrets.token_urlsafe(32), encoding="utf-8")


@contextmanager
def running_gateway(world: World, log: Path) -> Iterator[str]:
    """`arsync gateway` for the arsync.toml of the environment, called by all stand-ins; yields its URL."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "arsync_pipelines.cli", "gateway", "--port", str(port)]
    with log.open("a", encoding="utf-8") as lines:
        process = subprocess.Popen(command, stdout=lines, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_ready(process, url, log)
        _register(world, url)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    ends = time.monotonic() + 60
    while time.monotonic() < ends and process.poll() is None:
        try:
            if httpx.get(f"{url}/healthz", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise ArsyncError(f"the gateway did not start; its last words are in {log}")


def _register(world: World, url: str) -> None:
    """Stripe by its own API; NetSuite's script and Salesforce's relay by the sandbox's control port."""
    key = (world.secrets / "stripe_api_key").read_text(encoding="utf-8").strip()
    made = httpx.post(
        f"{world.urls['stripe']}/v1/webhook_endpoints",
        data={"url": f"{url}/webhooks/{CONNECTIONS['stripe']}", "enabled_events[0]": "*"},
        headers={"Authorization": f"Bearer {key}"},
        timeout=30,
    )
    made.raise_for_status()
    (world.secrets / "stripe_webhook_secret").write_text(made.json()["secret"], encoding="utf-8")
    for vendor in ("salesforce", "netsuite"):
        secret = (world.secrets / f"{vendor}_webhook_secret").read_text(encoding="utf-8").strip()
        body = {"url": f"{url}/webhooks/{CONNECTIONS[vendor]}", "secret": secret}
        # what arsync writes need not come back to it by way of the event bus
        body |= {"skip_client": CLIENT_NAME} if vendor == "salesforce" else {}
        world.post(f"/deploy/{vendor}", body)
