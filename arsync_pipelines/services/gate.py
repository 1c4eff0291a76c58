"""The gate between the working warehouse and its readers: the last result of every blocking check.

A result stands until the same check runs again, so a person who publishes by hand cannot pass a check that failed in
another run.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from arsync_pipelines.domain.checks import CheckResult
from arsync_pipelines.domain.errors import CheckFailed
from arsync_pipelines.ports.warehouse import Warehouse

TABLE = "raw_arsync__check"
_COLUMNS = {
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


def record(warehouse: Warehouse, results: Sequence[CheckResult], run_id: str, at: datetime | None = None) -> None:
    """Keep the latest result per (subject, name). Inside `warehouse.writing()`."""
    now = (at or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)
    kept = {(row["subject"], row["name"]): tuple(row[c] for c in _COLUMNS) for row in stored(warehouse)}
    for r in results:
        sample = json.dumps(list(r.sample)[:5], default=str, ensure_ascii=False)
        kept[r.subject, r.name] = (
            r.subject, r.name, r.passed, r.severity, r.checked, r.failing, r.detail[:2000], sample, run_id, now,
        )  # fmt: skip
    warehouse.replace_table(TABLE, _COLUMNS, list(kept.values()))


def stored(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Latest result per check, [] before the first."""
    exists = warehouse.query("select 1 from information_schema.tables where table_name = ?", [TABLE])
    return warehouse.query(f"select * from {TABLE} order by subject, name") if exists else []


def forget_removed_tests(warehouse: Warehouse, known: Collection[str]) -> None:
    """Drop results of model tests that are not among `known` any more, lest a removed test blocks for ever.

    Results of what landed stay: their suites answer for themselves.
    """
    rows = [row for row in stored(warehouse) if row["name"] in known or str(row["subject"]).startswith("raw_")]
    warehouse.replace_table(TABLE, _COLUMNS, [tuple(row[c] for c in _COLUMNS) for row in rows])


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
