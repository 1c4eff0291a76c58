"""What NetSuite's script and Salesforce's relay post: signed, about what happened, once or until it is taken."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from arsync_pipelines.sandbox.core.errors import SandboxError
from arsync_pipelines.sandbox.salesforce.auth import CONSUMER_KEY
from tests.fixtures.netsuite_records import RECORD, Signed
from tests.fixtures.sandbox import RunningSandbox, running_sandbox

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()


@dataclass
class Receiver:
    """`refusals`: so many posts are answered 503 before one is taken."""

    url: str = ""
    refusals: int = 0
    posts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refused: int = 0

    def wait(self, count: int) -> None:
        ends = time.monotonic() + 30
        while len(self.posts) < count:
            assert time.monotonic() < ends, (len(self.posts), self.refused)
            time.sleep(0.05)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    inbox = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            name, moment = self.headers["webhook-id"], self.headers["webhook-timestamp"]
            signed = f"{name}.{moment}.".encode() + body
            wanted = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
            taken = self.headers["webhook-signature"] == f"v1,{wanted}" and inbox.refused >= inbox.refusals
            if taken:
                inbox.posts.append((name, json.loads(body)))
            else:
                inbox.refused += 1
            self.send_response(204 if taken else 503)
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


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path_factory.mktemp("posts"), customers=20, invoices=100) as made:
        yield made


def deploy(sandbox: RunningSandbox, vendor: str, url: str) -> None:
    sandbox.control("POST", f"/deploy/{vendor}", {"url": url, "secret": SECRET})


def test_netsuites_script_posts_what_was_saved_and_once(sandbox: RunningSandbox, receiver: Receiver) -> None:
    deploy(sandbox, "netsuite", receiver.url)
    paid = sandbox.event("pay")
    receiver.wait(2)
    told = {(m["data"]["recordType"], m["data"]["id"]) for _, m in receiver.posts}
    assert ("invoice", paid["erp_id"]) in told
    assert "customerpayment" in {kind for kind, _ in told}
    assert {m["type"] for _, m in receiver.posts} == {"record.edit"}
    assert len({name for name, _ in receiver.posts}) == len(receiver.posts)
    before = len(receiver.posts)
    receiver.refusals = receiver.refused + 1000
    sandbox.event("pay")
    time.sleep(1)
    receiver.refusals = 0
    time.sleep(1)
    assert len(receiver.posts) == before and receiver.refused >= 2, "a script does not post again"
    deploy(sandbox, "netsuite", "")


def test_netsuites_script_tells_of_what_came_through_the_record_api(
    sandbox: RunningSandbox, receiver: Receiver
) -> None:
    deploy(sandbox, "netsuite", receiver.url)
    customer = next(row["erp_id"] for row in sandbox.truth("balances") if row["erp_id"])
    lines = {"items": [{"item": {"id": "501"}, "quantity": 1, "amount": 12.5}]}
    with httpx.Client(base_url=sandbox.url("netsuite"), auth=Signed(sandbox.secret), timeout=30) as http:
        made = http.post(f"{RECORD}/invoice", json={"entity": {"id": customer}, "item": lines})
        assert made.status_code == 204, made.text
        number = made.headers["location"].rpartition("/")[2]
        assert http.delete(f"{RECORD}/invoice/{number}").status_code == 204
    receiver.wait(2)
    told = [(m["type"], m["data"]["recordType"], m["data"]["id"]) for _, m in receiver.posts]
    assert told == [("record.create", "invoice", number), ("record.delete", "invoice", number)]
    deploy(sandbox, "netsuite", "")


def test_salesforces_relay_posts_change_events_until_they_are_taken(
    sandbox: RunningSandbox, receiver: Receiver
) -> None:
    receiver.refusals = 2
    deploy(sandbox, "salesforce", receiver.url)
    sandbox.advance(5)
    receiver.wait(1)
    assert receiver.refused == 2
    name, message = receiver.posts[0]
    header = message["payload"]["ChangeEventHeader"]
    assert header["recordIds"] and header["entityName"]
    assert name == f"{header['entityName']}-{message['event']['replayId']}"
    replayed = [m["event"]["replayId"] for _, m in receiver.posts]
    assert replayed == sorted(replayed)
    deploy(sandbox, "salesforce", "")


def test_the_relay_leaves_out_what_one_client_wrote(sandbox: RunningSandbox, receiver: Receiver) -> None:
    posting = {"url": receiver.url, "secret": SECRET, "skip_client": "ours"}
    sandbox.control("POST", "/deploy/salesforce", posting)
    for client in ("ours", "theirs"):
        write_account(sandbox, client)
    receiver.wait(1)
    time.sleep(1)
    origins = [m["payload"]["ChangeEventHeader"]["changeOrigin"] for _, m in receiver.posts]
    assert [origin.partition("client=")[2] for origin in origins] == ["theirs"]
    deploy(sandbox, "salesforce", "")


def write_account(sandbox: RunningSandbox, client: str) -> None:
    """A new account over REST, written by an API client of this name."""
    url = sandbox.url("salesforce")
    token = httpx.post(
        f"{url}/services/oauth2/token",
        data={
            "grant_type": "client_credentials",
            "client_id": CONSUMER_KEY,
            "client_secret": sandbox.secret("salesforce_client_secret"),
        },
        timeout=30,
    ).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Sforce-Call-Options": f"client={client}"}
    made = httpx.post(f"{url}/services/data/v66.0/sobjects/Account", json={"Name": client}, headers=headers, timeout=30)
    assert made.status_code == 201, made.text


def test_only_this_machine_is_posted_to_and_only_by_who_can(sandbox: RunningSandbox) -> None:
    with pytest.raises(SandboxError, match="same machine"):
        deploy(sandbox, "netsuite", "https://elsewhere.example/hook")
    with pytest.raises(SandboxError, match="posts nothing by itself"):
        deploy(sandbox, "stripe", "http://127.0.0.1:1/hook")
