"""One Stripe stand-in on a real port for the module, driven by the official SDK."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import stripe
import uvicorn

from arsync_pipelines.sandbox.core.context import SandboxContext
from arsync_pipelines.sandbox.core.faults import FaultMiddleware
from arsync_pipelines.sandbox.stripe import StripeSandbox, build


@dataclass
class Server:
    """A running stand-in and how to reach it."""

    context: SandboxContext
    sandbox: StripeSandbox
    url: str

    def client(self, key: str = "", retries: int = 0) -> stripe.StripeClient:
        secret = key or self.context.secret("stripe_api_key")
        return stripe.StripeClient(secret, base_addresses={"api": self.url}, max_network_retries=retries)

    def now(self) -> int:
        return int(self.context.clock.now().timestamp())


def serve(state_dir: Path) -> Iterator[Server]:
    context = SandboxContext.open(state_dir, seed=7)
    sandbox = build(context)
    listener = socket.create_server(("127.0.0.1", 0))
    app = FaultMiddleware(sandbox.app, context.faults, sandbox)
    config = uvicorn.Config(app, log_level="error", lifespan="off", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield Server(context, sandbox, f"http://127.0.0.1:{listener.getsockname()[1]}")
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
        sandbox.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from serve(tmp_path_factory.mktemp("stripe"))


@pytest.fixture
def client(server: Server) -> Iterator[stripe.StripeClient]:
    yield server.client()
    server.context.faults.remove()
