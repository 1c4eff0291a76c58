"""An account with nothing in it."""

from __future__ import annotations

import pytest

from tests.fixtures.netsuite_account import Account


@pytest.fixture
def account() -> Account:
    return Account()
