"""The account's clock: conversions, the hour that comes twice, the hour that does not come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from arsync_pipelines.connectors.netsuite.zone import FORMAT, ZoneClock
from arsync_pipelines.domain.errors import SourceContractBroken

ZONE = ZoneInfo("America/Los_Angeles")
OVERLAP = timedelta(minutes=10)


@pytest.fixture
def clock() -> ZoneClock:
    return ZoneClock(ZONE)


def test_local_text_becomes_utc_text(clock: ZoneClock) -> None:
    assert clock["2026-01-15 12:00:00"] == "2026-01-15 20:00:00"
    assert clock["2026-07-15 12:00:00"] == "2026-07-15 19:00:00"
    assert clock.local(datetime(2026, 7, 15, 19, tzinfo=UTC)) == "2026-07-15 12:00:00"


@pytest.mark.parametrize("text", ["2026-07-15", "7/15/2026 12:00 am", "2026-07-15T12:00:00Z", "nonsense"])
def test_other_formats_are_refused(clock: ZoneClock, text: str) -> None:
    with pytest.raises(SourceContractBroken, match="YYYY-MM-DD"):
        clock[text]


def test_the_ambiguous_hour_has_certain_borders(clock: ZoneClock) -> None:
    assert clock.is_ambiguous("2025-11-02 01:00:00") and clock.is_ambiguous("2025-11-02 01:59:59")
    assert not clock.is_ambiguous("2025-11-02 00:59:59") and not clock.is_ambiguous("2025-11-02 02:00:00")
    assert clock.ambiguous_hour("2025-11-02 01:30:17") == ("2025-11-02 00:59:59", "2025-11-02 02:00:00")


@pytest.mark.parametrize(
    ("local", "bound"),
    [
        ("2026-06-30 10:00:00", "2026-06-30 09:50:00"),
        ("2025-11-02 02:05:00", "2025-11-02 00:59:59"),  # ten minutes before may be either pass
        ("2025-11-02 01:30:00", "2025-11-02 00:59:59"),
        ("2025-11-02 01:05:00", "2025-11-02 00:55:00"),
        ("2026-03-08 03:05:00", "2026-03-08 01:55:00"),  # 02:55 was never on the clock
    ],
)
def test_a_read_starts_at_a_certain_time(clock: ZoneClock, local: str, bound: str) -> None:
    assert clock.lower_bound(local, OVERLAP) == bound


def autumn(account: Any, every: int = 90) -> list[str]:
    """One transaction per `every` seconds from 23:00 before the change to 04:00 after it, in true order."""
    start = datetime(2025, 11, 2, 6, tzinfo=UTC)
    numbers = []
    for step in range(6 * 3600 // every):
        local = (start + timedelta(seconds=step * every)).astimezone(ZONE).strftime(FORMAT)
        row = {"id": 1000 + step * 7 % 5000, "type": "CustInvc", "lastmodifieddate": local, "createddate": local}
        account.add("transaction", row)
        numbers.append(str(row["id"]))
    return sorted(numbers, key=int)


def test_a_read_through_the_hour_that_comes_twice_loses_nothing(account: Any) -> None:
    """The stand-in orders by local text, as a store without offsets does: both passes of the clock interleave."""
    account.page_size = 11
    numbers = autumn(account)
    pages = list(account.source().read("transaction", None))
    assert sorted((row["id"] for page in pages for row in page.rows), key=int) == numbers
    assert len(pages) > 10 and pages[-1].final
    cursors = [str(page.cursor) for page in pages if page.rows]
    assert len(set(cursors)) == len(cursors)


def test_every_cursor_in_the_hour_that_comes_twice_resumes_without_loss(account: Any) -> None:
    account.page_size = 11
    numbers = autumn(account)
    source = account.source()
    pages = list(source.read("transaction", None))
    for index, page in enumerate(pages[:-1]):
        before = {row["id"] for earlier in pages[: index + 1] for row in earlier.rows}
        after = {row["id"] for later in source.read("transaction", page.cursor) for row in later.rows}
        assert sorted(before | after, key=int) == numbers


def test_lines_come_whole_in_the_hour_that_comes_twice(account: Any) -> None:
    account.page_size = 11
    for number in autumn(account, every=300):
        account.add("transactionline", *({"transaction": number, "id": i} for i in range(int(number) % 4)))
    account.add("transactionline", *({"transaction": 1280, "id": 100 + i} for i in range(40)))
    pages = list(account.source().read("transaction_line", None))
    assert (
        sum(len(page.rows) for page in pages)
        == account.db.execute("select count(*) from transactionline").fetchone()[0]
    )
    scopes = [scope for page in pages for (scope,) in page.scopes]
    assert len(scopes) == len(set(scopes)) == 72
    assert all({row["transaction"] for row in page.rows} <= {scope for (scope,) in page.scopes} for page in pages)


def test_a_clock_that_goes_back_inside_a_page_is_no_disorder(account: Any) -> None:
    """A store that orders by the true instant shows 01:59 before 01:00."""
    stamps = ["2025-11-02 01:58:00", "2025-11-02 01:02:00", "2025-11-02 02:10:00"]
    items = [{"id": str(n), "lastmodifieddate": stamp} for n, stamp in enumerate(stamps, 1)]
    account.tamper = lambda page, text: {**page, "items": items}
    (page,) = account.source().read("transaction", None)
    assert [row["id"] for row in page.rows] == ["1", "2", "3"]
