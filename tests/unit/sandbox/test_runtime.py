"""Clock, journal, faults and secrets: what every vendor builds on."""

from __future__ import annotations

import json
import sqlite3
import stat
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from arsync_pipelines.sandbox.core.clock import WORLD_NOW, VirtualClock
from arsync_pipelines.sandbox.core.context import SandboxContext
from arsync_pipelines.sandbox.core.faults import Faults, Rule
from arsync_pipelines.sandbox.core.journal import Journal


def test_the_clock_begins_at_the_worlds_now_and_ticks(tmp_path: Path) -> None:
    clock = VirtualClock(tmp_path / "clock.json")
    first = clock.now()
    time.sleep(0.02)
    assert WORLD_NOW <= first < clock.now() < WORLD_NOW + timedelta(minutes=1)


def test_the_clock_survives_a_restart(tmp_path: Path) -> None:
    before = VirtualClock(tmp_path / "clock.json").advance(timedelta(days=3))
    assert before <= VirtualClock(tmp_path / "clock.json").now() < before + timedelta(minutes=1)


def test_a_fast_clock_never_goes_back_when_its_process_is_killed(tmp_path: Path) -> None:
    clock = VirtualClock(tmp_path / "clock.json")
    clock.set_rate(86_400)
    time.sleep(0.05)
    shown = clock.now()
    again = VirtualClock(tmp_path / "clock.json")
    assert again.now() >= shown
    assert again.rate == 86_400


def test_a_fast_clock_stands_still_while_its_process_is_down(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    VirtualClock(path).set_rate(3600)
    saved = json.loads(path.read_text())
    path.write_text(json.dumps({**saved, "real": saved["real"] - 86_400}))
    assert VirtualClock(path).now() < WORLD_NOW + timedelta(hours=10)


def test_time_does_not_run_backwards(tmp_path: Path) -> None:
    clock = VirtualClock(tmp_path / "clock.json")
    with pytest.raises(ValueError, match="only moves forward"):
        clock.advance(timedelta(seconds=-1))
    with pytest.raises(ValueError, match="negative"):
        clock.set_rate(-1)


def test_the_journal_keeps_order_and_outlives_its_process(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db", lambda: datetime(2026, 7, 1, tzinfo=UTC))
    assert journal.append("crm", "create", "Account", "1", {"Name": "A"}, request_id="r1") == 1
    assert journal.append_many("erp", [("update", "invoice", "7", {}), ("update", "invoice", "8", {})]) == 2
    # no close: a killed process does not close either
    entries = Journal(tmp_path / "journal.db").entries()
    assert [(entry["seq"], entry["vendor"], entry["key"]) for entry in entries] == [
        (1, "crm", "1"),
        (2, "erp", "7"),
        (3, "erp", "8"),
    ]
    assert entries[0]["body"] == {"Name": "A"}
    assert entries[0]["request_id"] == "r1"
    assert [entry["seq"] for entry in journal.entries("erp", after=2)] == [3]


def test_the_journal_refuses_to_be_edited(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    journal.append("crm", "create", "Account", "1", {})
    with sqlite3.connect(tmp_path / "journal.db") as other:
        for statement in ("update journal set key = '2'", "delete from journal"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                other.execute(statement)
    other.close()
    journal.close()


def test_a_rule_counts_down_and_matches_method_and_path() -> None:
    faults = Faults()
    faults.add(Rule("error", "crm", times=2, match={"method": "POST", "path": "/composite"}))
    hits = [
        faults.hit("crm", "error", "GET", "/composite"),
        faults.hit("erp", "error", "POST", "/composite"),
        faults.hit("crm", "error", "POST", "/query"),
        faults.hit("crm", "error", "POST", "/v1/composite/x"),
        faults.hit("crm", "error", "POST", "/composite"),
        faults.hit("crm", "error", "POST", "/composite"),
    ]
    assert [hit is not None for hit in hits] == [False, False, False, True, True, False]
    assert faults.rules()[0]["hits"] == 2


def test_the_dice_are_seeded() -> None:
    def strikes(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add(Rule("latency", "*", rate=0.3))
        return [faults.hit("crm", "latency") is not None for _ in range(200)]

    assert strikes(1) == strikes(1) != strikes(2)
    assert 30 <= sum(strikes(1)) <= 90


@pytest.mark.parametrize(
    "wrong", [{"kind": "rain"}, {"rate": 1.5}, {"match": {"body": "x"}}], ids=["kind", "rate", "match"]
)
def test_a_nonsensical_rule_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="fault"):
        Rule(**{"kind": "error", "vendor": "crm", **wrong})


def test_rules_are_removed_one_by_one_or_all() -> None:
    faults = Faults()
    first = faults.add(Rule("error", "crm"))
    faults.add(Rule("latency", "crm"))
    faults.add(Rule("lock_row", "crm"))
    assert faults.remove(first.id) == 1
    assert faults.remove() == 2
    assert faults.rules() == []


def test_secrets_are_private_and_lasting(tmp_path: Path) -> None:
    context = SandboxContext.open(tmp_path, 7)
    secret = context.secret("crm_client")
    assert len(secret) == 40
    assert SandboxContext.open(tmp_path, 7).secret("crm_client") == secret
    private, public = context.key_pair("erp", "ec")
    assert private.read_text().startswith("-----BEGIN PRIVATE KEY")
    assert context.key_pair("erp", "ec") == (private, public)
    for path in (tmp_path / "secrets").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_secret_cannot_leave_its_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="plain file name"):
        SandboxContext.open(tmp_path, 7).secret("../x")
