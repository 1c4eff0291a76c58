"""dbt's run results -> plain check results, with a few of the rows that broke a rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from arsync_pipelines.defs.transform.dbt import NodeResult
from arsync_pipelines.domain.checks import CheckResult, Severity
from arsync_pipelines.domain.errors import WarehouseError
from arsync_pipelines.ports.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class TestResult:
    """One executed dbt test: its node name (the Dagster check's name), the plain result, and the SQL it ran."""

    dagster_name: str
    check: CheckResult
    sql: str


def test_results(results: Iterable[NodeResult], manifest: Mapping[str, Any]) -> list[TestResult]:
    """Every data test and unit test that ran. A test that could not run counts as failed; a skipped one is left out."""
    found = []
    for result in results:
        kind, status = result.node_id.split(".")[0], result.status
        if kind not in {"test", "unit_test"} or status == "skipped":
            continue
        node = manifest["nodes"].get(result.node_id) or manifest.get("unit_tests", {}).get(result.node_id) or {}
        name = node.get("name", result.node_id)
        declared = str(node.get("config", {}).get("severity", "error")).lower()
        severity: Severity = "warning" if declared == "warn" else "error"
        passed = status in {"pass", "success"}
        check = CheckResult(
            subject=_subject(node, manifest),
            name=name,
            passed=passed,
            severity=severity if status != "error" else "error",
            failing=int(result.failures or (0 if passed else 1)),
            detail="" if passed else (result.message or status)[:500],
        )
        found.append(TestResult(name, check, result.sql))
    return found


def known_tests(manifest: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Subject and name of every data test and unit test of the project."""
    tests = [node for node in manifest["nodes"].values() if node["resource_type"] == "test"]
    return {(_subject(node, manifest), node["name"]) for node in [*tests, *manifest.get("unit_tests", {}).values()]}


def with_sample(warehouse: Warehouse, result: TestResult) -> TestResult:
    """The result with up to five offending rows, the rules they name as its detail. Inside `warehouse.writing()`."""
    if result.check.passed or not result.sql or result.check.detail.startswith("Runtime Error"):
        return result
    try:
        rows = warehouse.query(f"select * from ({result.sql}) as offending limit 5")
    except WarehouseError:
        return result  # the table it looked at was not built; the message says so already
    broken = "; ".join(str(row["rule"]) for row in rows if "rule" in row)
    return replace(result, check=replace(result.check, sample=rows, detail=broken or result.check.detail))


def _subject(node: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    told = node.get("config", {}).get("meta", {}).get("dagster", {}).get("ref", {}).get("name")
    if told:  # a test over several models says whose check it is
        return str(told)
    attached = node.get("attached_node") or next(iter(node.get("depends_on", {}).get("nodes", [])), "")
    model = manifest["nodes"].get(attached) or manifest["sources"].get(attached) or {}
    return str(model.get("name", "project"))
