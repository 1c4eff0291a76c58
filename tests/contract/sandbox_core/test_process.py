"""The sandbox as its users meet it: one process, its ports, and what it is after a kill."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from arsync_pipelines.sandbox import remote
from arsync_pipelines.sandbox.core.errors import SandboxError
from tests.fixtures.sandbox import FAKE_VENDOR, RunningSandbox, running_sandbox


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path_factory.mktemp("process"), vendors=[FAKE_VENDOR]) as running:
        yield running


@pytest.fixture(autouse=True)
def no_faults_left(sandbox: RunningSandbox) -> Iterator[None]:
    yield
    sandbox.clear_faults()


def write(sandbox: RunningSandbox, **body: object) -> httpx.Response:
    return httpx.post(sandbox.url("fake_vendor") + "/write", json=body)


def counts(sandbox: RunningSandbox) -> dict[str, int]:
    found: dict[str, int] = httpx.get(sandbox.url("fake_vendor") + "/counts").json()
    return found


def test_it_tells_where_it_is(sandbox: RunningSandbox) -> None:
    info = remote.running(sandbox.state_dir)
    assert info["pid"] == sandbox.process.pid
    assert set(info["ports"]) == {"control", "fake_vendor"}
    assert all(url.startswith("http://127.0.0.1:") for url in info["base_urls"].values())
    assert sandbox.control("GET", "/info")["invoices"] == 400


def test_a_day_passes_for_all(sandbox: RunningSandbox) -> None:
    before, clock = counts(sandbox), sandbox.control("GET", "/clock")
    answer = sandbox.advance(1)
    assert answer["date"] > clock["date"]
    assert counts(sandbox)["invoices"] > before["invoices"]
    assert {float(row["difference"]) for row in sandbox.truth("tieout")} == {0.0}


def test_truth_speaks_the_vendors_ids(sandbox: RunningSandbox) -> None:
    account = sandbox.truth("accounts")[0]
    assert account["account"] == f"crm_account-{account['world_id']}"
    invoice = sandbox.truth("invoices")[0]
    assert invoice["erp_id"] == f"invoice-{invoice['world_id']}"
    party = next(row for row in sandbox.truth("parties") if row["processor_customer_ids"])
    # no hosted vendor is the processor
    assert party["processor_ids"] == [None] * len(party["processor_customer_ids"])
    assert sandbox.truth("balances")
    assert sandbox.truth("invoices", as_of="2020-01-01") == []


def test_one_fact_happens_on_demand(sandbox: RunningSandbox) -> None:
    changed = sandbox.event("pay")
    assert changed["invoice"]["status"] == "paid"
    with pytest.raises(SandboxError, match="is not open"):
        sandbox.event("pay", changed["number"])


def test_refusals_say_why(sandbox: RunningSandbox) -> None:
    for method, path, body, why in (
        ("GET", "/truth/weather", None, "unknown truth"),
        ("POST", "/advance", {"days": 0}, "give 1 or more"),
        ("POST", "/faults", {"kind": "rain", "vendor": "x"}, "unknown fault"),
        ("POST", "/live", {"rate": -2}, "negative"),
    ):
        with pytest.raises(SandboxError, match=why):
            sandbox.control(method, path, body)


def test_transport_faults(sandbox: RunningSandbox) -> None:
    after = len(sandbox.journal())
    sandbox.add_fault("drop_before", "fake_vendor", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        write(sandbox)
    assert len(sandbox.journal()) == after
    sandbox.add_fault("drop_after", "fake_vendor", times=1, match={"method": "POST", "path": "^/write$"})
    with pytest.raises(httpx.RemoteProtocolError):
        write(sandbox, lost="answer")
    assert [entry["body"] for entry in sandbox.journal("fake_vendor", after)] == [{"lost": "answer"}]
    sandbox.add_fault("error", "fake_vendor", times=1, params={"status": [429], "retry_after": 2})
    refused = write(sandbox)
    assert (refused.status_code, refused.headers["retry-after"], refused.json()) == (429, "2", {"fault": "error"})
    sandbox.add_fault("latency", "fake_vendor", times=1, params={"ms": 150})
    start = time.monotonic()
    assert write(sandbox).status_code == 201
    assert time.monotonic() - start >= 0.15
    assert sandbox.control("DELETE", "/faults") == {"removed": 4}


def test_a_second_sandbox_on_the_same_folder_is_refused(sandbox: RunningSandbox) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "arsync_pipelines.sandbox", *sandbox.arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 2
    assert "already runs" in second.stderr


def test_a_kill_loses_nothing(sandbox: RunningSandbox) -> None:
    sandbox.advance(1)
    write(sandbox, kept=True)
    kept = [sandbox.truth(kind) for kind in ("accounts", "invoices", "tieout")]
    journal, ports, seen = sandbox.journal(), sandbox.ports, counts(sandbox)
    shown = sandbox.control("GET", "/clock")["now"]
    sandbox.kill()
    sandbox.restart()
    assert sandbox.ports == ports
    assert [sandbox.truth(kind) for kind in ("accounts", "invoices", "tieout")] == kept
    assert sandbox.journal() == journal
    assert counts(sandbox) == seen
    assert sandbox.control("GET", "/clock")["now"] >= shown


def test_it_lives(sandbox: RunningSandbox) -> None:
    before, shown = counts(sandbox)["invoices"], sandbox.control("GET", "/clock")["now"]
    sandbox.control("POST", "/live", {"rate": 86_400})
    ends = time.monotonic() + 20
    while counts(sandbox)["invoices"] == before and time.monotonic() < ends:
        time.sleep(0.1)
    sandbox.control("POST", "/live", {"rate": 0})
    assert counts(sandbox)["invoices"] > before
    assert sandbox.control("GET", "/clock")["now"] > shown
    assert sandbox.control("GET", "/info")["living"] is False
    assert {float(row["difference"]) for row in sandbox.truth("tieout")} == {0.0}


def test_an_interrupted_seeding_starts_over(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, vendors=[FAKE_VENDOR]) as whole:
        expected = whole.truth("invoices", as_of="2026-07-01")
        whole.stop()
        # as a kill in the middle of seeding leaves it: a world without its completion mark
        connection = sqlite3.connect(whole.state_dir / "world.db")
        connection.execute("delete from meta where key = 'seeded'")
        connection.execute("delete from invoices where id > 100")
        connection.commit()
        connection.close()
        whole.restart()
        assert whole.truth("invoices", as_of="2026-07-01") == expected


def test_another_world_is_not_overwritten(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, invoices=50, vendors=[FAKE_VENDOR]) as other:
        assert other.stop() == 0
        arguments = [*other.arguments, "--seed", "8"]
        refused = subprocess.run(
            [sys.executable, "-m", "arsync_pipelines.sandbox", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert refused.returncode == 2
        assert "another world" in refused.stderr
        assert json.loads((other.state_dir / "sandbox.json").read_text())["ports"]
