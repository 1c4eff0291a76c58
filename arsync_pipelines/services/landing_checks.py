"""The border where data arrives: expectations on the current versions of what landed since the suite last passed.

The watermark moves only on a pass, so a bad row is looked at again until a newer version of it, or its deletion, makes
it good; and the cost follows the change, not the history.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arsync_pipelines.domain.checks import CheckResult
from arsync_pipelines.ports.source import StreamSpec
from arsync_pipelines.ports.warehouse import Warehouse
from arsync_pipelines.quality import suites
from arsync_pipelines.quality.validate import validate

WATERMARKS = "raw_arsync__landing_checked"
_CHUNK = 50_000


@dataclass(frozen=True, slots=True)
class LandingChecks:
    """Runs expectations/landing/<system>/<stream>.json over new rows. Inside `warehouse.writing()`."""

    warehouse: Warehouse
    root: Path

    def run(self, spec: StreamSpec) -> list[CheckResult]:
        """Results by expectation; [] when nothing landed since the last pass or the stream has no suite."""
        suite = suites.find(self.root, "landing", spec.system, spec.name)
        if suite is None:
            return []
        passed = self._watermarks()
        low = passed.get(spec.table, 0)
        high = self.warehouse.query(f"select coalesce(max(_seq), 0) as seq from {spec.table}")[0]["seq"]
        if high <= low:
            return []
        results = validate(suite, spec.table, _key(spec), self._current(spec, suite.columns, low, high))
        if not any(r.blocks for r in results):
            self._store({**passed, spec.table: high})
        # rows that were all deleted again leave nothing to look at: that is a pass as well
        return results or [CheckResult(spec.table, "nothing_current", passed=True, severity="warning")]

    def _current(self, spec: StreamSpec, columns: list[str], low: int, high: int) -> Iterator[list[dict[str, Any]]]:
        key = ", ".join(_key(spec))
        shown = ", ".join(f"r.{column}" for column in dict.fromkeys([*_key(spec), *columns]))
        start = low
        while start < high:
            # a slice of load order; a row with a newer version further on is not current and is left out
            newest = f"select {key}, max(_seq) as _newest from {spec.table} where _seq > ? group by {key}"
            rows = self.warehouse.query(
                f"with newest as ({newest}) select {shown} from {spec.table} r join newest using ({key})"
                " where r._seq = newest._newest and not r._is_deleted and r._seq > ? and r._seq <= ?",
                [low, start, start + _CHUNK],
            )
            start += _CHUNK
            if rows:
                yield rows

    def _watermarks(self) -> dict[str, int]:
        if not self.warehouse.query("select 1 from information_schema.tables where table_name = ?", [WATERMARKS]):
            return {}
        return {
            row["raw_table"]: row["seq"] for row in self.warehouse.query(f"select raw_table, seq from {WATERMARKS}")
        }

    def _store(self, watermarks: dict[str, int]) -> None:
        self.warehouse.replace_table(WATERMARKS, {"raw_table": "varchar", "seq": "bigint"}, list(watermarks.items()))


def _key(spec: StreamSpec) -> tuple[str, ...]:
    """What names a record among those of all connections."""
    return ("_connection", *spec.primary_key)
