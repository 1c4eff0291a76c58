"""The verdict over a tie-out: any difference refuses, and so does a snapshot with nothing in it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from arsync_pipelines.domain.errors import CheckFailed, WarehouseError
from arsync_pipelines.services.proof import Proof, TieOut, prove
from arsync_pipelines.warehouse.duckdb import DuckDbWarehouse


def line(difference: str = "0.00", gl_control: Decimal | None = Decimal(10)) -> TieOut:
    return TieOut("Acme", "USD", date(2026, 7, 1), *map(Decimal, (7, -2, 5, 10)), gl_control, Decimal(difference))


NOW = datetime(2026, 7, 1, 6, tzinfo=UTC)


def proof(*lines: TieOut, critical: int = 0) -> Proof:
    found = {"business_key": "erp:7", "owner": "finance_systems", "detail": "posts without a document"}
    return Proof("s1", NOW, lines, [], [found] * critical)


def test_a_proof_without_differences_passes() -> None:
    good = proof(line(), line(gl_control=None))
    good.require()
    assert good.holds
    assert good.age(NOW + timedelta(days=2)) == timedelta(days=2)


def test_a_cent_is_enough_to_refuse_and_is_named() -> None:
    with pytest.raises(CheckFailed, match=r"2026-07-01: Acme USD: 0\.01"):
        proof(line(), line("0.01")).require()


def test_a_critical_finding_refuses_though_everything_foots() -> None:
    assert not proof(line(), critical=1).holds
    with pytest.raises(CheckFailed, match=r"1 critical finding\(s\) open: erp:7 \(finance_systems\): posts without"):
        proof(line(), critical=1).require()
    with pytest.raises(CheckFailed, match="and 2 more"):
        proof(line(), critical=7).require()


def test_nothing_is_no_proof() -> None:
    with pytest.raises(CheckFailed, match="no receivables"):
        proof().require()


def test_before_the_first_publish_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="arsync sync"):
        prove(DuckDbWarehouse(tmp_path / "warehouse.duckdb", tmp_path / "snapshots"))
