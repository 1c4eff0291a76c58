"""The proof as Dagster shows it: red when it does not hold, yellow when anything else stands open, green otherwise."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import dagster as dg
import pytest

from arsync_pipelines.defs.quality.proof import as_check
from arsync_pipelines.services.proof import Proof, TieOut

FINDING = {"check_name": "recon_unapplied", "findings": 3, "amount": Decimal("1.00"), "first_seen_at": date(2026, 7, 1)}
NAMED = {"business_key": "erp:7", "detail": "posts without a document", "owner": "finance_systems"}


def proof(difference: str = "0", findings: tuple[Any, ...] = (), critical: tuple[Any, ...] = ()) -> Proof:
    line = TieOut("Acme", "USD", date(2026, 7, 1), *map(Decimal, (1, 0, 0, 1)), None, Decimal(difference))
    return Proof("s1", datetime(2026, 7, 1, tzinfo=UTC), [line], findings, critical)


@pytest.mark.parametrize(
    ("made", "passed", "severity"),
    [
        (proof(), True, dg.AssetCheckSeverity.WARN),
        (proof(findings=(FINDING,)), False, dg.AssetCheckSeverity.WARN),
        (proof("0.01"), False, dg.AssetCheckSeverity.ERROR),
        (proof(findings=(FINDING,), critical=(NAMED,)), False, dg.AssetCheckSeverity.ERROR),
    ],
)
def test_colour_of_a_proof(made: Proof, passed: bool, severity: dg.AssetCheckSeverity) -> None:
    check = as_check(made)
    assert (check.passed, check.severity) == (passed, severity)
    assert check.metadata["critical_findings"].value == len(made.critical)
    assert check.metadata["open_findings"].value == sum(f["findings"] for f in made.findings)
