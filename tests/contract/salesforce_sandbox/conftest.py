"""A running org on a loopback port, and the vendor's client library aimed at it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest
import requests
import requests.adapters
import uvicorn
from simple_salesforce import Salesforce

from arsync_pipelines.sandbox.core.context import SandboxContext
from arsync_pipelines.sandbox.core.faults import FaultMiddleware, Rule
from arsync_pipelines.sandbox.core.world.records import CrmAccount, CrmContact, CrmOpportunity, Delta, Employee
from arsync_pipelines.sandbox.salesforce import SalesforceSandbox, build
from arsync_pipelines.sandbox.salesforce.auth import CONSUMER_KEY, KEY_PAIR, REFRESH_TOKEN, SECRET

VERSION = "66.0"
START = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)


class Rewrite(requests.adapters.HTTPAdapter):
    """Sends what the library addresses to *.salesforce.com to the stand-in."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = urlsplit(base)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        parts = urlsplit(str(request.url))
        request.headers["X-Original-Host"] = parts.netloc
        request.url = urlunsplit((self._base.scheme, self._base.netloc, parts.path, parts.query, ""))
        return super().send(request, *args, **kwargs)


@dataclass
class Server:
    """The stand-in in a thread, with handles for tests."""

    url: str
    sandbox: SalesforceSandbox
    context: SandboxContext

    @property
    def secret(self) -> str:
        return self.context.secret(SECRET)

    @property
    def refresh_token(self) -> str:
        return self.context.secret(REFRESH_TOKEN)

    @property
    def private_key(self) -> Path:
        return self.context.key_pair(KEY_PAIR, "rsa")[0]

    def token(self) -> str:
        form = {"grant_type": "client_credentials", "client_id": CONSUMER_KEY, "client_secret": self.secret}
        token: str = httpx.post(f"{self.url}/services/oauth2/token", data=form).json()["access_token"]
        return token

    def fault(self, kind: str, **options: Any) -> None:
        self.context.faults.add(Rule(kind, "salesforce", **options))

    def journal(self, operation: str = "") -> list[dict[str, Any]]:
        return [one for one in self.context.journal.entries("salesforce") if operation in ("", one["operation"])]


def serve(app: Any) -> tuple[uvicorn.Server, threading.Thread, str]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    return server, thread, f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    context = SandboxContext.open(tmp_path_factory.mktemp("salesforce"), seed=7)
    sandbox = build(context)
    sandbox.project(world())
    sandbox.finish_seeding()
    running, thread, url = serve(FaultMiddleware(sandbox.app, context.faults, sandbox))
    yield Server(url, sandbox, context)
    running.should_exit = True
    thread.join(timeout=5)
    sandbox.close()
    context.journal.close()


@pytest.fixture(autouse=True)
def no_faults(server: Server) -> Iterator[None]:
    yield
    server.context.faults.remove()


@pytest.fixture(scope="module")
def session(server: Server) -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.mount("https://", Rewrite(server.url))
        yield made


@pytest.fixture(scope="module")
def sf(server: Server, session: requests.Session) -> Salesforce:
    return Salesforce(
        consumer_key=CONSUMER_KEY,
        consumer_secret=server.secret,
        domain="acme.my",
        session=session,
        version=VERSION,
    )


@pytest.fixture(scope="module")
def http(server: Server) -> Iterator[httpx.Client]:
    base = f"{server.url}/services/data/v{VERSION}"
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {server.token()}"}, timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def invoices(server: Server) -> str:
    """A custom object with an external id, a lookup and a few typed fields."""
    from arsync_pipelines.sandbox.salesforce.metadata import components

    store = server.sandbox.org.store
    body = {
        "label": "AR Invoice",
        "pluralLabel": "AR Invoices",
        "deploymentStatus": "Deployed",
        "sharingModel": "ReadWrite",
        "nameField": {"type": "AutoNumber", "label": "Number", "displayFormat": "INV-{0000}"},
        "fields": [
            {"fullName": "External_Id__c", "type": "Text", "length": 60, "externalId": True, "unique": True},
            {"fullName": "Account__c", "type": "Lookup", "referenceTo": "Account", "relationshipName": "Invoices"},
            {"fullName": "Open_Amount__c", "type": "Currency", "precision": 18, "scale": 2},
            {"fullName": "Due_Date__c", "type": "Date"},
            {"fullName": "Disputed__c", "type": "Checkbox", "defaultValue": "false"},
            {"fullName": "Status__c", "type": "Text", "length": 20},
            {"fullName": "Group__c", "type": "Text", "length": 20, "externalId": True},
        ],
    }
    with store.transaction():
        components.save_object(store, "AR_Invoice__c", body, create=True, update=False)
    return "AR_Invoice__c"


@pytest.fixture
def wait_for() -> Callable[[Callable[[], bool]], None]:
    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true in 10 s"
            time.sleep(0.02)

    return wait


def account(number: int, **changes: Any) -> CrmAccount:
    values: dict[str, Any] = {
        "id": number,
        "party_id": number,
        "name": f"Acme {number:03d}",
        "parent_id": 1 if number > 10 else None,
        "owner_id": 1 + number % 2,
        "erp_number": f"C-{number:04d}" if number % 3 else "",
        "tax_id": f"DE{number:09d}",
        "primary": True,
        "country": "DE" if number % 2 else "US",
        "street": "Hauptstr. 1",
        "city": "Berlin",
        "state": "",
        "postal_code": "10115",
        "phone": "+49 30 1",
        "website": "https://acme.example",
        "currency": "EUR" if number % 2 else "USD",
        "created_at": START,
        "updated_at": START + timedelta(minutes=number // 10),
    }
    return CrmAccount(**(values | changes))


def world() -> Delta:
    return Delta(
        employees=[Employee(1, "Ada Lovelace", "ada@arsync.example"), Employee(2, "Max Planck", "max@arsync.example")],
        crm_accounts=[
            account(
                number,
                deleted=number == 449,
                merged_into=1 if number == 450 else None,
                updated_at=datetime(2026, 6, 28, tzinfo=UTC) if number > 448 else START + timedelta(minutes=number),
            )
            for number in range(1, 451)
        ],
        crm_contacts=[
            CrmContact(1, 1, "Grace", "Hopper", "grace@acme.example", "", "CFO", START),
            CrmContact(2, 450, "Merged", "Away", "m@acme.example", "", "", START),
            CrmContact(3, 449, "Deleted", "Along", "d@acme.example", "", "", START),
        ],
        crm_opportunities=[
            CrmOpportunity(
                1,
                1,
                "Rollout",
                "Closed Won",
                1234567,
                "EUR",
                datetime(2026, 5, 1, tzinfo=UTC).date(),
                True,
                True,
                START,
            )
        ],
        exchange_rates={"EUR": 1.25, "JPY": 0.0065},
    )
