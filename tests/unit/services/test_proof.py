"""The verdict over a tie-out: any difference refuses, and so does a snapshot with nothing in it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from arsync_pipelines.domain.errors import CheckFailed, WarehouseError
from arsync_pipelines.services.proof import Proof, TieOut, prove
from arsync_pipelines.warehouse.duckdb import DuckDbWarehouse


def line(difference: str = "0.00", gl_control: Decimal | None = Decimal(10)) -> TieOut:
    return TieOut(
        "Acme", "USD", date(2026, 7, 1), Decimal(12), Decimal(-2), Decimal(10), gl_control, Decimal(difference)
    )


def test_a_proof_without_differences_passes() -> None:
    Proof("s1", [line(), line(gl_control=None)], []).require()


def test_a_cent_is_enough_to_refuse_and_is_named() -> None:
    with pytest.raises(CheckFailed, match=r"2026-07-01: Acme USD: 0\.01"):
        Proof("s1", [line(), line("0.01")], []).require()


def test_nothing_is_no_proof() -> None:
    with pytest.raises(CheckFailed, match="no receivables"):
        Proof("s1", [], []).require()


def test_before_the_first_publish_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="arsync sync"):
        prove(DuckDbWarehouse(tmp_path / "warehouse.duckdb", tmp_path / "snapshots"))
