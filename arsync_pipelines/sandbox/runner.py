"""The sandbox process: one port per vendor and one for control, in one event loop, on the loopback interface only."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from .app import Options, open_simulation, take_folder
from .core.control import control_app
from .core.errors import SandboxError
from .core.faults import FaultMiddleware
from .core.simulation import Progress, Simulation

HOST = "127.0.0.1"
_TICK_S = 1.0


class _Server(uvicorn.Server):
    """Leaves the process's signals to `_serve`, which ends all servers together."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _silent(_made: int, _all: int) -> None:
    """Shows nothing."""


def _say_ready(info: dict[str, Any]) -> None:
    sys.stdout.write("ready " + json.dumps(info) + "\n")
    sys.stdout.flush()


def run(
    options: Options, progress: Progress = _silent, on_ready: Callable[[dict[str, Any]], None] = _say_ready
) -> None:
    """Serves until SIGTERM or Ctrl-C. `on_ready` gets what sandbox.json holds. Raises SandboxError."""
    with take_folder(options.state_dir):
        sockets = _bind(options)
        try:
            simulation = open_simulation(options, progress)
            if options.live is not None:
                simulation.live(options.live)
            info = _describe(options, sockets)
            simulation.context.base_urls.update(info["base_urls"])
            try:
                asyncio.run(_serve(simulation, sockets, lambda: _announce(options.state_dir, info, on_ready)))
            finally:
                simulation.close()
        finally:
            for listener in sockets.values():
                listener.close()


def _bind(options: Options) -> dict[str, socket.socket]:
    """Takes the ports before any work is done. Raises SandboxError for a port in use."""
    sockets: dict[str, socket.socket] = {}
    for offset, name in enumerate(("control", *(name.rpartition(".")[2] for name in options.vendors))):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port = options.ports.get(name, options.base_port + offset if options.base_port else 0)
        try:
            listener.bind((HOST, port))
        except OSError as error:
            raise SandboxError(
                f"port {port} for {name} is not free ({error.strerror}); give another base port"
            ) from error
        sockets[name] = listener
    return sockets


def _describe(options: Options, sockets: dict[str, socket.socket]) -> dict[str, Any]:
    ports = {name: listener.getsockname()[1] for name, listener in sockets.items()}
    return {
        "pid": os.getpid(),
        "ports": ports,
        "base_urls": {name: f"http://{HOST}:{port}" for name, port in ports.items()},
        "secrets_dir": str(options.state_dir / "secrets"),
    }


def _announce(state_dir: Path, info: dict[str, Any], on_ready: Callable[[dict[str, Any]], None]) -> None:
    temporary = state_dir / "sandbox.json.tmp"
    temporary.write_text(json.dumps(info, indent=2))
    temporary.replace(state_dir / "sandbox.json")
    on_ready(info)


async def _serve(simulation: Simulation, sockets: dict[str, socket.socket], ready: Callable[[], None]) -> None:
    apps: dict[str, ASGIApp] = {"control": control_app(simulation)}
    for name, vendor in zip(list(sockets)[1:], simulation.vendors, strict=True):
        apps[name] = FaultMiddleware(vendor.app, simulation.context.faults, vendor)
    servers = [_Server(_config(app)) for app in apps.values()]
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    serving = [
        asyncio.create_task(server.serve(sockets=[sockets[name]])) for name, server in zip(apps, servers, strict=True)
    ]
    living = asyncio.create_task(_live(simulation))
    while not all(server.started for server in servers):
        if any(task.done() for task in serving):
            await asyncio.gather(*serving)
            raise SandboxError("a server of the sandbox ended while starting")
        await asyncio.sleep(0.01)
    ready()
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([stopping, living, *serving], return_when=asyncio.FIRST_COMPLETED)
    for server in servers:
        server.should_exit = True
    failed = living.done()
    living.cancel()
    await asyncio.gather(*serving)
    if failed:
        living.result()


async def _live(simulation: Simulation) -> None:
    """Lets the world live in a thread, so that the ports stay responsive."""
    while True:
        await asyncio.sleep(_TICK_S)
        await asyncio.to_thread(simulation.tick)


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        # the fault middleware must see the server's own `send`, through which it finds the connection
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=3,
    )
