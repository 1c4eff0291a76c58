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


def models(warehouse: Any, *results: CheckResult, known: Sequence[tuple[str, str]] = ()) -> None:
    gate.record_models(warehouse, results, "r", {*known, *((r.subject, r.name) for r in results)})


def test_a_failed_check_blocks_until_the_same_check_passes() -> None:
    warehouse: Any = OneTable()
    known = [("fct_invoice", "unique"), ("fct_payment", "unique")]
    models(warehouse, CheckResult("fct_invoice", "unique", passed=False, failing=2))
    models(warehouse, CheckResult("fct_payment", "unique", passed=True), known=known)
    with pytest.raises(CheckFailed, match=r"fct_invoice: unique \(2 rows\)"):
        gate.require_open(warehouse)
    models(warehouse, CheckResult("fct_invoice", "unique", passed=True), known=known)
    assert len(gate.require_open(warehouse)) == 2


@pytest.mark.parametrize("subject", ["fct_invoice", "raw_x__y"])
def test_a_model_test_that_was_removed_or_moved_no_longer_blocks(subject: str) -> None:
    warehouse: Any = OneTable()
    models(warehouse, CheckResult(subject, "old_test", passed=False))
    models(warehouse, CheckResult("dim_customer", "old_test", passed=True))
    (left,) = gate.require_open(warehouse)
    assert (left["origin"], left["subject"]) == ("models", "dim_customer")


def test_a_look_at_what_landed_replaces_all_that_landing_found_there_before() -> None:
    warehouse: Any = OneTable()
    bad = CheckResult("raw_x__y", "not_null(amount)", passed=False)
    gate.record_landing(warehouse, {"raw_x__y": [bad], "raw_x__z": []}, "r1")
    models(warehouse, CheckResult("raw_x__y", "dbt_test_of_a_source", passed=True))
    gate.record_landing(warehouse, {"raw_x__z": [CheckResult("raw_x__z", "unique(id)", passed=True)]}, "r2")
    with pytest.raises(CheckFailed, match="1 blocking check"):
        gate.require_open(warehouse)
    gate.record_landing(warehouse, {"raw_x__y": [CheckResult("raw_x__y", "not_null(id)", passed=True)]}, "r3")
    names = [row["name"] for row in gate.require_open(warehouse)]
    assert sorted(names) == ["dbt_test_of_a_source", "not_null(id)", "unique(id)"]
