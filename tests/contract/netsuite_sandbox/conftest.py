"""A seeded NetSuite stand-in on a free loopback port, and the clients that talk to it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from arsync_pipelines.sandbox.core.context import SandboxContext
from arsync_pipelines.sandbox.core.faults import Rule
from arsync_pipelines.sandbox.netsuite import NetSuiteSandbox, build
from tests.fixtures.netsuite_records import Signed

from .books import company, many


@dataclass
class Account:
    """The running stand-in. `http` signs its requests."""

    sandbox: NetSuiteSandbox
    context: SandboxContext
    url: str
    http: httpx.Client

    def suiteql(self, q: str, params: list[Any] | None = None, limit: int = 1000, offset: int = 0) -> httpx.Response:
        return self.http.post(
            "/services/rest/query/v1/suiteql",
            params={"limit": limit, "offset": offset},
            json={"q": q, **({"params": params} if params is not None else {})},
            headers={"Prefer": "transient"},
        )

    def rows(self, q: str, params: list[Any] | None = None, **paging: int) -> list[dict[str, Any]]:
        response = self.suiteql(q, params, **paging)
        assert response.status_code == 200, response.text
        return [{key: value for key, value in item.items() if key != "links"} for item in response.json()["items"]]

    def refusal(self, q: str, params: list[Any] | None = None, **paging: int) -> str:
        response = self.suiteql(q, params, **paging)
        assert response.status_code == 400, response.text
        return str(response.json()["o:errorDetails"][0]["detail"])

    def fault(self, kind: str, **rule: Any) -> None:
        self.context.faults.add(Rule(kind, "netsuite", **rule))


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    state: Path = tmp_path_factory.mktemp("netsuite")
    context = SandboxContext.open(state, seed=1)
    sandbox = build(context)
    sandbox.project(company())
    sandbox.project(many(1000, 2500))
    sandbox.finish_seeding()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(sandbox.app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with httpx.Client(base_url=url, auth=Signed(context.secret), timeout=20) as http:
        yield Account(sandbox, context, url, http)
    server.should_exit = True
    thread.join(timeout=10)
    listener.close()
    sandbox.close()
    context.journal.close()


@pytest.fixture(autouse=True)
def _no_faults(account: Account) -> Iterator[None]:
    yield
    account.context.faults.remove()
