"""Delivery of changed invoices to a Salesforce stand-in that answers after 50 ms, beside one request per row.

The whole path is measured: intents are claimed from the ops store, written, their outcomes recorded; the stand-in is a
process of its own. The peer sends the same rows the way a simple integration does: one PATCH by external id each.

    arsync bench push
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from arsync_pipelines.connectors.salesforce import CONNECTOR
from arsync_pipelines.connectors.salesforce.api import SalesforceApi
from arsync_pipelines.connectors.salesforce.options import SalesforceOptions
from arsync_pipelines.connectors.salesforce.setup import ensure_target
from arsync_pipelines.domain.push import PushIntent
from arsync_pipelines.ops.store import open_store
from arsync_pipelines.sandbox.salesforce.auth import CONSUMER_KEY
from arsync_pipelines.services.deliver import Delivery
from tests.benchmarks.report import Target, main
from tests.fixtures.sandbox import RunningSandbox, running_sandbox

ROWS, LATENCY_MS, PEER_ROWS = 10_000, 50, 100
TARGETS = (
    Target("requests", at_most=60),
    Target("times_one_per_row", at_least=20),
    Target("acknowledged", at_least=ROWS),
)
VENDORS = ("salesforce",)


def run(scale: float = 1.0) -> dict[str, Any]:
    """Requests, rows per second and the ratio to the peer, for ROWS x scale changed invoices."""
    rows = max(1, int(ROWS * scale))
    with (
        tempfile.TemporaryDirectory() as folder,
        running_sandbox(Path(folder), customers=200, invoices=200, vendors=VENDORS) as sandbox,
    ):
        return _measure(sandbox, Path(folder), rows)


def _measure(sandbox: RunningSandbox, folder: Path, rows: int) -> dict[str, Any]:
    auth = {"method": "client_credentials", "client_id": {"env": "ID"}, "client_secret": {"env": "SECRET"}}
    options = SalesforceOptions.model_validate(
        {"base_url": sandbox.url("salesforce"), "auth": auth, "multi_currency": True}
    )
    secrets = {"ID": CONSUMER_KEY, "SECRET": sandbox.secret("salesforce_client_secret")}

    def reveal(reference: Any) -> str:
        return secrets[reference.env]

    api = SalesforceApi("crm", options, reveal)
    ensure_target(api)
    accounts = [row["account"] for row in sandbox.truth("accounts")]
    ops = open_store(folder / "ops.sqlite")
    store = ops.intents
    sink = CONNECTOR.sink("crm", options, reveal) if CONNECTOR.sink else None
    assert sink is not None
    store.add(_intents(accounts, rows, version=1), datetime.now(UTC))
    Delivery(store, sink).run()  # the records exist before what is measured: changes, not first writes

    sandbox.add_fault("latency", "salesforce", params={"ms": LATENCY_MS})
    store.add(_intents(accounts, rows, version=2), datetime.now(UTC))
    started = time.perf_counter()
    result = Delivery(store, sink).run()["invoice"]
    seconds = time.perf_counter() - started
    peer = _one_per_row(api, min(PEER_ROWS, rows))
    ops.close()
    return {
        "rows": rows,
        "latency_ms": LATENCY_MS,
        "acknowledged": result.acknowledged,
        "requests": result.requests,
        "seconds": round(seconds, 2),
        "rows_per_s": round(rows / seconds),
        "one_per_row_rows_per_s": round(peer, 1),
        "times_one_per_row": round(rows / seconds / peer, 1),
    }


def _intents(accounts: Sequence[str], rows: int, version: int) -> list[PushIntent]:
    now = datetime.now(UTC)
    made = []
    for number in range(rows):
        account = accounts[number % len(accounts)]
        payload = {
            "account_id": account,
            "number": f"INV{number:06}",
            "legal_entity": "Meridian Industries Inc.",
            "invoice_date": "2026-05-01",
            "due_date": "2026-05-31",
            "currency": "USD",
            "total_amount": "120.00",
            "open_amount": f"{120 - version}.00",
            "status": "partially_paid",
            "aging_bucket": "1-30",
            "disputed_amount": "0.00",
            "link": None,
        }
        key = f"bench:{number}"
        made.append(
            PushIntent(f"{key}-{version}", "crm", "invoice", key, version, payload, {}, account, key, "bench", now)
        )
    return made


def _one_per_row(api: SalesforceApi, rows: int) -> float:
    """Rows per second of one PATCH per record, over one kept connection."""
    started = time.perf_counter()
    for number in range(rows):
        path = api.path(f"/sobjects/AR_Invoice__c/External_Id__c/bench:{number}")
        api.http.request("PATCH", path, json={"Open_Amount__c": 5})
    return rows / (time.perf_counter() - started)


if __name__ == "__main__":
    main("push", run, TARGETS)
