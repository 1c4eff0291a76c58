"""The connector against the stand-in: real HTTP on loopback, a small seeded company, and what landed kept by id."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe
import uvicorn

from arsync_pipelines.connectors.http import Retry, RetryBudget
from arsync_pipelines.connectors.stripe import CONNECTOR
from arsync_pipelines.connectors.stripe.source import StripeSource
from arsync_pipelines.sandbox.core.context import SandboxContext
from arsync_pipelines.sandbox.core.faults import FaultMiddleware, Rule
from arsync_pipelines.sandbox.core.world.generator import Size
from arsync_pipelines.sandbox.core.world.world import World
from arsync_pipelines.sandbox.stripe import StripeSandbox, build

LISTS = {
    "customer": "customers",
    "invoice": "invoices",
    "charge": "charges",
    "refund": "refunds",
    "dispute": "disputes",
    "payout": "payouts",
    "balance_transaction": "balance_transactions",
}


@dataclass
class Company:
    """A running stand-in, the official client, the connector, and the latest version of every row read so far."""

    context: SandboxContext
    sandbox: StripeSandbox
    world: World
    url: str
    held: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    cursors: dict[str, Any] = field(default_factory=dict)

    @property
    def client(self) -> stripe.StripeClient:
        key = self.context.secret("stripe_api_key")
        return stripe.StripeClient(key, base_addresses={"api": self.url}, max_network_retries=5)

    def source(self, secret: str = "", **options: Any) -> StripeSource:
        return StripeSource(
            "pay",
            CONNECTOR.options.model_validate({"api_key": {"env": "KEY"}, "base_url": self.url, **options}),
            lambda _: secret or self.context.secret("stripe_restricted_key"),
            retry=Retry(RetryBudget(attempts=12, seconds=60, base=0.05, cap=0.5)),
        )

    def fault(self, kind: str, **given: Any) -> None:
        self.context.faults.add(Rule(kind, "stripe", **given))

    def sync(self, stream: str, source: StripeSource | None = None) -> int:
        """Read on from the last cursor; how many rows are new or different."""
        held, changed = self.held.setdefault(stream, {}), 0
        for page in (source or self.source()).read(stream, self.cursors.get(stream)):
            for row in page.rows:
                changed += held.get(row["id"]) != row
                held[row["id"]] = dict(row)
            self.cursors[stream] = page.cursor
        return changed

    def truth(self, stream: str) -> dict[str, dict[str, Any]]:
        """All objects as the official client lists them, cut to the declared columns."""
        columns = [f.name for spec in CONNECTOR.streams if spec.name == stream for f in spec.fields]
        listed = getattr(self.client.v1, LISTS[stream]).list({"limit": 100})
        bodies = (item.to_dict() for item in listed.auto_paging_iter())
        return {body["id"]: {c: body.get(c) for c in columns if c != "deleted"} for body in bodies}

    def differences(self, stream: str) -> list[str]:
        """Ids that the connector does not hold as the official client shows them; deleted ones aside."""
        held = {
            key: {name: value for name, value in row.items() if name != "deleted"}
            for key, row in self.held.get(stream, {}).items()
            if not row.get("deleted")
        }
        truth = self.truth(stream)
        return [key for key in held.keys() | truth.keys() if held.get(key) != truth.get(key)]

    def next_day(self) -> None:
        delta = self.world.day(self.context.clock.now())
        self.sandbox.project(delta)
        self.world.projected()
        self.context.clock.advance(timedelta(days=1))


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    context = SandboxContext.open(tmp_path, seed=3)
    sandbox, world = build(context), World(tmp_path)
    for delta in world.seed(Size(3, 60, 1500)):
        sandbox.project(delta)
    sandbox.finish_seeding()
    world.seeding_done()
    listener = socket.create_server(("127.0.0.1", 0))
    app = FaultMiddleware(sandbox.app, context.faults, sandbox)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield Company(context, sandbox, world, f"http://127.0.0.1:{listener.getsockname()[1]}")
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
        sandbox.close()
        world.store.close()
