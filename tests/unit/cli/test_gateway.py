"""`arsync gateway`: what it says when it cannot serve, and where it listens."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from arsync_pipelines.cli.app import app
from arsync_pipelines.domain.errors import ConfigError
from arsync_pipelines.gateway import serve

TOML = """
state_dir = "state"
[connections.pay]
vendor = "stripe"
api_key = {{ env = "ARSYNC_TEST_KEY" }}
{webhook}
"""


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Where it would have listened, instead of serving."""
    found: list[object] = []
    logger = logging.getLogger("arsync_pipelines")
    before = (logger.handlers, logger.level, logger.propagate)
    monkeypatch.setenv("ARSYNC_CONFIG", str(tmp_path / "arsync.toml"))

    def instead(_app: object, bound: object) -> None:
        found.append(bound.getsockname())  # type: ignore[attr-defined]
        bound.close()  # type: ignore[attr-defined]

    monkeypatch.setattr(serve, "serve", instead)
    yield found
    logger.handlers, logger.level, logger.propagate = before


def write(tmp_path: Path, webhook: str = "") -> None:
    (tmp_path / "arsync.toml").write_text(TOML.format(webhook=webhook))


WITH = '[connections.pay.webhook]\nsecrets = [{ env = "ARSYNC_TEST_WEBHOOK_SECRET" }]'


def test_it_listens_on_this_machine_and_says_where(tmp_path: Path, served: list[object]) -> None:
    write(tmp_path, WITH)
    done = CliRunner().invoke(app, ["gateway", "--port", "0"], env={"ARSYNC_TEST_WEBHOOK_SECRET": "s" * 30})
    assert done.exit_code == 0, done.output
    ((host, port),) = served
    assert host == "127.0.0.1"
    assert f"pay: http://127.0.0.1:{port}/webhooks/pay" in done.output


def test_a_secret_that_is_not_there_is_named_and_the_rest_is_served(tmp_path: Path, served: list[object]) -> None:
    write(tmp_path, WITH)
    done = CliRunner().invoke(app, ["gateway", "--port", "0"])
    assert done.exit_code == 0 and len(served) == 1
    assert "ARSYNC_TEST_WEBHOOK_SECRET" in done.output


def test_without_a_connection_that_takes_deliveries_it_says_what_to_do(tmp_path: Path, served: list[object]) -> None:
    write(tmp_path)
    done = CliRunner().invoke(app, ["gateway", "--port", "0"])
    assert isinstance(done.exception, ConfigError) and "webhook" in str(done.exception)
    assert served == []


def test_a_port_in_use_is_said_to_be(tmp_path: Path, served: list[object]) -> None:
    write(tmp_path, WITH)
    taken = serve.listener("127.0.0.1", 0)
    taken.listen()
    port = taken.getsockname()[1]
    done = CliRunner().invoke(app, ["gateway", "--port", str(port)])
    taken.close()
    assert isinstance(done.exception, ConfigError) and f"127.0.0.1:{port}" in str(done.exception)
