"""Asking a published snapshot for the receivables of any day: built from the raw rows, published as a job does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from arsync_pipelines.ports.warehouse import Snapshot
from arsync_pipelines.services.publish import functions
from arsync_pipelines.warehouse.duckdb import DuckDbWarehouse
from tests.integration.dbt.raw import RawWarehouse

ASKED = (
    "dim_legal_entity", "dim_legal_entity_history", "bridge_customer_hierarchy", "bridge_customer_history",
    "fct_receivable_event", "fct_receivable_item_history", "fct_ar_aging", "ar_customer_summary", "ar_aging_daily",
    "ar_ledger_item", "ar_ledger_line", "ar_receivable_month", "ar_measure_monthly", "ar_function",
    "fct_gl_control_movement", "fct_dispute_history",
)  # fmt: skip

Rows = list[dict[str, Any]]


@dataclass
class Analyst:
    """Someone who asks the newest snapshot and remembers every answer."""

    raw: RawWarehouse
    warehouse: DuckDbWarehouse = field(init=False)
    snapshot: Snapshot = field(init=False)

    def __post_init__(self) -> None:
        self.warehouse = DuckDbWarehouse(self.raw.path, Path(self.raw.path.parent, "snapshots"))

    def build_and_publish(self) -> datetime:
        """Build what the answers need and publish it; the time up to which no answer may change any more (UTC)."""
        chosen = [f"+{table}" for table in ASKED]
        self.raw.dbt("build", "--resource-type", "model", "--resource-type", "seed", "--select", *chosen)
        self.publish()
        return datetime.now(UTC).replace(tzinfo=None)

    def publish(self) -> None:
        """Make the state of the warehouse the one that is asked."""
        with self.warehouse.writing():
            self.snapshot = self.warehouse.publish(ASKED, {}, functions(self.warehouse, ASKED))

    def ask(self, function: str, as_of: date | None, known_at: datetime | date | None) -> Rows:
        """Rows of a function, in order."""
        return self.rows(f"select * from {function}(?, ?) order by all", [as_of, known_at])

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        return self.warehouse.query_snapshot(self.snapshot, sql, parameters)
