"""`arsync archive`: a dry run unless told otherwise, by the ages of arsync.toml."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from arsync_pipelines.cli.app import app
from arsync_pipelines.domain.errors import ConfigError
from arsync_pipelines.domain.push import PushIntent
from arsync_pipelines.ops.store import open_store
from arsync_pipelines.settings import load

LONG_AGO = datetime.now(UTC) - timedelta(days=900)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with a change that was replaced twice, nine hundred days ago."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARSYNC_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("ARSYNC_OPS_URL", raising=False)
    ops = open_store(tmp_path / "state" / "ops" / "ops.sqlite")
    for n in (1, 2, 3):
        one = PushIntent(f"i{n}", "crm", "invoice", "k", n, {"n": n}, {}, "p", f"c{n}", "s", LONG_AGO)
        ops.intents.add([one], LONG_AGO)
    ops.close()
    return tmp_path


def run(*arguments: str) -> dict[str, object]:
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    document: dict[str, object] = json.loads(done.output)
    return document


def test_without_yes_it_only_shows_what_would_go(folder: Path) -> None:
    shown = run("archive")
    assert shown["archived"] is False and shown["folder"] == str(folder / "state" / "archive")
    assert [(one["kind"], one["rows"]) for one in shown["would_go"]] == [("intents", 2)]  # type: ignore[attr-defined]
    assert not (folder / "state" / "archive").exists()


def test_what_was_archived_is_proved_and_traced(folder: Path) -> None:
    done = run("archive", "--yes")
    assert [(one["of"], one["rows"]) for one in done["files"]] == [  # type: ignore[attr-defined]
        ("intents", {"push_intent": 2, "push_attempt": 0}), ("audit", {"audit_event": 5})
    ]  # fmt: skip
    verified = run("audit", "verify")
    assert (verified["holds"], verified["archived_rows"], verified["archive_files"]) == (True, 5, 2)
    traced = run("trace", "c1")
    assert [one["state"] for one in traced["intents"]] == ["superseded"]  # type: ignore[attr-defined]
    assert [step["kind"] for step in traced["steps"]] == ["planned", "audit", "audit"]  # type: ignore[attr-defined]
    assert run("archive", "--yes")["files"] == []


@pytest.mark.parametrize(("days", "audit", "why"), [(20, 800, "30"), (400, 399, "400"), (900, 800, "shorter than")])
def test_ages_that_would_break_a_promise_are_refused(tmp_path: Path, days: int, audit: int, why: str) -> None:
    path = tmp_path / "arsync.toml"
    path.write_text(f"[archive]\ndays = {days}\naudit_days = {audit}\n")
    with pytest.raises(ConfigError, match=why):
        load(path)
