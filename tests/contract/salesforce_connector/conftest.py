"""The Salesforce stand-in on a real port with a small CRM in it, and the connector's options for it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import uvicorn

from arsync_pipelines.connectors.http import Call, Retry, RetryBudget
from arsync_pipelines.connectors.salesforce.api import SalesforceApi
from arsync_pipelines.connectors.salesforce.options import SalesforceOptions
from arsync_pipelines.connectors.salesforce.setup import ensure_target
from arsync_pipelines.connectors.salesforce.sink import SalesforceSink
from arsync_pipelines.connectors.salesforce.source import SalesforceSource
from arsync_pipelines.domain.push import PushIntent
from arsync_pipelines.domain.secret import SecretRef
from arsync_pipelines.sandbox.core.context import SandboxContext
from arsync_pipelines.sandbox.core.faults import FaultMiddleware, Rule
from arsync_pipelines.sandbox.core.world.records import CrmAccount, CrmContact, CrmOpportunity, Delta, Employee
from arsync_pipelines.sandbox.salesforce import SalesforceSandbox, build
from arsync_pipelines.sandbox.salesforce.auth import CONSUMER_KEY, KEY_PAIR, SECRET

ACCOUNTS = 450
BEGAN = datetime(2026, 6, 1, 6, tzinfo=UTC)


@dataclass
class Crm:
    """A running stand-in and the means to use it."""

    context: SandboxContext
    sandbox: SalesforceSandbox
    url: str
    calls: list[Call] = field(default_factory=list)

    def reveal(self, ref: SecretRef) -> str:
        if ref.env == "KEY":
            return self.context.key_pair(KEY_PAIR, "rsa")[0].read_text()
        return {"ID": CONSUMER_KEY, "WRONG": "no"}.get(ref.env or "", self.context.secret(SECRET))

    def api(self, **options: Any) -> SalesforceApi:
        auth = {"method": "client_credentials", "client_id": {"env": "ID"}, "client_secret": {"env": "SECRET"}}
        made = SalesforceOptions.model_validate(
            {"base_url": self.url, "auth": auth, "multi_currency": True, "page_size": 200, **options}
        )
        retry = Retry(RetryBudget(attempts=8, seconds=30, base=0.01, cap=0.1))
        return SalesforceApi("crm", made, self.reveal, retry=retry, on_call=self.calls.append)

    def source(self, **options: Any) -> SalesforceSource:
        return SalesforceSource(self.api(**options))

    def sink(self, **options: Any) -> SalesforceSink:
        return SalesforceSink(self.api(**options))

    def account(self, number: int) -> str:
        return self.sandbox.vendor_id("crm_account", number)

    def fault(self, kind: str, **rule: Any) -> Rule:
        """Order a fault; its `hits` tell whether it struck."""
        return self.context.faults.add(Rule(kind, "salesforce", **rule))

    def written(self, after: int = 0) -> list[dict[str, Any]]:
        """Journal entries of invoices."""
        entries = self.context.journal.entries("salesforce", after)
        return [e for e in entries if e["object"] == "AR_Invoice__c" and e["operation"] in {"create", "update"}]

    def last_entry(self) -> int:
        entries = self.context.journal.entries("salesforce", 0)
        return max((int(e["seq"]) for e in entries), default=0)


def crm_delta(count: int = ACCOUNTS) -> Delta:
    return Delta(
        employees=[Employee(1, "Ada Sales", "ada@acme.test")],
        crm_accounts=[
            CrmAccount(
                n, n, f"Company {n}", None, 1, f"C-{n}", "", True, "US", "1 Main St", "Austin", "TX", "78701",
                "+1 512 555 0100", "https://company.test", "USD", BEGAN, BEGAN + timedelta(minutes=n),
            )
            for n in range(1, count + 1)
        ],
        crm_contacts=[CrmContact(1, 1, "Grace", "Hopper", "g@company.test", "", "CFO", BEGAN)],
        crm_opportunities=[
            CrmOpportunity(1, 1, "Deal", "Closed Won", 123456, "USD", BEGAN.date(), True, True, BEGAN)
        ],
    )  # fmt: skip


def invoice_intent(crm: Crm, number: int, **payload: Any) -> PushIntent:
    account = crm.account(1 + number % 50)
    body = {
        "account_id": account,
        "number": f"INV-{number}",
        "invoice_date": "2026-06-01",
        "due_date": "2026-07-01",
        "currency": "USD",
        "total_amount": "1234.56",
        "open_amount": "1234.56",
        "status": "open",
        "aging_bucket": "current",
        "disputed_amount": "0.00",
        **payload,
    }
    return PushIntent(
        f"i-{number}",
        "crm",
        "invoice",
        f"erp|{number}",
        1,
        body,
        {},
        account,
        "c",
        "s",
        datetime(2026, 7, 1, tzinfo=UTC),
    )


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crm]:
    context = SandboxContext.open(tmp_path_factory.mktemp("salesforce"), seed=7)
    sandbox = build(context)
    sandbox.project(crm_delta())
    sandbox.finish_seeding()
    listener = socket.create_server(("127.0.0.1", 0))
    app = FaultMiddleware(sandbox.app, context.faults, sandbox)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    made = Crm(context, sandbox, f"http://127.0.0.1:{listener.getsockname()[1]}")
    ensure_target(made.api())
    try:
        yield made
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
        sandbox.close()


@pytest.fixture
def crm(running: Crm) -> Iterator[Crm]:
    running.calls.clear()
    yield running
    running.context.faults.remove()
