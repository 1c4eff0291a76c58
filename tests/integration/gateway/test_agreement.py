"""The Stripe stand-in calls a real gateway: duplicated, reordered, with the gateway killed before it answers, and in
the end not at all. Whatever came, reading again by events and polling bring the same raw state as polling alone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from arsync_pipelines import bootstrap
from arsync_pipelines.bootstrap import Platform
from arsync_pipelines.connectors.clock import SystemClock
from arsync_pipelines.domain.inbox import InboxState
from arsync_pipelines.ops.inbox import InboxEntry
from arsync_pipelines.services.hints import settled_by_reading, streams_of
from tests.conftest import told
from tests.fixtures.gateway import RunningGateway, running_gateway
from tests.fixtures.sandbox import RunningSandbox, running_sandbox

TOML = """
[connections.pay]
vendor = "stripe"
base_url = "{url}"
api_key = {{ file = "{secrets}/stripe_api_key" }}
[connections.pay.webhook]
secrets = [{{ file = "{folder}/webhook_secret" }}]
"""


@dataclass
class Installation:
    """One of two that look at the same account."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "arsync.toml"

    def platform(self) -> Platform:
        return bootstrap.platform(self.config)

    def poll(self) -> None:
        platform = self.platform()
        platform.ingest.run(platform.source("pay"))

    def read_again(self) -> int:
        """What the sensor's run does, without Dagster: take what waits, read its streams. Returns how many events."""
        platform = self.platform()
        inbox = platform.ops.inbox
        waiting = inbox.waiting(SystemClock().now())
        for connection, streams in streams_of(waiting).items():
            with settled_by_reading(inbox, f"run-{time.monotonic_ns()}", connection, streams, SystemClock()):
                platform.ingest.run(platform.source(connection), sorted(streams))
        platform.ops.close()
        return len(waiting)

    def events(self, key: str) -> list[InboxEntry]:
        platform = self.platform()
        found = platform.ops.inbox.find(key)
        platform.ops.close()
        return found

    def raw(self) -> dict[str, list[dict[str, Any]]]:
        """Stream -> its rows as they are now, without what tells when they came."""
        platform = self.platform()
        found = {}
        with platform.warehouse.writing():
            for spec in platform.source("pay").streams():
                rows = platform.warehouse.query(
                    f"select * exclude (_connection, _batch_id, _seq, _loaded_at, _row_hash) from {spec.table}"
                    " where true qualify row_number() over (partition by id order by _seq desc) = 1 order by id"
                )
                found[spec.name] = [json.loads(json.dumps(row, default=str)) for row in rows]
        return found


@dataclass
class Account:
    """The stand-in, and the API as a person uses it."""

    sandbox: RunningSandbox

    def call(self, method: str, path: str, data: dict[str, str] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.sandbox.secret('stripe_api_key')}"}
        answer = httpx.request(method, self.sandbox.url("stripe") + path, data=data, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def register(self, gateway: RunningGateway, secret: Path) -> str:
        url = f"{gateway.url}/webhooks/pay"
        made = self.call("POST", "/v1/webhook_endpoints", {"url": url, "enabled_events[0]": "*"})
        secret.write_text(made["secret"])
        return str(made["id"])

    def events(self) -> set[str]:
        found: set[str] = set()
        after = ""
        while True:
            page = self.call("GET", f"/v1/events?limit=100{after}")
            found |= {event["id"] for event in page["data"]}
            if not page["has_more"]:
                return found
            after = f"&starting_after={page['data'][-1]['id']}"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    folder = tmp_path_factory.mktemp("account")
    with running_sandbox(folder, customers=120, invoices=900, vendors=("stripe",)) as sandbox:
        yield Account(sandbox)


def install(folder: Path, account: Account) -> Installation:
    folder.mkdir()
    (folder / "webhook_secret").write_text("whsec_" + "0" * 48)
    text = TOML.format(url=account.sandbox.url("stripe"), secrets=account.sandbox.secrets_dir, folder=folder)
    (folder / "arsync.toml").write_text(text)
    return Installation(folder)


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "did not happen in time"
        time.sleep(0.2)


def test_events_and_polling_agree_with_polling_alone(
    account: Account, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    called, polling = install(tmp_path / "called", account), install(tmp_path / "polling", account)
    called.poll()
    polling.poll()
    before = account.events()
    kills = 0
    with running_gateway(called.config, "inbox.committed:3:kill", ARSYNC_LOG_FORMAT="json") as gateway:
        endpoint = account.register(gateway, called.folder / "webhook_secret")
        account.sandbox.add_fault("duplicate_webhook", "stripe", rate=0.4)
        account.sandbox.add_fault("reorder_webhook", "stripe", rate=0.4, params={"ms": 300})
        account.sandbox.advance(2)
        for again in ("inbox.stored:2:kill", ""):
            gateway.wait_killed()
            kills += 1
            gateway.start(again, ARSYNC_LOG_FORMAT="json")
        account.sandbox.advance(2)
        happened = account.events() - before
        assert len(happened) > 10

        def all_came() -> bool:
            return all(called.events(event) for event in happened)

        until(all_came)
        assert all(len(called.events(event)) == 1 for event in happened), "each once"
        count = len(happened)
        total = sum(value for name, value in gateway.metrics().items() if "_received_total" in name)
        assert 0 < total <= count, "the counters are of this process"
        waited = gateway.health()["pending"]
        assert 0 < waited <= count
        while called.read_again():
            pass
        states = {entry.state for event in happened for entry in called.events(event)}
        assert states <= {InboxState.DONE, InboxState.IGNORED}
        polling.poll()
        by_events, by_polls = called.raw(), polling.raw()
        for stream in ("customer", "invoice", "charge", "refund", "dispute"):
            assert by_events[stream] == by_polls[stream], f"{stream}: events alone bring what polling brings"
        called.poll()
        assert called.raw() == by_polls

        account.call("DELETE", f"/v1/webhook_endpoints/{endpoint}")
        account.sandbox.advance(1)
        lost = account.events() - before - happened
        assert lost and not any(called.events(event) for event in lost)
        called.poll()
        polling.poll()
        assert called.raw() == polling.raw(), "what no event told of comes by polling"
        assert gateway.stop() == 0
    log = gateway.log.read_text()
    assert (called.folder / "webhook_secret").read_text() not in log
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    logged = {line["correlation_id"] for line in lines if line["message"].startswith("event ")}
    assert logged and logged <= {called.events(event)[0].correlation_id for event in happened}
    ops = called.platform().ops
    assert ops.verify().holds
    ops.close()
    figures = f"{len(happened)} events duplicated and reordered, {kills} kills of the gateway, {len(lost)} dropped"
    record_property(told("Webhooks"), f"real processes: {figures}; lost 0, stored twice 0, raw as by polling alone")
