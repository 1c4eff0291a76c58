"""Cases arrive in the warehouse as they stand, exact and in UTC, in place of what was copied before."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from arsync_pipelines.connectors.registry import TAXONOMY
from arsync_pipelines.domain.cases import Problem
from arsync_pipelines.domain.push import FailureClass
from arsync_pipelines.ops.store import open_store
from arsync_pipelines.services.cases import published
from arsync_pipelines.warehouse.duckdb import DuckDbWarehouse

NOW = datetime(2026, 7, 1, 8, tzinfo=UTC)


def test_cases_are_copied_as_they_stand(tmp_path: Path) -> None:
    store = open_store(tmp_path / "ops.sqlite")
    warehouse = DuckDbWarehouse(tmp_path / "warehouse.duckdb", tmp_path / "snapshots")
    failure = TAXONOMY.find("", "UNAPPLIED_PAYMENT", FailureClass.BUSINESS)
    large = Decimal("123456789012345678.1234")
    problem = Problem(
        "reconciliation", failure, "UNAPPLIED_PAYMENT", "netsuite", "erp", "recon_unapplied", "erp:1", "erp:1", "e",
        "waits", NOW, amount=large, currency="EUR",
    )  # fmt: skip
    with warehouse.writing():
        assert published.copy(store.cases, warehouse) == 0
        assert warehouse.query(f"select * from {published.TABLE}") == []
        store.cases.observe("reconciliation", [problem], NOW)
        assert published.copy(store.cases, warehouse) == 1
        (row,) = warehouse.query(f"select *, cast(amount as decimal(28, 4)) as exact from {published.TABLE}")
        assert (row["exact"], row["state"], row["assignee"]) == (large, "open", None)
        assert (row["first_seen_at"], row["sla_due_at"]) == (datetime(2026, 7, 1, 8), datetime(2026, 7, 3, 8))
        store.cases.observe("reconciliation", [], NOW)
        published.copy(store.cases, warehouse)
        assert warehouse.query(f"select state from {published.TABLE}") == [{"state": "resolved"}]
    store.close()
