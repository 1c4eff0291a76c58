"""The connector against the stand-in: real HTTP on loopback, a small seeded company, and what landed kept by key."""

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
import uvicorn

from arsync_pipelines.connectors.http import Retry, RetryBudget
from arsync_pipelines.connectors.netsuite import CONNECTOR
from arsync_pipelines.connectors.netsuite.source import NetSuiteSource
from arsync_pipelines.domain.secret import SecretRef
from arsync_pipelines.sandbox.core.context import SandboxContext
from arsync_pipelines.sandbox.core.faults import FaultMiddleware, Rule
from arsync_pipelines.sandbox.core.world.generator import Size
from arsync_pipelines.sandbox.core.world.world import World
from arsync_pipelines.sandbox.netsuite import ACCOUNT, NetSuiteSandbox, build

TBA = {
    "method": "tba",
    "consumer_key": {"env": "netsuite_consumer_key"},
    "consumer_secret": {"env": "netsuite_consumer_secret"},
    "token_id": {"env": "netsuite_token_id"},
    "token_secret": {"env": "netsuite_token_secret"},
}
SPECS = {spec.name: spec for spec in CONNECTOR.streams}


@dataclass
class Company:
    """A running stand-in, the connector, and the latest version of every row read so far, deletions applied."""

    context: SandboxContext
    sandbox: NetSuiteSandbox
    world: World
    url: str
    held: dict[str, dict[tuple[str, ...], dict[str, Any]]] = field(default_factory=dict)
    cursors: dict[str, Any] = field(default_factory=dict)

    def reveal(self, ref: SecretRef) -> str:
        name = str(ref.env)
        if name.endswith(".pem"):
            return (self.context.state_dir / "secrets" / name).read_text()
        return self.context.secret(name)

    def m2m(self, algorithm: str) -> dict[str, Any]:
        suffix = "_ec" if algorithm == "ES256" else ""
        return {
            "method": "m2m",
            "client_id": {"env": "netsuite_client_id"},
            "certificate_id": self.context.secret(f"netsuite_certificate_id{suffix}"),
            "private_key": {"env": f"netsuite_m2m{suffix}.private.pem"},
            "algorithm": algorithm,
        }

    def source(self, auth: dict[str, Any] | None = None, **options: Any) -> NetSuiteSource:
        given = {"account": ACCOUNT, "base_url": self.url, "time_zone": "America/Los_Angeles", "auth": auth or TBA}
        return NetSuiteSource(
            "erp",
            CONNECTOR.options.model_validate({**given, **options}),
            self.reveal,
            retry=Retry(RetryBudget(attempts=12, seconds=60, base=0.05, cap=0.5)),
        )

    def fault(self, kind: str, **given: Any) -> None:
        self.context.faults.add(Rule(kind, "netsuite", **given))

    def sync(self, stream: str, source: NetSuiteSource | None = None) -> int:
        """Read on from the last cursor; how many rows are new, different or gone."""
        spec, held, changed = SPECS[stream], self.held.setdefault(stream, {}), 0
        whole: set[tuple[str, ...]] = set()
        for page in (source or self.source()).read(stream, self.cursors.get(stream)):
            rows = {tuple(row[column] for column in spec.primary_key): dict(row) for row in page.rows}
            assert len(rows) == len(page.rows), "a key came twice in one page"
            scopes, position = set(page.scopes), [spec.primary_key.index(column) for column in spec.scope]
            gone = [key for key in held if scopes and tuple(key[i] for i in position) in scopes and key not in rows]
            changed += len(gone) + sum(held.get(key) != row for key, row in rows.items())
            for key in gone:
                del held[key]
            held.update(rows)
            whole.update(rows)
            self.cursors[stream] = page.cursor
        if spec.delete_detection == "full":
            for key in held.keys() - whole:
                del held[key]
        return changed

    def sync_all(self, source: NetSuiteSource | None = None) -> dict[str, int]:
        source = source or self.source()
        return {stream: self.sync(stream, source) for stream in SPECS}

    def stored(self, table: str, *columns: str) -> set[tuple[str, ...]]:
        """Keys as the stand-in's own store has them."""
        with self.sandbox.store.lock:
            names = ", ".join(f'"{column}"' for column in columns)
            rows = self.sandbox.store.db.execute(f'select {names} from "{table}"').fetchall()
        return {tuple(str(value) for value in row) for row in rows}

    def next_day(self) -> None:
        delta = self.world.day(self.context.clock.now())
        self.sandbox.project(delta)
        self.world.projected()
        self.context.clock.advance(timedelta(days=1))


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    context = SandboxContext.open(tmp_path, seed=3)
    sandbox, world = build(context), World(tmp_path)
    for delta in world.seed(Size(3, 60, 900)):
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
