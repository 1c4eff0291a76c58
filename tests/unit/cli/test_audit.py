"""`arsync audit verify`: what it prints, and the exit code by which a scheduler knows."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from arsync_pipelines.cli.app import app
from arsync_pipelines.domain.errors import CheckFailed
from arsync_pipelines.domain.push import PushIntent
from arsync_pipelines.ops.store import open_store

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The operational store of the state folder in force, with two rows of audit and a checkpoint."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARSYNC_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("ARSYNC_OPS_URL", raising=False)
    path = tmp_path / "state" / "ops" / "ops.sqlite"
    ops = open_store(path)
    ops.intents.add(
        [PushIntent(f"i{n}", "crm", "invoice", f"k{n}", 1, {}, {}, "p", "c", "s", NOW) for n in range(2)], NOW
    )
    ops.checkpoints.write(NOW)
    ops.close()
    return path


def edit(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("drop trigger audit_event_no_update")
    db.execute("update audit_event set subject_id = 'other' where seq = 1")
    db.commit()
    db.close()


def test_an_audit_that_holds(store: Path) -> None:
    done = CliRunner().invoke(app, ["audit", "verify"])
    assert (done.exit_code, done.output) == (0, "2 rows hold, compared with 1 checkpoints\n")
    document = json.loads(CliRunner().invoke(app, ["audit", "verify", "--json"]).output)
    assert document == {
        "holds": True,
        "rows": 2,
        "archived_rows": 0,
        "archive_files": 0,
        "checkpoints": 1,
        "checkpoint_file": str(store.parent / "audit-checkpoints.jsonl"),
        "findings": [],
        "findings_not_listed": 0,
    }


def test_an_edited_row_is_named_and_ends_with_the_code_of_a_failed_check(store: Path) -> None:
    edit(store)
    done = CliRunner().invoke(app, ["audit", "verify"])
    assert isinstance(done.exception, CheckFailed) and done.exception.exit_code == 6
    assert "edited" in done.output and "row 1 does not give its own hash" in done.output
    done = CliRunner().invoke(app, ["audit", "verify", "--json"])
    assert isinstance(done.exception, CheckFailed)
    (finding,) = json.loads(done.output)["findings"]
    assert (finding["kind"], finding["first"], finding["last"]) == ("edited", 1, 1)
