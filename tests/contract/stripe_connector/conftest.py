"""A company on the Stripe stand-in, its connector, and a warehouse to land in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.sources.base import Landed
from tests.fixtures.sources.stripe import StripeCompany


@pytest.fixture
def company(opened: Callable[[Any], Any]) -> StripeCompany:
    made: StripeCompany = opened(StripeCompany)
    return made


@pytest.fixture
def landed(company: StripeCompany, tmp_path: Path) -> Landed:
    return Landed(tmp_path / "state", company.source())
