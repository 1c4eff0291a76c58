"""A warehouse in a temporary folder and questions about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from arsync_pipelines.services.ingest import IngestService
from arsync_pipelines.warehouse.duckdb import DuckDbWarehouse
from tests.integration.ingest.shop import FixedClock


@dataclass
class Bench:
    """Warehouse, landing folder and service over them."""

    folder: Path

    def __post_init__(self) -> None:
        self.warehouse = DuckDbWarehouse(self.folder / "arsync.duckdb", self.folder / "snapshots")

    def service(self, batch_rows: int = 8, keep_reads: int | None = None, patience_s: float = 30.0) -> IngestService:
        landing = self.folder / "landing"
        return IngestService(self.warehouse, landing, FixedClock(), batch_rows, 3, keep_reads, patience_s)

    def query(self, sql: str) -> list[dict[str, Any]]:
        with self.warehouse.writing():
            return self.warehouse.query(sql)

    def current(self) -> dict[str, set[tuple[Any, ...]]]:
        """Current rows of the shop's streams, as Shop.expected gives them."""
        keys = {
            "term": ("id", "name", "id"),
            "document": ("id", "amount", "id"),
            "line": ("document", "id", "document, id"),
        }
        return {
            name: {
                tuple(row.values())
                for row in self.query(
                    f"select {first}, {second} from raw_shop__{name} where true qualify row_number() over "
                    f"(partition by _connection, {key} order by _seq desc) = 1 and not _is_deleted"
                )
            }
            for name, (first, second, key) in keys.items()
        }

    def versions(self) -> dict[str, int]:
        return {
            name: self.query(f"select count(*) as n from raw_shop__{name}")[0]["n"]
            for name in ("term", "document", "line")
        }


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)
