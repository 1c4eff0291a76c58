"""`arsync cases`: people find, assign, waive and replay what needs them, and are told plainly what cannot be done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from arsync_pipelines.cli.app import app
from arsync_pipelines.connectors.registry import TAXONOMY
from arsync_pipelines.domain.cases import CaseState, Problem
from arsync_pipelines.domain.errors import ConfigError
from arsync_pipelines.domain.push import FailureClass, IntentState, PushIntent
from arsync_pipelines.ops.cases.find import CaseFilter
from arsync_pipelines.ops.cases.held import HeldIntent
from arsync_pipelines.ops.rows import Settlement
from arsync_pipelines.ops.store import OpsStore, open_store

NOW = datetime.now(UTC) - timedelta(hours=30)


@pytest.fixture
def ops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpsStore]:
    """The operational store of the state folder in force: one refused invoice and two findings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARSYNC_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("ARSYNC_OPS_URL", raising=False)
    opened = open_store(tmp_path / "state" / "ops" / "ops.sqlite")
    opened.intents.add([PushIntent("i1", "crm", "invoice", "erp:1", 1, {}, {}, "p", "c1", "s", NOW)], NOW)
    opened.intents.claim("crm", "invoice", 2, NOW)
    opened.intents.settle(
        [Settlement("i1", IntentState.REJECTED, "rejected", NOW, "", FailureClass.BUSINESS, "STRING_TOO_LONG", "long")]
    )
    opened.cases.observe_held("crm", refused, NOW)
    opened.cases.observe("reconciliation", [finding("a", "9.90"), finding("b", "0.10")], NOW)
    yield opened
    opened.close()


def refused(held: HeldIntent) -> Problem:
    return problem("push", held.code, "crm", held.object, held.business_key, held.message, intent_id=held.intent_id)


def finding(key: str, amount: str) -> Problem:
    given = {"amount": Decimal(amount), "currency": "EUR", "customer_name": "Ada Ltd"}
    return problem("reconciliation", "UNAPPLIED_PAYMENT", "erp", "recon_unapplied", key, "waits", **given)


def problem(origin: Any, code: str, connection: str, object_: str, key: str, message: str, **more: Any) -> Problem:
    failure = TAXONOMY.find("salesforce", code, FailureClass.BUSINESS)
    return Problem(origin, failure, code, "", connection, object_, key, key, "e", message, NOW, **more)


def arsync(*words: str) -> Result:
    return CliRunner().invoke(app, ["cases", *words])


def listed(*words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(arsync("list", *words, "--json").output)["cases"]
    return found


def pushed(ops: OpsStore) -> str:
    return ops.cases.find(CaseFilter(origin="push"))[0].case_id


def test_cases_are_listed_with_what_is_at_risk(ops: OpsStore) -> None:
    shown = arsync("list")
    assert shown.exit_code == 0
    assert "3 cases" in shown.output and "9.90 EUR" in shown.output and "Ada Ltd" in shown.output
    assert [case["business_key"] for case in listed("--overdue")] == ["erp:1"]
    assert sorted(case["business_key"] for case in listed("--owner", "cash_application")) == ["a", "b"]
    assert listed("--customer", "ada", "--limit", "1")[0]["amount"] in ("9.90", "0.10")
    assert listed("--state", "resolved") == []
    assert "2 shown" in arsync("list", "--limit", "2").output


def test_groups_add_up(ops: OpsStore) -> None:
    groups = json.loads(arsync("list", "--groups", "--json").output)["groups"]
    assert [(g["code"], g["cases"], g["overdue"], g["amounts"]) for g in groups] == [
        ("STRING_TOO_LONG", 1, 1, {}), ("UNAPPLIED_PAYMENT", 2, 0, {"EUR": "10.00"}),
    ]  # fmt: skip
    assert "2 groups, 3 cases" in arsync("list", "--groups").output


def test_a_case_tells_its_story(ops: OpsStore) -> None:
    case_id = pushed(ops)
    assert arsync("comment", case_id[:8], "asked the admin").exit_code == 0
    told = json.loads(arsync("show", case_id[:8], "--json").output)
    assert [note["event"] for note in told["notes"]] == ["opened", "comment"]
    assert told["advice"].startswith("lengthen the field") and told["overdue"] is True
    shown = arsync("show", case_id).output
    assert "asked the admin" in shown and "STRING_TOO_LONG" in shown


def test_a_group_is_assigned_and_waived(ops: OpsStore) -> None:
    group = ops.cases.find(CaseFilter(code="UNAPPLIED_PAYMENT"))[0].fingerprint
    assert "2 assigned" in arsync("assign", "--group", group, "--to", "grace").output
    assert {case["assignee"] for case in listed("--group", group)} == {"grace"}
    assert "2 waived" in arsync("waive", "--group", group, "--reason", "small", "--days", "7").output
    assert {case["waived_because"] for case in listed("--state", "waived")} == {"small"}
    assert "0 waived, 2 left as they are" in arsync("waive", "--group", group, "--reason", "again").output
    done = json.loads(arsync("waive", "--group", group, "--reason", "it matters", "--end", "--json").output)
    assert len(done["done"]) == 2 and done["left"] == []


def test_a_replay_is_shown_first_and_then_done_once(ops: OpsStore) -> None:
    case_id = pushed(ops)
    assert "1 would wait again" in arsync("replay", case_id).output
    assert ops.cases.find(CaseFilter((case_id,)))[0].state is CaseState.OPEN
    assert "1 wait again" in arsync("replay", case_id, "--send", "--reason", "field lengthened").output
    assert ops.cases.find(CaseFilter((case_id,)))[0].state is CaseState.REPLAYING
    assert {row["state"] for row in ops.intents.counts()} == {"pending"}
    again = json.loads(arsync("replay", case_id, "--send", "--reason", "again", "--json").output)
    assert again == {"sent": True, "replayed": [], "left": [case_id]}
    found = arsync("replay", ops.cases.find(CaseFilter(code="UNAPPLIED_PAYMENT"))[0].case_id)
    assert "1 have nothing to send" in found.output


def test_refresh_closes_what_is_right(ops: OpsStore) -> None:
    done = json.loads(arsync("refresh", "--json").output)
    assert done["events"] == {}, "nothing is published and no connection is configured: nothing is known to be right"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["show", "ffff0000"], "no case 'ffff0000'"),
        (["show", "f"], "no case 'f'"),
        (["assign", "--to", "ada"], "say which"),
        (["assign", "abcd", "--group", "x", "--to", "ada"], "say which"),
        (["assign", "--group", "x", "--to", "ada"], "no unresolved case has the fingerprint"),
        (["comment", "abcdef", " "], "say something"),
        (["waive", "--group", "x", "--reason", " "], "may not be empty"),
        (["waive", "--group", "x", "--reason", "y", "--until", "2020-01-01", "--days", "1"], "not both"),
        (["waive", "--group", "x", "--reason", "y", "--until", "2020-01-01"], "has passed"),
        (["waive", "--group", "x", "--reason", "y", "--end", "--days", "1"], "takes neither"),
        (["replay", "--group", "x", "--send"], "needs --reason"),
    ],
)
def test_what_is_not_clear_is_refused(ops: OpsStore, words: list[str], complaint: str) -> None:
    done = arsync(*words)
    assert isinstance(done.exception, ConfigError)
    assert complaint in str(done.exception)
    assert {case.state for case in ops.cases.find(CaseFilter(states=()))} == {CaseState.OPEN}
