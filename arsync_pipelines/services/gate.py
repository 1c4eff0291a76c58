"""The gate between the working warehouse and its readers: the last result of every blocking check.

A result stands until the same check runs again or is removed from the project, so a person who publishes by hand cannot
pass a check that failed in another run.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from arsync_pipelines.domain.checks import CheckResult
from arsync_pipelines.domain.errors import CheckFailed
from arsync_pipelines.ports.warehouse import Warehouse

TABLE = "raw_arsync__check"
_COLUMNS = {
    "origin": "varchar",
    "subject": "varchar",
    "name": "varchar",
    "passed": "boolean",
    "severity": "varchar",
    "checked": "bigint",
    "failing": "bigint",
    "detail": "varchar",
    "sample": "varchar",
    "run_id": "varchar",
    "checked_at": "timestamp",
}


def record_landing(
    warehouse: Warehouse, looked: Mapping[str, Sequence[CheckResult]], run_id: str, at: datetime | None = None
) -> None:
    """Keep what landing found of each table in `looked`, in place of all that it found there before: what is bad no
    longer (or is no longer expected) does not block for ever. Inside `warehouse.writing()`."""
    kept = [row for row in stored(warehouse) if row["origin"] != "landing" or row["subject"] not in looked]
    _replace(warehouse, kept, [r for results in looked.values() for r in results], "landing", run_id, at)


def record_models(
    warehouse: Warehouse,
    results: Sequence[CheckResult],
    run_id: str,
    known: Collection[tuple[str, str]],
    at: datetime | None = None,
) -> None:
    """Keep the latest result per model test. Tests that are not among `known` (subject, name) are gone from the project
    and no longer block. Inside `warehouse.writing()`."""
    made = {(r.subject, r.name) for r in results}
    kept = [
        row
        for row in stored(warehouse)
        if row["origin"] != "models" or ((key := (row["subject"], row["name"])) in known and key not in made)
    ]
    _replace(warehouse, kept, results, "models", run_id, at)


def stored(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Latest result per check, [] before the first. `origin`: `landing` or `models`."""
    exists = warehouse.query("select 1 from information_schema.tables where table_name = ?", [TABLE])
    rows = warehouse.query(f"select * from {TABLE} order by subject, name") if exists else []
    # a table written before results had an origin
    return [{"origin": "landing" if row["subject"].startswith("raw_") else "models"} | row for row in rows]


def require_open(warehouse: Warehouse) -> list[dict[str, Any]]:
    """All stored results. Raises CheckFailed when a blocking one stands."""
    rows = stored(warehouse)
    failed = [row for row in rows if not row["passed"] and row["severity"] == "error"]
    if failed:
        names = "; ".join(
            f"{r['subject']}: {r['name']} ({r['failing']} rows) {r['detail']}".strip() for r in failed[:5]
        )
        raise CheckFailed(
            f"publish refused: {len(failed)} blocking check(s) failed: {names}. "
            "The last good snapshot stays. Correct the data at its source (or the model), then run `arsync sync` again."
        )
    return rows


def _replace(
    warehouse: Warehouse,
    kept: Sequence[Mapping[str, Any]],
    results: Sequence[CheckResult],
    origin: str,
    run_id: str,
    at: datetime | None,
) -> None:
    now = (at or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)
    made = {}
    for r in results:
        sample = json.dumps(list(r.sample)[:5], default=str, ensure_ascii=False)
        made[r.subject, r.name] = (
            origin, r.subject, r.name, r.passed, r.severity, r.checked, r.failing, r.detail[:2000], sample, run_id, now,
        )  # fmt: skip
    warehouse.replace_table(TABLE, _COLUMNS, [*(tuple(row[c] for c in _COLUMNS) for row in kept), *made.values()])
