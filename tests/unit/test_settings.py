"""Configuration: what is wrong is said with its place, and a secret's value never appears."""

from __future__ import annotations

from pathlib import Path

import pytest

from arsync_pipelines import settings
from arsync_pipelines.cli.template import ARSYNC_TOML
from arsync_pipelines.domain.errors import ConfigError
from arsync_pipelines.domain.secret import SecretRef


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "arsync.toml"
    path.write_text(text)
    return path


def test_the_template_is_valid_and_relative_to_its_file(tmp_path: Path) -> None:
    loaded = settings.load(write(tmp_path, ARSYNC_TOML))
    assert loaded.connections == {}
    assert loaded.warehouse_path == tmp_path.resolve() / ".arsync" / "warehouse" / "warehouse.duckdb"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("connections = [", "not valid TOML"),
        ("[warehouse]\nkeep = 0", "warehouse.keep"),
        ("[reporting]\ncurrency = 'dollars'", "reporting.currency"),
        ("[reporting]\naging_edges = [0, 60, 30, 90]", "must increase"),
        ("colour = 'blue'", "colour"),
        ("[[legal_entities]]\nconnection = 'erp'\nid = '1'", "not under"),
        ("[[legal_entities]]\nconnection = 'erp'\nid = '1'\naging_edges = [0, 9, 9, 10]", "must increase"),
        ("[connections.erp]\nvendor='x'\n[[legal_entities]]\nconnection = 'erp'\nid = '1'\ntime_zone = 'Mars'", "IANA"),
        ("[clock]\nkind = 'http'", "clock.url"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        settings.load(write(tmp_path, text))


def test_a_missing_file_is_only_an_error_when_it_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ARSYNC_CONFIG", raising=False)
    assert settings.load().connections == {}
    monkeypatch.setenv("ARSYNC_CONFIG", "nowhere.toml")
    with pytest.raises(ConfigError, match=r"nowhere\.toml does not exist"):
        settings.load()


def test_a_secret_is_read_at_each_use_and_its_reference_is_named_when_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "token"
    path.write_text("first\n")
    reference = SecretRef(file=path)
    assert settings.reveal(reference) == "first"
    path.write_text("second")
    assert settings.reveal(reference) == "second"
    monkeypatch.delenv("ARSYNC_TEST_TOKEN", raising=False)
    with pytest.raises(ConfigError, match="ARSYNC_TEST_TOKEN"):
        settings.reveal(SecretRef(env="ARSYNC_TEST_TOKEN"))


def test_the_operational_store_is_where_environment_or_file_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ARSYNC_OPS_URL", raising=False)
    assert settings.ops_url(settings.load(write(tmp_path, ""))) == ""
    named = settings.load(write(tmp_path, "[ops]\nurl = { env = 'ARSYNC_TEST_OPS' }"))
    with pytest.raises(ConfigError, match="ARSYNC_TEST_OPS is not set"):
        settings.ops_url(named)
    monkeypatch.setenv("ARSYNC_TEST_OPS", "postgresql://a:hunter2@db/x")
    assert settings.ops_url(named) == "postgresql://a:hunter2@db/x"
    assert "hunter2" not in repr(named)
    monkeypatch.setenv("ARSYNC_OPS_URL", "postgresql://b@db/y")
    assert settings.ops_url(named) == "postgresql://b@db/y"


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ('slack = "https://hooks.example.com/x"', "alerts.slack"),
        ("window_minutes = 0", "alerts.window_minutes"),
        ("quota_percent = 101", "alerts.quota_percent"),
        ('[alerts.email]\nhost = "mail"\nsender = "nobody"\nrecipients = ["a@b.c"]', "alerts.email.sender"),
        ('[alerts.email]\nhost = "mail"\nsender = "a@b.c"\nrecipients = []', "alerts.email.recipients"),
        ('[alerts.email]\nhost = "mail"\nsender = "a@b.c"\nrecipients = ["nobody"]', "every one is an address"),
        ('[alerts.email]\nhost = "mail"\nsender = "a@b.c"\nrecipients = ["a@b.c"]\nuser = "u"', "go together"),
        (
            '[alerts.email]\nhost = "mail"\nsender = "a@b.c"\nrecipients = ["a@b.c"]\nuser = "u"\nsecurity = "none"\n'
            'password = { env = "P" }',
            "not sent in clear",
        ),
    ],
)
def test_alert_settings_that_cannot_work_are_refused_at_start(tmp_path: Path, table: str, complaint: str) -> None:
    (tmp_path / "arsync.toml").write_text(f"[alerts]\n{table}\n")
    with pytest.raises(ConfigError, match=complaint) as refused:
        settings.load(tmp_path / "arsync.toml")
    assert "hooks.example.com" not in str(refused.value)


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ('code = "NO_SUCH"\nowner = "tax"', "NO_SUCH of arsync is no failure code"),
        ('code = "NO_ANSWER"\nowner = "nobody"', "failures.0.owner"),
        ('code = "NO_ANSWER"', "say owner or sla_hours"),
        ('code = "NO_ANSWER"\nsla_hours = 0', "failures.0.sla_hours"),
    ],
)
def test_a_change_of_a_failure_code_is_checked(tmp_path: Path, table: str, why: str) -> None:
    from arsync_pipelines.bootstrap import platform

    path = tmp_path / "arsync.toml"
    path.write_text(f"[[failures]]\n{table}\n")
    with pytest.raises(ConfigError, match=why):
        platform(path)


def test_owner_and_sla_of_a_code_are_ours_to_say(tmp_path: Path) -> None:
    from arsync_pipelines.bootstrap import platform

    path = tmp_path / "arsync.toml"
    path.write_text('[[failures]]\ncode = "NO_ANSWER"\nowner = "tax"\nsla_hours = 3\n')
    line = platform(path).taxonomy.find("salesforce", "NO_ANSWER", None)
    assert (line.owner, line.sla_hours) == ("tax", 3)
