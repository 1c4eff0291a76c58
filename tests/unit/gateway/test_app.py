"""The app over a real SQLite store: who is answered what, what is kept, and what is told of it."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from arsync_pipelines.connectors.stripe.options import StripeOptions
from arsync_pipelines.connectors.stripe.webhook import StripeWebhook
from arsync_pipelines.domain import failpoint
from arsync_pipelines.gateway.app import Limits, make_app
from arsync_pipelines.ops.store import OpsStore, open_store
from arsync_pipelines.services.receive import Receiver
from tests.fixtures.asgi import AppClient, calling
from tests.fixtures.webhooks import OLD_SECRET, SECRET, SECRETS, reveal, stripe_event, stripe_headers

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
AT = START.timestamp()


@dataclass
class Clock:
    instant: datetime = field(default=START)

    def now(self) -> datetime:
        return self.instant


@dataclass
class House:
    """A gateway that serves one Stripe connection, `pay`."""

    ops: OpsStore
    clock: Clock
    client: AppClient
    file: Path

    def post(self, body: bytes, headers: dict[str, str] | None = None, path: str = "/webhooks/pay") -> int:
        given = stripe_headers(body, AT) if headers is None else headers
        return int(self.client.post(path, content=body, headers=given).status_code)

    def kept(self) -> int:
        return sum(self.ops.inbox.counts().values())

    def metric(self, name: str) -> float:
        lines = self.client.get("/metrics").text.splitlines()
        return float(next(line for line in lines if line.startswith(name)).rpartition(" ")[2])


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    file = tmp_path / "ops.sqlite"
    ops, clock = open_store(file), Clock()
    table = {"secrets": [{"env": "new"}, {"env": "old"}]}
    made = StripeOptions.model_validate({"api_key": {"env": "key"}, "webhook": table})
    assert made.webhook is not None
    webhooks = {"pay": StripeWebhook(made.webhook, "", reveal)}
    limits = Limits(body_bytes=20_000, body_seconds=0.5, store_seconds=0.5)
    app = make_app(Receiver(ops.inbox, webhooks.get, clock), ops.inbox, clock, limits)
    with calling(app) as client:
        yield House(ops, clock, client, file)
    failpoint.arm("")
    ops.close()


def test_an_event_is_kept_before_it_is_answered_and_once(house: House) -> None:
    body = stripe_event("1")
    first = house.client.post("/webhooks/pay", content=body, headers=stripe_headers(body, AT))
    assert (first.status_code, first.json()) == (200, {"received": 1, "known": 0})
    again = house.client.post("/webhooks/pay", content=body, headers=stripe_headers(body, AT + 9))
    assert (again.status_code, again.json()) == (200, {"received": 0, "known": 1})
    (entry,) = house.ops.inbox.waiting(START)
    assert (entry.event_id, entry.signature, entry.received_at) == ("evt_1", "stripe-v1", START)
    assert house.metric("arsync_webhook_received_total") == 1
    assert house.metric("arsync_webhook_duplicates_total") == 1


def test_what_is_not_the_sources_is_refused_and_nothing_is_kept(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    body = stripe_event("1")
    good = stripe_headers(body, AT)
    assert house.post(body, {}) == 401
    assert house.post(body + b" ", good) == 401
    assert house.post(body, stripe_headers(body, AT, "whsec_" + "9" * 40)) == 401
    assert house.post(body, stripe_headers(body, AT - 301)) == 400
    assert house.post(b"no event", stripe_headers(b"no event", AT)) == 400
    assert house.post(b"x" * 20_001, good) == 413
    assert house.post(body, good, "/webhooks/nobody") == 404
    assert house.post(body, good, "/webhooks/pay/more") == 404
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        answer = house.client.request(method, "/webhooks/pay", headers=good)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert house.kept() == 0
    assert house.metric("arsync_webhook_forged_total") == 3
    assert house.metric("arsync_webhook_stale_total") == 1
    assert house.metric("arsync_webhook_unreadable_total") == 1
    told = caplog.text + house.client.get("/metrics").text
    assert not [secret for secret in (*SECRETS.values(), SECRET, OLD_SECRET) if secret in told]
    assert good["stripe-signature"].partition("v1=")[2] not in told and "in_1" not in told
    assert house.ops.verify().rows == 0


def test_a_body_without_a_length_is_counted_as_it_comes(house: House) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"x" * 5_000

    answer = house.client.post("/webhooks/pay", content=parts(), headers={"stripe-signature": "t=1,v1=0"})
    assert answer.status_code == 413


def test_a_store_that_cannot_take_it_lets_the_source_come_again(house: House) -> None:
    body = stripe_event("1")
    failpoint.arm("inbox.stored:1:raise")
    answer = house.client.post("/webhooks/pay", content=body, headers=stripe_headers(body, AT))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert house.kept() == 0
    assert house.post(body) == 200
    assert house.metric("arsync_webhook_refused_total") == 1


def test_what_was_kept_but_not_answered_is_known_when_it_comes_again(house: House) -> None:
    failpoint.arm("inbox.committed:1:raise")
    body = stripe_event("1")
    assert house.post(body) == 503
    assert house.kept() == 1
    assert house.post(body) == 200
    assert house.kept() == 1


def test_a_full_store_answers_503_and_keeps_what_it_had(house: House) -> None:
    assert house.post(stripe_event("0")) == 200
    with house.ops.engine.connect() as db:
        pages = int(db.exec_driver_sql("pragma page_count").scalar() or 0)
        db.exec_driver_sql(f"pragma max_page_count={pages}")
    statuses = set()
    for n in range(1, 60):
        body = stripe_event(str(n), note="x" * 3000)
        statuses.add(house.post(body))
    assert statuses <= {200, 503} and 503 in statuses
    with house.ops.engine.connect() as db:
        db.exec_driver_sql("pragma max_page_count=100000")
    assert house.post(stripe_event("59", note="x" * 3000)) == 200
    assert house.ops.verify().holds


def test_a_locked_store_answers_503_in_time_and_loses_nothing(house: House) -> None:
    other = sqlite3.connect(house.file, isolation_level=None)
    other.execute("begin immediate")
    body = stripe_event("1")
    assert house.post(body) == 503
    assert house.client.get("/healthz").json()["store"] == "ok", "who only reads is not kept waiting"
    other.execute("rollback")
    other.close()
    assert house.post(body) == 200
    assert house.kept() == 1


def test_health_says_what_waits_and_for_how_long(house: House) -> None:
    assert house.client.get("/healthz").json() == {"store": "ok", "pending": 0, "oldest_pending_seconds": None}
    house.post(stripe_event("1"))
    house.clock.instant = datetime.fromtimestamp(AT + 90, UTC)
    house.post(stripe_event("2"))
    assert house.client.get("/healthz").json() == {"store": "ok", "pending": 2, "oldest_pending_seconds": 90.0}
    assert house.metric("arsync_inbox_pending") == 2
    assert house.metric("arsync_inbox_oldest_pending_seconds") == 90
    assert house.metric("arsync_store_up") == 1


def test_health_says_when_the_store_is_gone(house: House) -> None:
    with house.ops.engine.begin() as db:
        db.exec_driver_sql("drop table inbox_event")
    answer = house.client.get("/healthz")
    assert (answer.status_code, answer.json()) == (503, {"store": "unreachable"})
    assert house.metric("arsync_store_up") == 0
    assert house.post(stripe_event("1")) == 503


def test_metrics_are_in_the_form_that_prometheus_reads(house: House) -> None:
    house.post(stripe_event("1"))
    answer = house.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    for line in lines:
        name = line.split()[2] if line.startswith("#") else line.partition("{")[0].split()[0]
        assert name.startswith("arsync_")
        if not line.startswith("#"):
            float(line.rpartition(" ")[2])
    typed = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(typed) == len(set(typed)) == 9


def test_many_at_once_are_kept_once_each(house: House) -> None:
    def until_taken(body: bytes) -> None:
        statuses.append(house.post(body))
        while statuses[-1] == 503:
            statuses.append(house.post(body))

    statuses: list[int] = []
    threads = [threading.Thread(target=until_taken, args=[stripe_event(str(n % 7))]) for n in range(28)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {200, 503}
    assert house.kept() == 7
    assert house.ops.verify().holds
