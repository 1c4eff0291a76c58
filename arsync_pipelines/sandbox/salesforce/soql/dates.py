"""SOQL's relative date words (TODAY, LAST_N_DAYS:7, THIS_QUARTER ...) as half-open ranges of days in UTC.

The org's time zone is UTC and its weeks begin on Sunday, as in a default org of the US locale.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

_SPAN = re.compile(r"(LAST|NEXT)_N_(DAY|WEEK|MONTH|QUARTER|YEAR)S")
_AGO = re.compile(r"N_(DAY|WEEK|MONTH|QUARTER|YEAR)S_AGO")
_NAMED = re.compile(r"(LAST|THIS|NEXT)_(WEEK|MONTH|QUARTER|YEAR)")

_FIXED = {  # days from today: first, and the one after the last
    "TODAY": (0, 1),
    "YESTERDAY": (-1, 0),
    "TOMORROW": (1, 2),
    "LAST_90_DAYS": (-90, 1),
    "NEXT_90_DAYS": (1, 91),
}


def day_range(word: str, amount: int, today: date) -> tuple[date, date] | None:
    """First day and the day after the last one; None for an unknown word."""
    if word in _FIXED:
        first, after = _FIXED[word]
        return today + timedelta(days=first), today + timedelta(days=after)
    if found := _SPAN.fullmatch(word):
        return _span(found[1], found[2], amount, today)
    if found := _AGO.fullmatch(word):
        return _period(found[1], -amount, today), _period(found[1], 1 - amount, today)
    if found := _NAMED.fullmatch(word):
        step = {"LAST": -1, "THIS": 0, "NEXT": 1}[found[1]]
        return _period(found[2], step, today), _period(found[2], step + 1, today)
    return None


def _span(side: str, unit: str, amount: int, today: date) -> tuple[date, date]:
    if unit == "DAY":
        if side == "LAST":  # today counts
            return today - timedelta(days=amount), today + timedelta(days=1)
        return today + timedelta(days=1), today + timedelta(days=amount + 1)
    if side == "LAST":
        return _period(unit, -amount, today), _period(unit, 0, today)
    return _period(unit, 1, today), _period(unit, amount + 1, today)


def _period(unit: str, step: int, today: date) -> date:
    """First day of the period `step` periods from the one that holds `today`."""
    if unit == "DAY":
        return today + timedelta(days=step)
    if unit == "WEEK":
        return today - timedelta(days=(today.weekday() + 1) % 7) + timedelta(weeks=step)
    width = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[unit]
    months = today.year * 12 + (today.month - 1) // width * width + step * width
    return date(months // 12, months % 12 + 1, 1)
