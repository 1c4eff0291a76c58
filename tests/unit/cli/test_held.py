"""`arsync dead-letters` and `arsync replay`: nothing moves unless it was asked for by name and with a reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from arsync_pipelines.cli.app import app
from arsync_pipelines.domain.errors import ConfigError
from arsync_pipelines.domain.push import IntentState, PushIntent
from arsync_pipelines.ops.rows import Settlement
from arsync_pipelines.ops.store import OpsStore, open_store

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def ops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpsStore]:
    """The operational store of the state folder in force: one intent rejected, one dead."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARSYNC_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("ARSYNC_OPS_URL", raising=False)
    opened = open_store(tmp_path / "state" / "ops" / "ops.sqlite")
    made = [PushIntent(f"i{n}", "crm", "invoice", f"k{n}", 1, {}, {}, "p", "c", "s", NOW) for n in range(2)]
    opened.intents.add(made, NOW)
    opened.intents.claim("crm", "invoice", 2, NOW)
    answers = zip(made, (IntentState.REJECTED, IntentState.DEAD), ("DUP", "503"), strict=True)
    opened.intents.settle([Settlement(i.intent_id, state, state.value, NOW, code=c) for i, state, c in answers])
    yield opened
    opened.close()


def arsync(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def states(ops: OpsStore) -> dict[str, int]:
    return {row["state"]: row["intents"] for row in ops.intents.counts()}


def test_dead_letters_are_listed(ops: OpsStore) -> None:
    shown = arsync("dead-letters")
    assert shown.exit_code == 0
    assert "DUP" in shown.output and "503" in shown.output and "2 held" in shown.output
    assert "2 held, 1 shown" in arsync("dead-letters", "--limit", "1").output
    document = json.loads(arsync("dead-letters", "--state", "dead", "--json").output)
    assert document["held"] == 1
    assert [i["intent_id"] for i in document["intents"]] == ["i1"]
    assert states(ops) == {"rejected": 1, "dead": 1}


def test_a_replay_without_send_changes_nothing(ops: OpsStore) -> None:
    shown = arsync("replay", "--code", "DUP")
    assert (shown.exit_code, "1 would wait again" in shown.output) == (0, True)
    assert json.loads(arsync("replay", "--all", "--json").output) == {
        "sent": False,
        "found": ["i0", "i1"],
        "waiting": [],
    }
    assert states(ops) == {"rejected": 1, "dead": 1}


def test_a_replay_lets_go_what_was_named_and_once(ops: OpsStore) -> None:
    done = arsync("replay", "i0", "--send", "--reason", "the rule was corrected")
    assert "1 of 1 wait again" in done.output
    assert states(ops) == {"pending": 1, "dead": 1}
    again = arsync("replay", "i0", "--send", "--reason", "the rule was corrected", "--json")
    assert json.loads(again.output) == {"sent": True, "found": [], "waiting": []}
    assert states(ops) == {"pending": 1, "dead": 1}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["replay"], "say what"),
        (["replay", "--send", "--reason", "x"], "say what"),
        (["replay", "--all", "--send"], "needs --reason"),
        (["replay", "--all", "--send", "--reason", " "], "needs --reason"),
        (["replay", "--state", "pending"], "only rejected and dead"),
        (["dead-letters", "--state", "acknowledged"], "only rejected and dead"),
    ],
)
def test_what_is_not_clear_is_refused(ops: OpsStore, words: list[str], complaint: str) -> None:
    done = arsync(*words)
    assert isinstance(done.exception, ConfigError)
    assert complaint in str(done.exception)
    assert states(ops) == {"rejected": 1, "dead": 1}
