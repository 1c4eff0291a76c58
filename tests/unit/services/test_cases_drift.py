"""Drift that waits for a person is a case with what is at risk, and closes by itself when the data is right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arsync_pipelines.connectors.registry import TAXONOMY
from arsync_pipelines.domain.cases import CaseState
from arsync_pipelines.domain.drift import DriftFinding, FieldDrift, Verdict
from arsync_pipelines.ops.cases.find import CaseFilter
from arsync_pipelines.ops.cases.rows import Case
from arsync_pipelines.ops.store import OpsStore, open_store
from arsync_pipelines.services.cases import CaseService
from arsync_pipelines.services.replay import ReplayService
from arsync_pipelines.warehouse.duckdb import DuckDbWarehouse

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PAYLOAD = '{"number": "INV-97", "open_amount": "12.50", "currency": "EUR"}'
TABLES: dict[str, dict[str, str]] = {
    "dim_customer": {"customer_id": "varchar", "name": "varchar", "country": "varchar"},
    "dim_legal_entity": {"legal_entity_id": "varchar", "country": "varchar"},
    "sync_salesforce__invoice": {
        "connection": "varchar", "business_key": "varchar", "customer_id": "varchar", "legal_entity_id": "varchar",
        "payload": "varchar",
    },
    "int_salesforce__account_gone": {
        "connection": "varchar", "account_id": "varchar", "name": "varchar", "customer_id": "varchar",
        "customer_name": "varchar", "region": "varchar", "shown_on_account_id": "varchar",
        "open_balance": "decimal(38, 4)", "currency": "varchar",
    },
}  # fmt: skip


@dataclass
class Bench:
    ops: OpsStore
    warehouse: DuckDbWarehouse
    service: CaseService
    rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)

    def publish(self) -> None:
        with self.warehouse.writing():
            for name, columns in TABLES.items():
                self.warehouse.replace_table(name, columns, self.rows.get(name, []))
            self.warehouse.publish(list(TABLES), {"watermarks": {}})

    def find(self, **values: Any) -> None:
        given: dict[str, Any] = {
            "finding_id": "f1", "connection": "crm", "object": "invoice", "business_key": "erp:97",
            "parent_key": "001", "kind": "edited", "action": "case", "found_at": NOW, "snapshot_id": "s1",
            "by": "Ada Lovelace", "changed_at": NOW, "correlation_id": "f1",
            "fields": {"status": FieldDrift(Verdict.DRIFT, "open", "open", "paid")},
        } | values  # fmt: skip
        self.ops.intents.add([], NOW, [DriftFinding(**given)])

    def refresh(self, minutes: float = 1) -> dict[str, int]:
        self.publish()
        return self.service.refresh(NOW + timedelta(minutes=minutes)).events

    def cases(self, *states: CaseState) -> list[Case]:
        return self.ops.cases.find(CaseFilter(states=states))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    ops = open_store(tmp_path / "ops.sqlite")
    warehouse = DuckDbWarehouse(tmp_path / "warehouse.duckdb", tmp_path / "snapshots")
    service = CaseService(
        ops.cases, warehouse, TAXONOMY, {"crm": "salesforce"}, lambda _name: [], lambda _name, _object: "ar_invoice",
        ReplayService(ops.held, tmp_path / "locks"), ops.drift,
    )  # fmt: skip
    made = Bench(ops, warehouse, service)
    made.rows["dim_customer"] = [("c1", "Ada Ltd", "GB")]
    made.rows["dim_legal_entity"] = [("erp:1", "DE")]
    yield made
    ops.close()


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [
        ("edited", "RESTORED_TOO_OFTEN", "written over (status) by Ada Lovelace at 2026-06-01 12:00:00 UTC"),
        ("deleted", "RECORD_DELETED", "deleted (status) by Ada Lovelace"),
    ],
)
def test_a_record_that_is_not_sent_is_a_case_until_it_agrees(bench: Bench, kind: str, code: str, words: str) -> None:
    bench.rows["sync_salesforce__invoice"] = [("crm", "erp:97", "c1", "erp:1", PAYLOAD)]
    bench.find(kind=kind)
    assert bench.refresh() == {"opened": 1}
    (case,) = bench.cases()
    assert (case.code, case.origin, case.amount, case.currency) == (code, "drift", Decimal("12.50"), "EUR")
    assert (case.customer_name, case.region, case.invoice) == ("Ada Ltd", "GB", "INV-97")
    assert words in case.message
    assert bench.refresh(2) == {}
    bench.rows["sync_salesforce__invoice"] = []
    assert bench.refresh(3) == {"resolved": 1}


def test_a_deleted_account_is_a_case_until_another_carries_its_figures(bench: Bench) -> None:
    gone = ("crm", "001A", "Ada", "c1", "Ada Ltd", "GB", None, Decimal("70.25"), "EUR")
    bench.rows["int_salesforce__account_gone"] = [gone]
    bench.find(object="account", business_key="001A", kind="deleted", fields={})
    assert bench.refresh() == {"opened": 1}
    (case,) = bench.cases()
    assert (case.code, case.owner, case.amount) == ("ACCOUNT_DELETED", "sales_operations", Decimal("70.25"))
    bench.rows["int_salesforce__account_gone"] = [(*gone[:6], "001B", *gone[7:])]
    assert bench.refresh(2) == {"resolved": 1}


def test_what_was_put_right_and_what_is_ignored_is_nobodys_case(bench: Bench) -> None:
    bench.rows["sync_salesforce__invoice"] = [("crm", "erp:97", "c1", "erp:1", PAYLOAD)]
    bench.find(action="none")
    bench.find(action="restored", finding_id="f2", business_key="erp:98")
    assert bench.refresh() == {}
