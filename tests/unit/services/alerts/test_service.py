"""Alerts from what really stands in a store and a snapshot, to channels that may be down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arsync_pipelines.connectors.registry import TAXONOMY
from arsync_pipelines.domain.alerts import AlertKind, Condition, Quota
from arsync_pipelines.domain.cases import Problem
from arsync_pipelines.domain.errors import ConfigError
from arsync_pipelines.domain.push import FailureClass
from arsync_pipelines.ops.store import OpsStore, open_store
from arsync_pipelines.services.alerts import AlertService, messages
from arsync_pipelines.services.alerts.channels import NotTaken
from arsync_pipelines.warehouse.duckdb import DuckDbWarehouse

NOW = datetime(2026, 7, 1, 8, tzinfo=UTC)
RUN = Condition(AlertKind.RUN_FAILED, "sync_ar_job", "sync_ar_job failed", "erp: no answer", run_id="r1")


@dataclass
class Recorder:
    """A channel that is down when told so."""

    name: str = "webhook"
    down: Exception | None = None
    titles: list[str] = field(default_factory=list)

    def send(self, body: Mapping[str, Any]) -> None:
        if self.down is not None:
            raise self.down
        self.titles.append(messages.title(body))


class Bench:
    """An alert service over a store and a warehouse of its own."""

    def __init__(self, folder: Path) -> None:
        self.ops: OpsStore = open_store(folder / "ops.sqlite")
        self.warehouse = DuckDbWarehouse(folder / "warehouse.duckdb", folder / "snapshots")
        self.channel, self.second = Recorder(), Recorder("slack")
        self.service = AlertService(
            self.ops.alerts, self.ops.cases, self.warehouse, [self.channel, self.second], ("crm", "erp")
        )

    def look(self, minutes: float, failed_runs: list[Condition] | None = None) -> list[str]:
        """Titles that the first channel got."""
        before = len(self.channel.titles)
        self.service.look(NOW + timedelta(minutes=minutes), failed_runs)
        return self.channel.titles[before:]

    def publish(self, read_at: datetime, findings: list[tuple[Any, ...]] | None = None) -> None:
        columns = {
            "check_name": "varchar", "legal_entity_id": "varchar", "currency": "varchar", "amount": "decimal(38, 4)",
            "detail": "varchar", "severity": "varchar", "closed_at": "timestamp",
        }  # fmt: skip
        seen = {"read_started_at": read_at.replace(tzinfo=None).isoformat()}
        with self.warehouse.writing():
            self.warehouse.replace_table("recon_finding", columns, findings or [])
            watermarks = {"erp": {"invoice": seen, "customer": seen}, "gone": {"x": seen}}
            self.warehouse.publish(["recon_finding"], {"watermarks": watermarks})


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.ops.close()


def refused(record: str, amount: str = "12.50") -> Problem:
    failure = TAXONOMY.find("salesforce", "DUPLICATE_VALUE", FailureClass.BUSINESS)
    return Problem(
        "push", failure, "DUPLICATE_VALUE", "salesforce", "crm", "invoice", record, record, "e", "duplicate", NOW,
        amount=Decimal(amount), currency="EUR",
    )  # fmt: skip


def test_nothing_is_told_when_nothing_is_wrong(bench: Bench) -> None:
    assert bench.look(0) == []
    bench.publish(NOW)
    assert bench.look(20) == []


def test_any_rejected_row_is_told_and_its_end(bench: Bench) -> None:
    bench.ops.cases.observe("push", [refused("a"), refused("b", "1")], NOW)
    assert bench.look(0) == ["2 rows of crm.invoice rejected: DUPLICATE_VALUE"]
    (alert,) = bench.ops.alerts.alerts()
    assert "At risk: 13.50 EUR." in alert.text and "arsync cases list --group" in alert.text
    assert "For sales operations" in alert.text
    bench.ops.cases.observe("push", [], NOW + timedelta(minutes=20))
    assert bench.look(20) == ["Over: 2 rows of crm.invoice rejected: DUPLICATE_VALUE"]
    assert bench.look(40) == []


def test_a_breached_sla_is_told_and_a_waiver_ends_it(bench: Bench) -> None:
    bench.ops.cases.observe("push", [refused("a")], NOW)
    assert len(bench.look(0)) == 1
    assert bench.look(24 * 60 - 1) == []
    assert "1 case of crm.invoice overdue: DUPLICATE_VALUE" in bench.look(24 * 60 + 1)
    (case,) = bench.ops.cases.find()
    bench.ops.cases.waive([case.case_id], "agreed", None, "ada", NOW + timedelta(days=1, hours=1))
    assert set(bench.look(24 * 60 + 120)) == {
        "Over: 1 row of crm.invoice rejected: DUPLICATE_VALUE", "Over: 1 case of crm.invoice overdue: DUPLICATE_VALUE",
    }  # fmt: skip


def test_a_quota_near_its_end_is_told(bench: Bench) -> None:
    bench.ops.alerts.note_quotas("crm", [Quota("DailyApiRequests", 79, 100)], NOW)
    assert bench.look(0) == []
    bench.ops.alerts.note_quotas("crm", [Quota("DailyApiRequests", 93, 100)], NOW)
    assert bench.look(1) == ["crm: 93 % of DailyApiRequests used"]
    assert bench.look(24 * 60 + 1) == ["Over: crm: 93 % of DailyApiRequests used"], "nobody has seen it for a day"


def test_a_connection_that_is_not_fresh_is_told_unless_it_is_configured_no_more(bench: Bench) -> None:
    bench.publish(NOW - timedelta(hours=25))
    assert bench.look(0) == ["erp: 2 of 2 streams not read for 25 hours"]
    bench.publish(NOW)
    assert bench.look(20) == ["Over: erp: 2 of 2 streams not read for 25 hours"]


def test_a_difference_in_reconciliation_is_told(bench: Bench) -> None:
    closed = NOW.replace(tzinfo=None)
    bench.publish(
        NOW,
        [
            ("recon_gl_control", "erp:1", "EUR", Decimal("1.10"), "aging 1, ledger 2.10", "critical", None),
            ("recon_gl_control", "erp:1", "EUR", Decimal("0.10"), "small", "critical", None),
            ("recon_gl_control", "erp:2", "EUR", Decimal(1), "closed", "critical", closed),
            ("recon_unapplied", "erp:1", "EUR", Decimal(1), "warning", "warning", None),
        ],
    )
    assert bench.look(0) == ["recon_gl_control: 2 critical findings in erp:1"]
    assert "At risk: 1.20 EUR. aging 1, ledger 2.10" in bench.ops.alerts.alerts()[0].text


def test_failed_runs_are_left_alone_unless_they_are_given(bench: Bench) -> None:
    bench.service.tell(RUN, NOW)
    assert bench.channel.titles == ["sync_ar_job failed"]
    assert bench.look(20) == []
    assert bench.look(21, [RUN]) == []
    assert bench.look(40, []) == ["Over: sync_ar_job failed"]


@pytest.mark.parametrize("error", [NotTaken("HTTP 500"), ConfigError("secret: environment variable X is not set")])
def test_a_channel_that_is_down_gets_its_messages_later_and_the_others_now(bench: Bench, error: Exception) -> None:
    bench.channel.down = error
    told = bench.service.tell(RUN, NOW)
    assert (told.sent, told.failed, told.waiting, bench.second.titles) == (1, 1, 1, ["sync_ar_job failed"])
    assert bench.service.look(NOW + timedelta(seconds=30)).failed == 0, "not before its time"
    bench.channel.down = None
    assert bench.look(1) == ["sync_ar_job failed"]
    assert bench.second.titles == ["sync_ar_job failed"]
    assert bench.ops.alerts.waiting() == 0


def test_a_message_that_nobody_takes_for_days_is_given_up(bench: Bench) -> None:
    bench.channel.down = NotTaken("HTTP 500")
    bench.service.tell(RUN, NOW)
    for hours in range(1, 72, 2):
        bench.service.look(NOW + timedelta(hours=hours))
    assert bench.ops.alerts.waiting() == 3, "that of the first day and its repetitions"
    bench.service.look(NOW + timedelta(hours=73))
    assert bench.ops.alerts.waiting() == 3
    assert len(bench.ops.alerts.alerts()) == 1, "the alert itself stands"


def test_a_trial_goes_to_every_channel(bench: Bench) -> None:
    bench.second.down = NotTaken("HTTP 404")
    assert bench.service.trial(NOW) == {"webhook": "", "slack": "HTTP 404"}
    assert bench.channel.titles == ["a trial of the alert channels"]
    assert bench.ops.alerts.alerts() == []
