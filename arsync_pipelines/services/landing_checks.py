"""The border where data arrives: expectations on the current versions of what landed since the suite last passed.

The watermark moves only on a pass, so a bad row is looked at again until a newer version of it, or its deletion, makes
it good; and the cost follows the change, not the history.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arsync_pipelines.domain.checks import CheckResult
from arsync_pipelines.ports.source import StreamSpec
from arsync_pipelines.ports.warehouse import Warehouse
from arsync_pipelines.quality import suites
from arsync_pipelines.quality.validate import validate
from arsync_pipelines.services import gate

WATERMARKS = "raw_arsync__landing_checked"


@dataclass(frozen=True, slots=True)
class LandingChecks:
    """Runs expectations/landing/<system>/<stream>.json over new rows, at most `slice_rows` in memory at a time."""

    warehouse: Warehouse
    root: Path
    slice_rows: int = 50_000

    def run(self, specs: Sequence[StreamSpec], run_id: str) -> dict[str, list[CheckResult]]:
        """Look at what landed in the tables of `specs` and record it at the gate. Inside `warehouse.writing()`.

        Results by table and expectation: none for a table where nothing landed since its suite last passed, [] for a
        stream without a suite.
        """
        passed = self._watermarks()
        found: dict[str, list[CheckResult]] = {}
        for spec in specs:
            high = self.warehouse.query(f"select coalesce(max(_seq), 0) as seq from {spec.table}")[0]["seq"]
            suite = suites.find(self.root, "landing", spec.system, spec.name)
            if suite is None:
                found[spec.table] = []
            elif high > (low := passed.get(spec.table, 0)):
                results = validate(suite, spec.table, _key(spec), self._current(spec, suite.columns, low))
                # rows that were all deleted again leave nothing to look at: that is a pass as well
                found[spec.table] = results or [
                    CheckResult(spec.table, "nothing_current", passed=True, severity="warning")
                ]
                if not any(r.blocks for r in results):
                    passed[spec.table] = high
        # first the gate: killed in between, we look again; the other way round an old failure would stand
        gate.record_landing(self.warehouse, found, run_id)
        self._store(passed)
        return found

    def _current(self, spec: StreamSpec, columns: list[str], low: int) -> Iterator[list[dict[str, Any]]]:
        """Slices in load order, without rows that have a newer version further on, however far."""
        # one pass finds the slices and what is outdated in each; to ask anew per slice would be quadratic
        slices = self.warehouse.query(
            "with version as (select _seq, row_number() over (order by _seq) - 1 as place,"
            f" lead(_seq) over (partition by {', '.join(_key(spec))} order by _seq) as newer"
            f" from {spec.table} where _seq > ?)"
            " select min(_seq) as first, max(_seq) as last,"
            " array_agg(_seq) filter (where newer is not null) as outdated"
            " from version group by place - place % ? order by first",
            [low, self.slice_rows],
        )
        shown = ", ".join(dict.fromkeys(["_seq", *_key(spec), *columns]))
        for part in slices:
            rows = self.warehouse.query(
                f"select {shown} from {spec.table} where _seq between ? and ? and not _is_deleted",
                [part["first"], part["last"]],
            )
            outdated = set(part["outdated"] or ())
            if current := [row for row in rows if row.pop("_seq") not in outdated]:
                yield current

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
