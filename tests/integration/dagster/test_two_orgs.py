"""One push asset over two Salesforce orgs: what fails at one is told, and is no reason to leave the other alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from arsync_pipelines.bootstrap import Platform
from arsync_pipelines.connectors.registry import CONNECTORS
from arsync_pipelines.defs.push.assets import push_assets, pushed_key
from arsync_pipelines.domain.checks import CheckResult
from arsync_pipelines.domain.errors import SinkError, SourceUnreachable
from arsync_pipelines.domain.push import PushIntent
from arsync_pipelines.ports.sink import Sink, WriteResult
from arsync_pipelines.ports.source import ConnectionCheck, Cursor, Page, Source, StreamSpec
from arsync_pipelines.services.deliver import RetryPolicy
from arsync_pipelines.services.plan import Difference
from arsync_pipelines.services.push import PushService
from arsync_pipelines.settings import load
from tests.fixtures.dagster import given
from tests.fixtures.targets import ScriptedTarget

SALESFORCE = CONNECTORS["salesforce"]
ORG = """
[connections.{name}]
vendor = "salesforce"
base_url = "http://127.0.0.1:9"
[connections.{name}.auth]
method = "client_credentials"
client_id = {{ file = "{folder}/{name}.secret" }}
client_secret = {{ file = "{folder}/{name}.secret" }}
"""
DIFFERENCES = dict.fromkeys(("connection", "business_key", "parent_key", "payload", "before"), "varchar")


class Target(ScriptedTarget):
    """Takes rows until `refuses` says otherwise, as an org whose licence has ended."""

    refuses = False

    def write(self, object_name: str, intents: Sequence[PushIntent]) -> WriteResult:
        if self.refuses and object_name == "invoice":
            raise SinkError(f"{self.connection}: the org does not take us any more")
        return super().write(object_name, intents)


class Org:
    """Reading it is counted; it shows no rows, or is `down`."""

    system = "salesforce"

    def __init__(self, connection: str, reads: Counter[tuple[str, str]], down: bool) -> None:
        self.connection, self.reads, self.down = connection, reads, down

    def streams(self) -> Sequence[StreamSpec]:
        return SALESFORCE.streams

    def read(self, stream: str, cursor: Cursor | None, *, since: datetime | None = None) -> Iterator[Page]:
        self.reads[self.connection, stream] += 1
        if self.down:
            raise SourceUnreachable(f"{self.connection}: no answer")
        yield Page((), {}, final=True)

    def has_changes(self, stream: str, cursor: Cursor | None) -> bool:
        return False

    def check(self) -> Sequence[ConnectionCheck]:
        return ()


class TwoOrgs(Platform):
    """The platform of an arsync.toml with two orgs, which are in memory; everything else is real."""

    def prepared(self) -> TwoOrgs:
        self.reads: Counter[tuple[str, str]] = Counter()
        self.down: set[str] = set()
        self.bad_payload: set[str] = set()
        self.targets = {name: Target(connection=name) for name in ("crm_eu", "crm_us")}
        rows = [(name, f"{name}-1", "001", json.dumps({"name": "new"}), json.dumps({"name": "old"}))
                for name in self.targets]  # fmt: skip
        columns = {**DIFFERENCES, "is_new": "boolean"}
        with self.warehouse.writing():
            for name in ("account", "invoice"):
                self.warehouse.replace_table(f"sync_salesforce__{name}", columns, [(*row, False) for row in rows])
            self.warehouse.publish(["sync_salesforce__account", "sync_salesforce__invoice"], {"watermarks": {}})
        return self

    def sink(self, name: str) -> Sink:
        return self.targets[name]

    def source(self, name: str) -> Source:
        return Org(name, self.reads, name in self.down)

    @cached_property
    def push(self) -> PushService:
        return PushService(
            self.warehouse, self.intents, self.settings.state_dir / "locks", RetryPolicy(), self._check_payload
        )

    def _check_payload(self, system: str, name: str, rows: Sequence[Difference]) -> list[CheckResult]:
        bad = rows[0].connection in self.bad_payload
        return [CheckResult(f"payload_{system}__{name}", "columns", passed=not bad, checked=1, failing=int(bad))]

    def run(self) -> tuple[dg.ExecuteInProcessResult, str]:
        """Materialize both objects: the result, and why it failed."""
        asset = push_assets(SALESFORCE, ("account", "invoice"))
        result = dg.materialize([asset], resources={"platform": given(self)}, raise_on_error=False)
        failures = [e.step_failure_data.user_failure_data for e in result.get_step_failure_events()]
        return result, "; ".join(str(f.description) for f in failures if f)


@pytest.fixture
def orgs(tmp_path: Path) -> TwoOrgs:
    text = f'state_dir = "{tmp_path}/state"\n'
    for name in ("crm_eu", "crm_us"):
        (tmp_path / f"{name}.secret").write_text("secret")
        text += ORG.format(name=name, folder=tmp_path)
    (tmp_path / "arsync.toml").write_text(text)
    return TwoOrgs(load(tmp_path / "arsync.toml")).prepared()


def pushed(orgs: TwoOrgs) -> dict[str, list[str]]:
    return {name: sorted(object_name for object_name, _ in target.records) for name, target in orgs.targets.items()}


def metadata(result: dg.ExecuteInProcessResult, name: str) -> Mapping[str, Any]:
    (made,) = [m for m in result.asset_materializations_for_node("push_salesforce")
               if m.asset_key == pushed_key(SALESFORCE, name)]  # fmt: skip
    return {key: value.value for key, value in made.metadata.items()}


def test_both_orgs_are_pushed_and_each_is_read_back_once(orgs: TwoOrgs) -> None:
    result, _ = orgs.run()
    assert result.success
    assert pushed(orgs) == {"crm_eu": ["account", "invoice"], "crm_us": ["account", "invoice"]}
    assert metadata(result, "invoice")["acknowledged"] == 2
    once = {(org, stream): 1 for org in orgs.targets for stream in ("account", "ar_invoice")}
    assert dict(orgs.reads) == once


def test_an_org_that_refuses_us_fails_the_run_by_name_and_does_not_hold_the_other(orgs: TwoOrgs) -> None:
    orgs.targets["crm_eu"].refuses = True
    result, told = orgs.run()
    assert not result.success
    assert "crm_eu failed: crm_eu: the org does not take us any more" in told
    assert "crm_eu.invoice: 0 rejected, 0 dead, 1 waiting" in told
    assert "pushed to crm_us all the same" in told
    assert pushed(orgs) == {"crm_eu": ["account"], "crm_us": ["account", "invoice"]}
    assert metadata(result, "account")["acknowledged"] == 2
    assert {k: metadata(result, "invoice")[k] for k in ("acknowledged", "waiting")} == {"acknowledged": 1, "waiting": 1}
    assert orgs.reads["crm_eu", "account"] == 1, "what it took before is read back"
    orgs.targets["crm_eu"].refuses = False
    assert orgs.run()[0].success
    assert pushed(orgs)["crm_eu"] == ["account", "invoice"]


def test_a_secret_that_is_missing_for_one_org_does_not_hold_the_other(orgs: TwoOrgs, tmp_path: Path) -> None:
    (tmp_path / "crm_eu.secret").unlink()
    result, told = orgs.run()
    assert not result.success and "crm_eu failed: connection 'crm_eu'" in told
    assert pushed(orgs) == {"crm_eu": [], "crm_us": ["account", "invoice"]}


def test_a_payload_that_is_refused_is_seen_as_a_failed_check(orgs: TwoOrgs) -> None:
    orgs.bad_payload = {"crm_eu", "crm_us"}
    result, told = orgs.run()
    assert not result.success and "crm_eu failed: push to crm_eu refused, nothing was sent" in told
    assert pushed(orgs) == {"crm_eu": [], "crm_us": []}
    checks = result.get_asset_check_evaluations()
    assert {(c.asset_key.path[-1], c.passed) for c in checks} == {
        ("salesforce__account", False),
        ("salesforce__invoice", False),
    }
    assert result.asset_materializations_for_node("push_salesforce") == []


def test_an_org_that_cannot_be_read_back_is_told_and_the_other_is_read(orgs: TwoOrgs) -> None:
    orgs.down = {"crm_eu"}
    result, told = orgs.run()
    assert not result.success and "crm_eu failed" in told and "no answer" in told
    assert pushed(orgs)["crm_eu"] == ["account", "invoice"]
    assert orgs.reads["crm_us", "ar_invoice"] == 1
