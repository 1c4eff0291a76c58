"""An installation over a running world, as `arsync demo` makes it: configured, brought over once, then alive."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from os import environ
from pathlib import Path

import httpx

from arsync_pipelines import bootstrap
from arsync_pipelines.cli.demo.configuration import write_configuration
from arsync_pipelines.cli.demo.hooks import CONNECTIONS, running_gateway
from arsync_pipelines.cli.demo.world import World


def installed(world: World, folder: Path) -> None:
    """Configure `folder` for `world`; the first time bring the history over too."""
    config = folder / "arsync.toml"
    write_configuration(world, config, folder / "state")
    environ["ARSYNC_CONFIG"] = str(config)
    environ["DAGSTER_HOME"] = str(bootstrap.platform().settings.dagster_home)
    for arguments in (["init", "--config", str(config)], ["sync", "--json"]):
        with (folder / "installed.log").open("ab") as log:  # what it prints is not ours to print
            subprocess.run(
                [sys.executable, "-m", "arsync_pipelines.cli", *arguments], stdout=log, stderr=log, check=True
            )


@contextmanager
def living(world: World, folder: Path, hints: bool) -> Iterator[None]:
    """`dagster dev` with the daemon's sensors, and the gateway; `hints`: NetSuite's script calls it."""
    log = folder / "state" / "logs" / "dagster.log"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = [str(Path(sys.executable).parent / "dagster"), "dev", "-h", "127.0.0.1", "-p", str(port)]
    command += ["-w", str(bootstrap.PROJECT_ROOT / "workspace.yaml"), "--log-level", "warning"]
    with running_gateway(world, folder / "state" / "logs" / "gateway.log"), log.open("a", encoding="utf-8") as lines:
        if not hints:
            for vendor in set(CONNECTIONS) - {"stripe"}:
                world.post(f"/deploy/{vendor}", {"url": "", "secret": ""})
        process = subprocess.Popen(command, start_new_session=True, stdout=lines, stderr=subprocess.STDOUT)
        try:
            _wait_ready(process, port, log)
            time.sleep(20)  # the daemon's first looks
            at_rest(300.0)
            yield
        finally:
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def at_rest(longest_s: float) -> None:
    """Return when no run is under way, or after `longest_s`."""
    import dagster as dg

    from arsync_pipelines.defs.ingest.sensors import UNFINISHED

    ends = time.monotonic() + longest_s
    with dg.DagsterInstance.get() as instance:
        while time.monotonic() < ends and instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED), limit=1):
            time.sleep(0.25)


def _wait_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    ends = time.monotonic() + 120
    while time.monotonic() < ends and process.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/server_info", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    raise AssertionError(f"dagster dev did not start; its last words are in {log}")
