"""A company on the NetSuite stand-in, its connector, and a warehouse to land in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.sources.base import Landed
from tests.fixtures.sources.netsuite import NetSuiteCompany


@pytest.fixture
def company(opened: Callable[[Any], Any]) -> NetSuiteCompany:
    made: NetSuiteCompany = opened(NetSuiteCompany)
    return made


@pytest.fixture
def landed(company: NetSuiteCompany, tmp_path: Path) -> Landed:
    return Landed(tmp_path / "state", company.source())
