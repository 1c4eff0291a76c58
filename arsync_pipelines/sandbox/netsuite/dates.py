"""Oracle's dates: format models, the account's time zone and its date format. No SQL and no storage here.

Two representations, both whole seconds in an `int`: an *instant* (UTC epoch; what `lastmodifieddate` and other
timestamps are stored as) and a *wall* time (the same count, but of the clock on the account's wall; what dates,
TO_DATE and TO_TIMESTAMP yield). Oracle's TIMESTAMP WITH LOCAL TIME ZONE behaves the same way: it is shown in the
session's zone, compares as an instant, and SYS_EXTRACT_UTC gives its UTC wall time.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - wall times carry no zone
DAY = 86_400
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_MONTHS = tuple(calendar.month_name)
_TOKENS = re.compile(
    r'"[^"]*"|FM|YYYY|RRRR|YY|RR|MONTH|MON|MM|DDD|DD|DAY|DY|D|HH24|HH12|HH|MI|SS|FF\d?|AM|PM|A\.M\.|P\.M\.|Q|WW|IW|.',
    re.IGNORECASE | re.DOTALL,
)


class DateFormatError(ValueError):
    """A text that does not fit its format model, or a model that does not exist."""


def wall_of(day: date) -> int:
    """Midnight of a business date as a wall time."""
    return (day.toordinal() - _EPOCH_ORDINAL) * DAY


def day_of(wall: int) -> date:
    return date.fromordinal(wall // DAY + _EPOCH_ORDINAL)


def instant_of(moment: datetime) -> int:
    """Whole seconds of an aware datetime; the stand-in keeps no fractions."""
    return int(moment.timestamp())


def iso_utc(instant: int) -> str:
    """ISO 8601 as REST bodies carry it: 2026-07-01T06:00:00Z."""
    return (EPOCH + timedelta(seconds=instant)).isoformat() + "Z"


class AccountTime:
    """An account's time zone and date format, e.g. America/Los_Angeles and M/D/YYYY."""

    def __init__(self, zone: str = "America/Los_Angeles", date_format: str = "M/D/YYYY") -> None:
        self._zone = ZoneInfo(zone)
        self.date_format = date_format
        self._offset = lru_cache(maxsize=65_536)(self._offset_of_hour)

    def _offset_of_hour(self, hour: int) -> int:
        """Seconds ahead of UTC; zones change their offset on the hour."""
        offset = datetime.fromtimestamp(hour * 3600, tz=self._zone).utcoffset()
        return int(offset.total_seconds()) if offset is not None else 0

    def wall(self, instant: int) -> int:
        return instant + self._offset(instant // 3600)

    def instant(self, wall: int) -> int:
        """The first of two instants when clocks go back; the text cannot say which one was meant."""
        moment = (EPOCH + timedelta(seconds=wall)).replace(tzinfo=self._zone)
        return int(moment.astimezone(UTC).timestamp())

    def show(self, wall: int) -> str:
        """The account's own format, without leading zeros and without the time of day."""
        day = day_of(wall)
        parts = {"YYYY": str(day.year), "MM": f"{day.month:02d}", "DD": f"{day.day:02d}"}
        parts |= {"M": str(day.month), "D": str(day.day)}
        return re.sub("YYYY|MM|DD|M|D", lambda match: parts[match[0]], self.date_format)

    def read(self, text: str) -> int:
        """A date literal in the account's format (leading zeros allowed). Raises DateFormatError."""
        pattern = re.sub(
            "YYYY|MM|DD|M|D",
            lambda m: rf"(?P<{m[0][0]}>\d{{4}})" if m[0] == "YYYY" else rf"(?P<{m[0][0]}>\d{{1,2}})",
            re.escape(self.date_format),
        )
        match = re.fullmatch(pattern, text.strip())
        if match is None:
            raise DateFormatError(f"Invalid date value {text!r}: expected the account's format {self.date_format}")
        return _wall(int(match["Y"]), int(match["M"]), int(match["D"]), text=text)


def to_char(wall: int, model: str) -> str:
    """TO_CHAR of a date with a format model."""
    moment = EPOCH + timedelta(seconds=wall)
    return "".join([render(moment) for render in _writers(model)])


def to_wall(text: str, model: str) -> int:
    """TO_DATE / TO_TIMESTAMP. Raises DateFormatError where Oracle raises ORA-01861 and its siblings."""
    pattern, names = _reader(model)
    match = pattern.fullmatch(text.strip())
    if match is None:
        raise DateFormatError(f"ORA-01861: literal {text!r} does not match format string {model!r}")
    got = dict(zip(names, match.groups(), strict=True))
    month = int(got.get("MM", "1"))
    if name := got.get("MON"):
        month = next((i for i, m in enumerate(_MONTHS) if i and m[: len(name)].lower() == name.lower()), 0)
    hour = int(got.get("HH", "0"))
    if half := got.get("AM"):
        hour = hour % 12 + (12 if half[0].lower() == "p" else 0)
    year = int(got.get("YYYY", "0")) or 2000 + int(got.get("YY", "26"))
    clock = (hour, int(got.get("MI") or 0), int(got.get("SS") or 0))
    return _wall(year, month, int(got.get("DD", "1")), *clock, text=text)


def _wall(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0, *, text: str) -> int:
    try:
        moment = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - wall times carry no zone
    except ValueError as error:
        raise DateFormatError(f"Invalid date value {text!r}: {error}") from error
    return calendar.timegm(moment.timetuple())


_WRITERS: dict[str, Callable[[datetime], str]] = {
    "YYYY": lambda d: f"{d.year:04d}",
    "RRRR": lambda d: f"{d.year:04d}",
    "YY": lambda d: f"{d.year % 100:02d}",
    "RR": lambda d: f"{d.year % 100:02d}",
    "MONTH": lambda d: f"{_MONTHS[d.month].upper():9}",
    "MON": lambda d: _MONTHS[d.month][:3].upper(),
    "MM": lambda d: f"{d.month:02d}",
    "DDD": lambda d: f"{d.timetuple().tm_yday:03d}",
    "DD": lambda d: f"{d.day:02d}",
    "D": lambda d: str(d.isoweekday() % 7 + 1),
    "DAY": lambda d: f"{calendar.day_name[d.weekday()].upper():9}",
    "DY": lambda d: calendar.day_abbr[d.weekday()].upper(),
    "HH24": lambda d: f"{d.hour:02d}",
    "HH12": lambda d: f"{(d.hour % 12) or 12:02d}",
    "HH": lambda d: f"{(d.hour % 12) or 12:02d}",
    "MI": lambda d: f"{d.minute:02d}",
    "SS": lambda d: f"{d.second:02d}",
    "AM": lambda d: "AM" if d.hour < 12 else "PM",
    "PM": lambda d: "AM" if d.hour < 12 else "PM",
    "Q": lambda d: str((d.month + 2) // 3),
    "IW": lambda d: f"{d.isocalendar().week:02d}",
    "WW": lambda d: f"{(d.timetuple().tm_yday - 1) // 7 + 1:02d}",
}
_READERS = {
    "YYYY": ("YYYY", r"(\d{4})"),
    "RRRR": ("YYYY", r"(\d{4})"),
    "YY": ("YY", r"(\d\d)"),
    "RR": ("YY", r"(\d\d)"),
}
_READERS |= {"MM": ("MM", r"(\d\d?)"), "DD": ("DD", r"(\d\d?)"), "MON": ("MON", "([A-Za-z]{3})")}
_READERS |= {"MONTH": ("MON", "([A-Za-z]+)"), "HH24": ("HH", r"(\d\d?)"), "HH12": ("HH", r"(\d\d?)")}
_READERS |= {"HH": ("HH", r"(\d\d?)"), "MI": ("MI", r"(\d\d?)"), "SS": ("SS", r"(\d\d?)")}
_READERS |= {"AM": ("AM", "([AaPp][Mm])"), "PM": ("AM", "([AaPp][Mm])")}


def _constant(text: str) -> Callable[[datetime], str]:
    return lambda _: text


@lru_cache(maxsize=256)
def _writers(model: str) -> list[Callable[[datetime], str]]:
    writers: list[Callable[[datetime], str]] = []
    for token in _TOKENS.findall(model):
        key = token.upper()
        if key in _WRITERS:
            writers.append(_WRITERS[key])
        elif key.startswith("FF"):
            writers.append(_constant("0" * int(key[2:] or "6")))
        elif key != "FM":
            if len(token) == 1 and token.isalpha():
                raise DateFormatError(f"ORA-01821: date format {model!r} not recognized")
            writers.append(_constant(token.strip('"')))
    return writers


@lru_cache(maxsize=256)
def _reader(model: str) -> tuple[re.Pattern[str], list[str]]:
    pattern, names = "", []
    for token in _TOKENS.findall(model):
        key = token.upper()
        if key in _READERS:
            name, piece = _READERS[key]
            names.append(name)
            pattern += piece
        elif key.startswith("FF"):
            pattern += r"\d{1,9}"
        elif key != "FM":
            if len(token) == 1 and token.isalpha():
                raise DateFormatError(f"ORA-01821: date format {model!r} not recognized")
            pattern += re.escape(token.strip('"'))
    return re.compile(pattern), names
