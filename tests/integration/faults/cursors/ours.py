"""Our own reader: the NetSuite connector, the ingest service and a warehouse. And slips in it that must show."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from arsync_pipelines.connectors.clock import SystemClock
from arsync_pipelines.connectors.http import Retry, RetryBudget
from arsync_pipelines.connectors.netsuite.options import NetSuiteOptions
from arsync_pipelines.connectors.netsuite.source import NetSuiteSource
from arsync_pipelines.domain.errors import ArsyncError
from arsync_pipelines.services.ingest import IngestService
from arsync_pipelines.warehouse.duckdb import DuckDbWarehouse
from tests.fixtures.netsuite_account import OPTIONS, reveal
from tests.integration.faults.cursors.books import Versions


class Arsync:
    """`overlap_minutes`: of the connection, None as it comes. `heeds_deletions`: as staging does; else a slip."""

    refusals = (ArsyncError,)

    def __init__(
        self, url: str, folder: Path, *, overlap_minutes: int | None = None, heeds_deletions: bool = True
    ) -> None:
        options = NetSuiteOptions.model_validate({**OPTIONS, "base_url": url})
        if overlap_minutes is not None:
            options = options.model_copy(update={"overlap_minutes": overlap_minutes})  # 0 would be refused
        retry = Retry(RetryBudget(attempts=2, seconds=5, base=0.01))
        self._source = NetSuiteSource("erp", options, reveal, retry=retry)
        self._warehouse = DuckDbWarehouse(folder / "raw.duckdb", folder / "snapshots")
        self._ingest = IngestService(self._warehouse, folder / "landing", SystemClock())
        self._heeds_deletions = heeds_deletions

    def read(self, streams: tuple[str, ...]) -> None:
        self._ingest.run(self._source, streams)

    def present(self, streams: tuple[str, ...]) -> Versions:
        """Newest versions; a record in the log of deletions is gone, and its lines with it, as in staging."""
        with self._warehouse.writing():
            return self._present(streams)

    def _present(self, streams: tuple[str, ...]) -> Versions:
        gone = self._gone() if self._heeds_deletions else set()
        documents = self._newest("transaction", "id")
        found = {f"transaction {row['id']}": row["memo"] for row in documents if row["id"] not in gone}
        if "transaction_line" in streams:
            lines = self._newest("transaction_line", "transaction", "id")
            found |= {
                f"line {row['transaction']}:{row['id']}": row["memo"] for row in lines if row["transaction"] not in gone
            }
        if "term" in streams:
            found |= {f"term {row['id']}": row["name"] for row in self._newest("term", "id")}
        return found

    def noticed(self) -> str:
        """Where raw does not hold what the account counts and sums by itself, as int_source_total compares them."""
        with self._warehouse.writing():
            return self._noticed()

    def _noticed(self) -> str:
        nothing = (0, Decimal(0))
        held: dict[tuple[str, str], tuple[int, Decimal]] = {}
        gone = self._gone()
        for row in self._newest("transaction", "id"):
            if row["id"] not in gone:
                named = row["type"], row["currency"] or ""
                count, amount = held.get(named, nothing)
                held[named] = count + 1, amount + Decimal(row["foreigntotal"] or 0)
        totals = self._warehouse.query("select * from raw_arsync__total where stood_still and stream = 'transaction'")
        told = {
            (total["object"], total["currency"] or ""): (total["row_count"], Decimal(total["amount"] or 0))
            for total in totals
        }
        if not told:
            return ""  # business went on while it was read, and nothing can be concluded
        return "; ".join(
            f"control total of {kind}: told {told.get((kind, currency), nothing)}, held {here}"
            for kind, currency in sorted(told.keys() | held.keys())
            if (here := held.get((kind, currency), nothing)) != told.get((kind, currency), nothing)
        )

    def _gone(self) -> set[str]:
        return {row["recordid"] for row in self._newest("deleted_record", "type", "recordid")}

    def _newest(self, stream: str, *key: str) -> list[dict[str, Any]]:
        """The newest version of each record that is not marked as deleted itself."""
        keys = ", ".join(f'"{column}"' for column in key)
        rank = f"row_number() over (partition by {keys} order by _seq desc)"
        newest = f"select * from raw_netsuite__{stream} qualify {rank} = 1"
        return self._warehouse.query(f"select * from ({newest}) where not _is_deleted")
