"""Signed deliveries, retries, duplicates and disorder, verified by the official SDK."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import stripe

from arsync_pipelines.sandbox.core.faults import Rule

from .conftest import Server


@dataclass
class Receiver:
    """Keeps what was delivered; answers `failures` times 500 before it accepts."""

    url: str = ""
    failures: int = 0
    received: list[tuple[bytes, str]] = field(default_factory=list)

    def wait(self, count: int, seconds: float = 8.0) -> None:
        _until(lambda: len(self.received) >= count, seconds)


def _until(condition: Callable[[], bool], seconds: float = 8.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing came in time"
        time.sleep(0.02)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    inbox = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            payload = self.rfile.read(int(self.headers["Content-Length"]))
            inbox.received.append((payload, self.headers["Stripe-Signature"]))
            inbox.failures -= 1
            self.send_response(500 if inbox.failures >= 0 else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    inbox.url = f"http://127.0.0.1:{http.server_address[1]}/hook"
    yield inbox
    http.shutdown()
    http.server_close()
    thread.join(5)


@pytest.fixture
def secret(client: stripe.StripeClient, receiver: Receiver) -> Iterator[str]:
    made = client.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["customer.created"]})
    assert made.secret is not None and made.secret.startswith("whsec_")
    assert "secret" not in client.v1.webhook_endpoints.retrieve(made.id).to_dict()
    yield made.secret
    client.v1.webhook_endpoints.delete(made.id)


def test_event_arrives_signed_and_only_the_enabled_ones(
    client: stripe.StripeClient, receiver: Receiver, secret: str
) -> None:
    customer = client.v1.customers.create({"name": "Hooked"})
    client.v1.customers.update(customer.id, {"name": "Changed"})
    receiver.wait(1)
    payload, signature = receiver.received[0]
    event = stripe.Webhook.construct_event(payload, signature, secret)
    assert event.type == "customer.created" and event.to_dict()["data"]["object"]["id"] == customer.id
    assert event.to_dict()["request"]["id"].startswith("req_")
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(payload.replace(b"Hooked", b"Forged"), signature, secret)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(payload, signature, "whsec_other")
    time.sleep(0.1)
    assert len(receiver.received) == 1
    _until(lambda: client.v1.events.retrieve(event.id).pending_webhooks == 0)


def test_refused_delivery_is_repeated_until_it_is_accepted(
    client: stripe.StripeClient, receiver: Receiver, secret: str
) -> None:
    receiver.failures = 2
    client.v1.customers.create({"name": "Again"})
    receiver.wait(3)
    ids = {stripe.Webhook.construct_event(payload, mark, secret).id for payload, mark in receiver.received}
    assert len(ids) == 1


def test_duplicates_and_disorder_on_demand(
    server: Server, client: stripe.StripeClient, receiver: Receiver, secret: str
) -> None:
    server.context.faults.add(Rule("duplicate_webhook", "stripe", times=1))
    client.v1.customers.create({"name": "Twice"})
    receiver.wait(2)
    ids = [stripe.Webhook.construct_event(payload, mark, secret).id for payload, mark in receiver.received]
    assert ids[0] == ids[1]
    server.context.faults.add(Rule("reorder_webhook", "stripe", times=1, params={"ms": 400}))
    first = client.v1.customers.create({"name": "First"})
    second = client.v1.customers.create({"name": "Second"})
    receiver.wait(4)
    events = [
        stripe.Webhook.construct_event(payload, mark, secret).to_dict() for payload, mark in receiver.received[2:]
    ]
    assert [event["data"]["object"]["id"] for event in events] == [second.id, first.id]


def test_endpoints_outside_this_machine_are_refused(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.webhook_endpoints.create({"url": "https://example.com/hook", "enabled_events": ["*"]})
    assert caught.value.param == "url"
