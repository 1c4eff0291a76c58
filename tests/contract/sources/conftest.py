"""The company under test: each subject in turn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.sources import REMOTE, SUBJECTS, Company, Remote
from tests.fixtures.sources.base import Landed


@pytest.fixture(params=SUBJECTS, ids=lambda subject: subject.vendor)
def company(request: pytest.FixtureRequest, opened: Callable[[type[Company]], Company]) -> Company:
    return opened(request.param)


@pytest.fixture(params=REMOTE, ids=lambda subject: subject.vendor)
def remote(request: pytest.FixtureRequest, opened: Callable[[Any], Any]) -> Remote:
    made: Remote = opened(request.param)
    return made


@pytest.fixture
def landed(company: Company, tmp_path: Path) -> Landed:
    return Landed(tmp_path / "state", company.source())
