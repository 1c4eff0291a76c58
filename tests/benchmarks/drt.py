"""Beside drt, a reverse-ETL tool (PyPI: drt-core): the same changed rows to the same Salesforce stand-in under the same
faults. What each loses, doubles and leaves wrong, how fast it is, and how many requests it takes.

    arsync bench drt

drt runs as its users run it: its command, in an environment of its own that is made under .arsync/, with its retries,
its dead letter queue, and `drt retry` after a run that says it failed. It is measured in each way that it offers: the
Bulk API destination, and the REST destination in batches and by row. Its Bulk API destination logs in with a password,
a grant that the stand-in does not offer: the proxy that counts everybody's requests puts the stand-in's in its place.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from arsync_pipelines.bootstrap import PROJECT_ROOT
from arsync_pipelines.connectors.salesforce.setup import ensure_target
from arsync_pipelines.connectors.salesforce.sink import SalesforceSink
from arsync_pipelines.domain.push import PushIntent
from arsync_pipelines.ops.store import OpsStore, open_store
from arsync_pipelines.sandbox.salesforce.auth import CONSUMER_KEY
from arsync_pipelines.services.deliver import Delivery
from tests.benchmarks.counting_proxy import counting_proxy
from tests.benchmarks.report import Target, main
from tests.fixtures.sandbox import RunningSandbox, running_sandbox
from tests.integration.faults.deliverer import api

DRT, ROWS, RUNS = "drt-core==1.2.1", 1000, 5
TARGETS = (
    Target("arsync_lost", at_most=0),
    Target("arsync_twice", at_most=0),
    Target("arsync_wrong", at_most=0),
)
WRITES = {"path": "composite/sobjects|jobs/ingest"}
FAULTS: list[dict[str, Any]] = [
    {"kind": "error", "times": 2, "params": {"status": [429], "retry_after": 1}, "match": WRITES},
    {"kind": "error", "rate": 0.05, "times": 20, "params": {"status": [500, 502, 503]}, "match": WRITES},
    {"kind": "drop_before", "rate": 0.03, "times": 10, "match": WRITES},
    {"kind": "drop_after", "rate": 0.2, "times": 4, "match": WRITES},
    {"kind": "lock_row", "rate": 0.02, "times": 40},
    {"kind": "expire_token", "rate": 0.1, "times": 1, "match": WRITES},
]
Tool = Callable[["Bench"], str]


@dataclass
class Bench:
    """Where a tool sends what; `wanted`: external id -> open amount."""

    folder: Path
    base_url: str
    secret: str
    account: str
    rows: int

    @property
    def wanted(self) -> dict[str, float]:
        return {f"bench:{n}": 100.0 + n % 7 for n in range(self.rows)}


def run(scale: float = 1.0) -> dict[str, Any]:
    """Every tool against a stand-in of its own, in the same state and with the same dice."""
    rows = max(50, round(ROWS * scale))
    tools: dict[str, Tool] = {
        "arsync": arsync, "drt, Bulk API": drt_bulk, "drt, REST in batches": drt_batches, "drt, REST by row": drt_rows,
    }  # fmt: skip
    table = [{"tool": name, **_measured(tool, rows)} for name, tool in tools.items()]
    ours = table[0]
    return {
        "rows": rows,
        "drt": DRT,
        "arsync_lost": ours["lost"],
        "arsync_twice": ours["twice"],
        "arsync_wrong": ours["left_wrong"],
        "table": table,
    }


def _measured(tool: Tool, rows: int) -> dict[str, Any]:
    """lost: never written, though the tool said that all was well or has nothing left to do about it; twice: the same
    content took effect again; left wrong: the CRM holds something else than was wanted."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_sandbox(Path(folder), customers=4, invoices=10, vendors=["salesforce"]) as sandbox,
        counting_proxy(sandbox.url("salesforce"), CONSUMER_KEY, _secret(sandbox)) as proxy,
    ):
        account = sandbox.truth("accounts")[0]["account"]
        bench = Bench(Path(folder), proxy.url, _secret(sandbox), account, rows)
        _first_versions(bench)
        since = sandbox.journal("salesforce")[-1]["seq"]
        for fault in FAULTS:
            sandbox.add_fault(vendor="salesforce", **fault)
        proxy.requests, began = 0, time.perf_counter()
        said = tool(bench)
        seconds, requests = time.perf_counter() - began, proxy.requests
        writes = [w for w in sandbox.journal("salesforce", since) if w["operation"] in ("create", "update")]
        struck = sum(rule["hits"] for rule in sandbox.control("GET", "/faults"))
    effects = Counter((w["key"], float(w["body"]["Open_Amount__c"])) for w in writes)
    last = {w["key"]: float(w["body"]["Open_Amount__c"]) for w in writes}
    wanted = bench.wanted
    return {
        "lost": len(set(wanted) - set(last)),
        "twice": sum(effects.values()) - len(effects),
        "left_wrong": sum(last.get(key) != amount for key, amount in wanted.items()),
        "rows_per_s": round(rows / seconds),
        "requests_per_1000": round(1000 * requests / rows),
        "faults_met": struck,
        "said": said,
    }


def _secret(sandbox: RunningSandbox) -> str:
    return sandbox.secret("salesforce_client_secret")


def _first_versions(bench: Bench) -> None:
    """The records are there: what is measured are changes."""
    crm = api(bench.base_url, bench.secret)
    ensure_target(crm)
    crm.close()
    ops = open_store(bench.folder / "ops.sqlite")
    ops.intents.add(_intents(bench, 1), datetime.now(UTC))
    _deliver(bench, ops)
    ops.close()


def _intents(bench: Bench, version: int) -> list[PushIntent]:
    now, made = datetime.now(UTC), []
    for number, (key, amount) in enumerate(bench.wanted.items()):
        payload = {
            "account_id": bench.account, "number": f"INV{number:06}", "legal_entity": "Meridian Industries Inc.",
            "invoice_date": "2026-05-01", "due_date": "2026-05-31", "currency": "USD", "total_amount": "120.00",
            "open_amount": f"{amount if version > 1 else 120:.2f}", "status": "partially_paid",
            "aging_bucket": "1-30", "disputed_amount": "0.00", "link": None,
        }  # fmt: skip
        made.append(
            PushIntent(f"{key}-{version}", "crm", "invoice", key, version, payload, {}, bench.account, key, "b", now)
        )
    return made


def _deliver(bench: Bench, ops: OpsStore) -> None:
    crm = api(bench.base_url, bench.secret, connect_timeout_s=10.0, read_timeout_s=60.0, retry_seconds=180.0)
    Delivery(ops.intents, SalesforceSink(crm), alone=True).run(["invoice"])
    crm.close()


def arsync(bench: Bench) -> str:
    """Our delivery, with its defaults."""
    ops = open_store(bench.folder / "ops.sqlite")
    ops.intents.add(_intents(bench, 2), datetime.now(UTC))
    runs = 0
    while not runs or (runs < RUNS and ops.intents.unsettled("crm", "invoice")):
        _deliver(bench, ops)
        runs += 1
    counts = {row["state"]: row["intents"] for row in ops.intents.counts("crm")}
    ops.close()
    return f"runs: {runs}; {counts}"


def drt_bulk(bench: Bench) -> str:
    """Its destination for Salesforce."""
    destination = {
        "type": "salesforce_bulk", "instance_url": bench.base_url, "object_name": "AR_Invoice__c",
        "operation": "upsert", "external_id_field": "External_Id__c", "client_id_env": "ID",
        "client_secret_env": "SECRET", "username_env": "USERNAME", "password_env": "SECRET",
        "poll_interval_seconds": 1,
    }  # fmt: skip
    return _drt(bench, destination, batch_size=bench.rows)


def drt_batches(bench: Bench) -> str:
    """Its REST destination with 200 rows a call, the most that the API takes."""
    each = '{"attributes": {"type": "AR_Invoice__c"}, "External_Id__c": {{ r.External_Id__c | tojson_safe }}, '
    each += '"Open_Amount__c": {{ r.Open_Amount__c }}}'
    template = '{"allOrNone": false, "records": [{% for r in rows %}' + each
    template += "{{ ',' if not loop.last }}{% endfor %}]}"
    more = {"body_mode": "batch", "batch_template": template, "max_records_per_request": 200}
    return _drt(bench, _rest(bench, more), batch_size=200)


def drt_rows(bench: Bench) -> str:
    """Its REST destination with a row a call: what is refused is told by row."""
    template = '{"allOrNone": true, "records": [{"attributes": {"type": "AR_Invoice__c"}, "External_Id__c": '
    template += '{{ row.External_Id__c | tojson_safe }}, "Open_Amount__c": {{ row.Open_Amount__c }}}]}'
    return _drt(bench, _rest(bench, {"body_template": template}), batch_size=200)


def _rest(bench: Bench, more: dict[str, Any]) -> dict[str, Any]:
    auth = {
        "type": "oauth2_client_credentials", "token_url": f"{bench.base_url}/services/oauth2/token",
        "client_id_env": "ID", "client_secret_env": "SECRET",
    }  # fmt: skip
    url = f"{bench.base_url}/services/data/v66.0/composite/sobjects/AR_Invoice__c/External_Id__c"
    headers = {"Content-Type": "application/json"}
    return {"type": "rest_api", "url": url, "method": "PATCH", "headers": headers, "auth": auth, **more}


def _drt(bench: Bench, destination: dict[str, Any], batch_size: int) -> str:
    """`drt run`, and while it says that it failed, `drt retry` where rows wait for that, else `drt run` again."""
    command = str(_installed())
    folder = bench.folder / "drt"
    (folder / "syncs").mkdir(parents=True)
    (folder / ".drt").mkdir()
    with sqlite3.connect(folder / "warehouse.sqlite") as db:
        db.execute("create table invoices (External_Id__c text, Open_Amount__c real)")
        db.executemany("insert into invoices values (?, ?)", bench.wanted.items())
    db.close()
    retry = {"max_attempts": 8, "initial_backoff": 0.5, "max_backoff": 60.0}
    sync = {
        "mode": "full", "batch_size": batch_size, "retry": retry, "on_error": "skip", "dlq": {"enabled": True},
        "rate_limit": {"requests_per_second": 1000},
    }  # fmt: skip
    profile = {"local": {"type": "sqlite", "database": str(folder / "warehouse.sqlite")}}
    spec = {"name": "invoices", "model": "select * from invoices", "destination": destination, "sync": sync}
    # YAML takes JSON
    (folder / ".drt" / "profiles.yml").write_text(json.dumps(profile))
    (folder / "drt_project.yml").write_text(json.dumps({"name": "bench", "version": "0.1", "profile": "local"}))
    (folder / "syncs" / "invoices.yml").write_text(json.dumps(spec))
    secrets = {"ID": CONSUMER_KEY, "SECRET": bench.secret, "USERNAME": "bench@acme.test"}
    environment = {**os.environ, **secrets, "HOME": str(folder), "DRT_TELEMETRY": "0", "DO_NOT_TRACK": "1"}
    queue, said = folder / ".drt" / "dlq" / "invoices.jsonl", []
    for number in range(RUNS):
        waits = queue.is_file() and queue.read_text().strip()
        arguments = ["retry", "invoices"] if number and waits else ["run", "--verbose"]
        done = subprocess.run(
            [command, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=900
        )
        (folder / f"log-{number}").write_text(done.stdout + done.stderr)
        said.append(f"{arguments[0]}: {done.returncode}")
        if os.environ.get("BENCH_VERBOSE"):
            sys.stderr.write(done.stdout + done.stderr)
        if done.returncode == 0:
            break
    left = len(queue.read_text().splitlines()) if queue.is_file() else 0
    return ", ".join(said) + (f"; {left} in its queue" if left else "")


def _installed() -> Path:
    """drt's command, installed on first use."""
    folder = PROJECT_ROOT / ".arsync" / "drt"
    command = folder / "bin" / "drt"
    if not command.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", DRT]
        subprocess.run(pip, check=True)
    return command


if __name__ == "__main__":
    main("drt", run, TARGETS)
