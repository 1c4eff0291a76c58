"""Two spellings of one value are no difference; two values are."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arsync_pipelines.domain.comparison import changes, holds, same


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("10.00", 10),
        ("10.0", Decimal("10")),
        (None, ""),
        (0, "0.00"),
        (True, True),
        ("2026-01-31", "2026-01-31"),
        (-0.5, "-0.50"),
    ],
)
def test_spellings_of_one_value_are_the_same(left: object, right: object) -> None:
    assert same(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("10.00", "10.01"),
        (None, 0),
        (None, False),
        ("00123", "123"),
        ("0", ""),
        (True, 1),
        (False, None),
        ("EUR", "USD"),
    ],
)
def test_different_values_differ(left: object, right: object) -> None:
    assert not same(left, right)


def test_a_cleared_value_is_a_change_and_zero_is_not_blank() -> None:
    assert changes({"open_balance": 12.5, "status": "open"}, {"open_balance": None, "status": "open"}) == {
        "open_balance": (12.5, None)
    }
    assert changes({"open_balance": None}, {"open_balance": "0.00"}) == {"open_balance": (None, "0.00")}


def test_the_as_of_date_alone_is_no_reason_to_write() -> None:
    assert changes({"as_of_date": "2026-01-01", "current": 1}, {"as_of_date": "2026-01-02", "current": "1.00"}) == {}


def test_a_read_back_must_show_every_field_the_as_of_date_included() -> None:
    payload = {"open_balance": "5.00", "as_of_date": "2026-01-02"}
    assert holds({"open_balance": 5, "as_of_date": "2026-01-02", "other": 1}, payload)
    assert not holds({"open_balance": 5, "as_of_date": "2026-01-01"}, payload)
    assert not holds(None, payload)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**12), max_value=10**12))
def test_money_compares_by_value_in_any_spelling(amount: Decimal) -> None:
    assert same(str(amount), amount)
    assert same(f"{amount:.3f}", str(amount))
    assert not same(amount, amount + Decimal("0.01"))
