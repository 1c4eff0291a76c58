"""What leaves is the ERP's or collections' to write, or nothing leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from arsync_pipelines.bootstrap import PROJECT_ROOT
from arsync_pipelines.services.payload_checks import OWNED, PayloadChecks
from arsync_pipelines.services.plan import Difference


def difference(**payload: Any) -> Difference:
    return Difference("crm", "account", "001", "001", False, payload, {}, {})


@pytest.mark.parametrize("root", [PROJECT_ROOT / "expectations", Path("nowhere")], ids=["suite", "no suite"])
def test_a_field_that_others_own_blocks(root: Path) -> None:
    rows = [difference(open_balance="1.00"), difference(open_balance="1.00", name="Renamed", favourite_colour="blue")]
    result = next(r for r in PayloadChecks(root)("salesforce", "account", rows) if r.name == OWNED)
    assert result.blocks and (result.checked, result.failing) == (2, 1)
    assert result.detail == "neither the ERP's nor collections' to write: favourite_colour, name"


def test_what_erp_and_collections_own_passes() -> None:
    rows = [difference(open_balance="1.00", credit_hold=True, erp_customer_id="C-1", promise_date="2026-07-04")]
    result = next(r for r in PayloadChecks(Path("nowhere"))("salesforce", "account", rows) if r.name == OWNED)
    assert result.passed and not result.detail
