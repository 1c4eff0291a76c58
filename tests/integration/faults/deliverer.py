"""What a process does that may be killed at any boundary: receive events, plan, deliver, put the audit on record.

Invoices go to a Salesforce stand-in, a process of its own, over HTTP. There are two snapshots, as of two days: the
second changes some of what the first sent. Started again, a process goes on with the snapshot that is published.
"""

from __future__ import annotations

import resource
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from arsync_pipelines.connectors.salesforce.api import SalesforceApi
from arsync_pipelines.connectors.salesforce.options import SalesforceOptions
from arsync_pipelines.connectors.salesforce.sink import SalesforceSink
from arsync_pipelines.domain import failpoint
from arsync_pipelines.domain.inbox import Event, Hint
from arsync_pipelines.domain.limits import LimitRules
from arsync_pipelines.ops.store import OpsStore, open_store
from arsync_pipelines.ports.sink import SinkCapabilities
from arsync_pipelines.sandbox.salesforce.auth import CONSUMER_KEY
from arsync_pipelines.services.deliver import RetryPolicy
from arsync_pipelines.services.limiter import Limits
from arsync_pipelines.services.push import PushService
from tests.fixtures.published import PublishedRows, row

INVOICES, CHANGED, EVENTS, BATCH = 10, 4, 3, 4
POLICY = RetryPolicy(6, 0.02, 0.1, 8.0, lease_s=1.0)
RULES = LimitRules(requests=10_000, per_s=1.0)
_AUTH = {"method": "client_credentials", "client_id": {"env": "ID"}, "client_secret": {"env": "SECRET"}}


class Overcome(Exception):
    """A failure that was asked for ended nothing."""


class SmallBatches(SalesforceSink):
    """So that a few invoices are several batches."""

    @property
    def capabilities(self) -> SinkCapabilities:
        return replace(super().capabilities, batch_size=BATCH)


def api(base_url: str, secret: str, **options: Any) -> SalesforceApi:
    """The stand-in's API. A request is given up early: others wait that long for a dead process's requests."""
    given = {"connect_timeout_s": 0.5, "read_timeout_s": 1.0, "retry_seconds": 10.0, **options}
    made = SalesforceOptions.model_validate({"base_url": base_url, "auth": _AUTH, "multi_currency": True, **given})
    return SalesforceApi("crm", made, lambda reference: CONSUMER_KEY if reference.env == "ID" else secret)


def desired(prefix: str, account: str, day: int) -> dict[str, dict[str, Any]]:
    """External id -> canonical payload, as of a day (1 or 2)."""
    return {f"{prefix}:{n}": _payload(n, account, day if n < CHANGED else 1) for n in range(INVOICES)}


def _payload(number: int, account: str, day: int) -> dict[str, Any]:
    return {
        "account_id": account, "number": f"INV{number:06}", "legal_entity": "Meridian Industries Inc.",
        "invoice_date": "2026-05-01", "due_date": "2026-05-31", "currency": "USD", "total_amount": "120.00",
        "open_amount": f"{100 - day}.00", "status": "partially_paid", "aging_bucket": "1-30",
        "disputed_amount": "0.00", "link": None,
    }  # fmt: skip


def work(task: Mapping[str, Any]) -> None:
    """One process: `task` names folder, url, base_url, secret, prefix, account, failpoints and, if any, file_limit.

    Raises Overcome when it did its work although it was made to fail in the midst of it.
    """
    folder = Path(task["folder"])
    ops = open_store(folder / "ops.sqlite", task["url"])
    failpoint.arm(task["failpoints"])
    if limit := task.get("file_limit"):  # the disk is full when a file would grow beyond
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    _receive(ops)
    published = PublishedRows()
    service = PushService(
        published, ops.intents, folder / "locks", POLICY, lambda *_: [], ops.checkpoints.write,  # type: ignore[arg-type]
        lambda connection: Limits(ops.limits, connection, RULES),
    )  # fmt: skip
    second = folder / "second"
    for day in (1, 2):
        if day == 1 and second.exists():
            continue
        rows = desired(task["prefix"], task["account"], day)
        seen = desired(task["prefix"], task["account"], 1) if day == 2 else {}
        published.rows["sync_salesforce__invoice"] = [row(key, rows[key], seen.get(key)) for key in rows]
        service.push(SmallBatches(api(task["base_url"], task["secret"])), ["invoice"])
        second.touch()
    ops.close()
    if failpoint.reached():
        raise Overcome


def _receive(ops: OpsStore) -> None:
    """The source repeats its events until they are answered; a run takes them."""
    for number in range(EVENTS):
        event = Event(f"evt_{number}", "invoice.updated", (Hint("invoice", f"in_{number}"),), b"{}")
        ops.inbox.store("pay", [event], "stripe-v1", datetime.now(UTC))
    for holder in ops.inbox.holders():  # a run that died
        ops.inbox.give_back(holder, "the run ended", datetime.now(UTC))
    ops.inbox.take("run", "pay", ["invoice"], datetime.now(UTC))
    ops.inbox.done("run", "pay", datetime.now(UTC))
