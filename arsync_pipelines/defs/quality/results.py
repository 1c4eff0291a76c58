"""Plain check results -> Dagster asset checks, with counts and sample rows."""

from __future__ import annotations

import json
from collections.abc import Sequence

import dagster as dg

from arsync_pipelines.domain.checks import CheckResult


def to_asset_check(name: str, asset_key: dg.AssetKey, results: Sequence[CheckResult]) -> dg.AssetCheckResult:
    """One asset check for a whole suite: failed when a blocking expectation failed, a warning when only others did."""
    failed = [r for r in results if not r.passed]
    blocking = [r for r in failed if r.blocks]
    table = [
        dg.TableRecord(
            {
                "check": r.name,
                "passed": r.passed,
                "severity": r.severity,
                "checked": r.checked,
                "failing": r.failing,
                "sample": json.dumps(list(r.sample)[:5], default=str)[:500],
                "detail": r.detail,
            }
        )
        for r in sorted(results, key=lambda r: r.passed)
    ]
    return dg.AssetCheckResult(
        passed=not failed,
        asset_key=asset_key,
        check_name=name,
        severity=dg.AssetCheckSeverity.ERROR if blocking or not failed else dg.AssetCheckSeverity.WARN,
        description="nothing new to look at since the suite last passed" if not results else None,
        metadata={
            "expectations": len(results),
            "failed": len(failed),
            "rows_checked": max((r.checked for r in results), default=0),
            "rows_failing": sum(r.failing for r in failed),
            **({"results": dg.MetadataValue.table(table)} if table else {}),
        },
    )
