"""The gate: a failed check blocks until it passes or is removed from the project; nothing else opens it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from arsync_pipelines.domain.checks import CheckResult
from arsync_pipelines.domain.errors import CheckFailed
from arsync_pipelines.services import gate


class OneTable:
    """The two methods of a warehouse that the gate uses."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] | None = None

    def query(self, sql: str, _parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        if "information_schema" in sql:
            return [] if self.rows is None else [{"1": 1}]
        return list(self.rows or [])

    def replace_table(self, _table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
        self.rows = [dict(zip(columns, row, strict=True)) for row in rows]


def test_a_failed_check_blocks_until_the_same_check_passes() -> None:
    warehouse: Any = OneTable()
    gate.record(warehouse, [CheckResult("fct_invoice", "unique", passed=False, failing=2)], "r1")
    gate.record(warehouse, [CheckResult("fct_payment", "unique", passed=True)], "r2")
    with pytest.raises(CheckFailed, match=r"fct_invoice: unique \(2 rows\)"):
        gate.require_open(warehouse)
    gate.record(warehouse, [CheckResult("fct_invoice", "unique", passed=True)], "r3")
    assert len(gate.require_open(warehouse)) == 2


def test_a_removed_test_no_longer_blocks_but_what_landed_does() -> None:
    warehouse: Any = OneTable()
    failed = [CheckResult("fct_invoice", "old_test", passed=False), CheckResult("raw_x__y", "not_null", passed=False)]
    gate.record(warehouse, failed, "r1")
    gate.forget_removed_tests(warehouse, {"unique"})
    with pytest.raises(CheckFailed, match="1 blocking check"):
        gate.require_open(warehouse)
