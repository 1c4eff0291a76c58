"""`arsync inbox`: what failed and why, and letting it wait again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from arsync_pipelines.cli.app import app
from arsync_pipelines.domain.errors import ConfigError
from arsync_pipelines.domain.inbox import Event, Hint
from arsync_pipelines.ops.inbox import InboxStore
from arsync_pipelines.ops.store import open_store

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two events that failed, one that waits."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARSYNC_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("ARSYNC_OPS_URL", raising=False)
    ops = open_store(tmp_path / "state" / "ops" / "ops.sqlite")
    inbox = InboxStore(ops.inbox._transactions, attempts=1)
    inbox.store("pay", [Event(f"e{n}", "charge", (Hint("charge", f"c{n}"),), b"{}") for n in range(2)], "stripe", NOW)
    inbox.take("run", "pay", ["charge"], NOW)
    inbox.give_back("run", "no answer; password: hunter2-hunter2", NOW)
    inbox.store("pay", [Event("e9", "charge", (Hint("charge", "c9"),), b"{}")], "stripe", NOW)
    ops.close()


def test_what_failed_is_listed_with_why() -> None:
    document = json.loads(CliRunner().invoke(app, ["inbox", "list", "--json"]).output)
    assert document["states"] == {"failed": 2, "pending": 1}
    assert [(e["event"], e["records"]) for e in document["failed"]] == [
        ("e0", [["charge", "c0"]]), ("e1", [["charge", "c1"]])
    ]  # fmt: skip
    assert document["failed"][0]["reason"] == "no answer; [removed]"
    assert "2 failed, 1 pending" in CliRunner().invoke(app, ["inbox", "list"]).output


def test_one_or_all_are_retried() -> None:
    assert isinstance(CliRunner().invoke(app, ["inbox", "retry"]).exception, ConfigError)
    done = CliRunner().invoke(app, ["inbox", "retry", "e1", "--json"])
    assert json.loads(done.output) == {"waiting": {"pay": ["e1"]}}
    assert "1 events wait again" in CliRunner().invoke(app, ["inbox", "retry", "--all"]).output
    assert json.loads(CliRunner().invoke(app, ["inbox", "list", "--json"]).output)["failed"] == []
