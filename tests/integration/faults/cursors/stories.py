"""What happens at the account between reads, and during them. A story yields where its readers read.

Times are as the account's own clock shows them (America/Los_Angeles). All is the same every time it is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal
from zoneinfo import ZoneInfo

from tests.fixtures.netsuite_account import in_second_pass
from tests.integration.faults.cursors.books import Books

ZONE = ZoneInfo("America/Los_Angeles")
NOON = datetime(2026, 6, 30, 12)
PAGE = 10
PLAIN = "stamps of s, pages"
"""A story that every contender must end well."""
Promise = Literal["present", "noticed", "gap"]


@dataclass(frozen=True)
class Story:
    """`promise`: what is promised of our own reader: every row present and nothing else; or, where a row may be missing
    or old, that an error or a control total says so; or a gap that is known, and said in docs/reference/reliability.md.
    """

    name: str
    happens: Callable[[Books], Iterator[None]]
    promise: Promise = "present"
    streams: tuple[str, ...] = ("transaction", "deleted_record")
    page: int = PAGE


def _at(seconds: float = 0, digits: int = 0) -> str:
    """So long after noon, with so many digits of a second."""
    whole, fraction = divmod(round(seconds * 10**9), 10**9)
    shown = f"{NOON + timedelta(seconds=whole):%Y-%m-%d %H:%M:%S}"
    return f"{shown}.{fraction:09d}"[: 20 + digits] if digits else shown


def _history(books: Books, numbers: Sequence[int], apart: float = 3600) -> None:
    """Documents of the time before noon, so many seconds apart."""
    for place, number in enumerate(numbers):
        books.put(number, _at(-apart * (len(numbers) - place)))


def _one_second(books: Books) -> Iterator[None]:
    """An import stamps sixty documents alike; more of that second, and a second edit in it, are there a read later."""
    for number in range(101, 161):
        books.put(number, _at())
    yield
    for number in (50, 99, 161, 170):
        books.put(number, _at())
    books.put(130, _at())
    books.put(160, _at())
    yield


def _late(books: Books, below: float) -> Iterator[None]:
    """A script that began earlier commits after the read: a new document, a new amount."""
    _history(books, range(1, 26))
    books.put(26, _at())
    yield
    books.put(27, _at(-below))
    books.put(5, _at(-below + 1), amount=250)
    books.put(28, _at(60))
    yield


def _late_text(books: Books, below: float) -> Iterator[None]:
    """The same, and all that it changed is a text: the account counts and sums to what it did before."""
    _history(books, range(1, 26))
    books.put(26, _at())
    yield
    books.put(5, _at(-below))
    yield


def _in_one_page(books: Books, digits: int) -> Iterator[None]:
    """Some documents a second, stamped so finely; then an edit in the last second, and another of it."""
    for place in range(8):
        books.put(place + 1, _at(place * 0.375 + 0.123456789, digits))
    yield
    books.put(8, _at(2.9, digits))
    books.put(9, _at(2.95, digits))
    yield


def _across_pages(books: Books, digits: int) -> Iterator[None]:
    """The same over several pages, ids and times in different orders."""
    for place in range(35):
        books.put(place * 12 % 35 + 1, _at(place * 0.125 + 0.012345678, digits))
    yield
    books.put(40, _at(4.9, digits))
    yield


def _clock_set(books: Books, wrong_by: float) -> Iterator[None]:
    """The server's clock is wrong by so many seconds, and is set right between two reads."""
    for number in range(1, 16):
        books.put(number, _at(wrong_by + number * 20))
    yield
    for number in range(16, 31):
        books.put(number, _at(number * 20))
    books.put(15, _at(620))
    books.put(3, _at(330))
    yield


def _two_clocks(books: Books) -> Iterator[None]:
    """Two servers of the account share the work, one five minutes ahead, one as much behind."""
    for read in range(3):
        for number in range(1, 13):
            seconds = read * 240 + number * 20
            books.put(read * 12 + number, _at(seconds + (300 if number % 2 else -300)))
        if read:
            books.put(read, _at(read * 240 + 230 - 300))
        yield


def _twice(books: Books, *, by_instant: bool = False) -> Iterator[None]:
    """Half past midnight to three o'clock on the day the clock goes back, read every half hour of true time.

    `by_instant`: the account orders and compares by the true instant, and shows the clock's time all the same.
    """
    start = datetime(2025, 11, 2, 7, 30, tzinfo=UTC)
    for step in range(70):
        local = (start + timedelta(minutes=3 * step)).astimezone(ZONE)
        stamp = f"{local:%Y-%m-%d %H:%M:%S}"
        if by_instant and local.fold:
            stamp = in_second_pass(stamp)
        books.put(step * 27 % 70 + 1, stamp)
        if step > 20 and step % 5 == 0:
            books.put((step - 20) * 27 % 70 + 1, stamp)
        if step % 10 == 9:
            yield


def _drifting(books: Books, happens: Callable[[Books], None], apart: float = 3600) -> Iterator[None]:
    """Something happens before the third page is answered; later there is one more document, and one more read."""
    _history(books, range(1, 46), apart)
    books.before_page(3, lambda: happens(books))
    yield
    books.put(60, _at(300))
    yield


def _edited(books: Books) -> None:
    for number in (2, 7, 24, 41):
        books.put(number, _at(number))


def _inserted(books: Books) -> None:
    """New ones, two of them stamped where the readers have been: they were begun before, and are there now."""
    books.put(50, _at(5))
    books.put(51, _at(-395))
    books.put(52, _at(-325))


def _removed(books: Books) -> None:
    for number in (3, 8, 44):
        books.drop(number, _at(number))


def _deleted(books: Books) -> Iterator[None]:
    """Documents go between reads, also one that no reader has ever seen, and one that was just edited."""
    _history(books, range(1, 31))
    yield
    books.drop(4, _at(1))
    books.put(11, _at(2))
    books.drop(11, _at(3))
    books.put(40, _at(4))
    books.drop(40, _at(5))
    yield
    books.drop(30, _at(700))
    yield


def _again(books: Books) -> Iterator[None]:
    """Gone, and there again under the same external id; lines and payment terms under the very same key, or never."""
    for number in range(1, 8):
        books.put(number, _at(number - 3600), external_id=f"INV-{number}")
        for line in (0, 1, 2):
            books.put_line(number, line)
        books.put_term(number)
    yield
    books.drop(2, _at(1))
    books.put(12, _at(2), external_id="INV-2")
    for line in (0, 1, 2):
        books.drop_line(2, line)
    books.put_line(12, 0)
    books.drop_line(3, 1)
    books.put(3, _at(3), external_id="INV-3")
    books.drop_term(5)
    yield
    books.put_line(3, 1)
    books.put(3, _at(60), external_id="INV-3")
    books.drop_line(4, 2)
    books.put_line(4, 2)
    books.put(4, _at(61), external_id="INV-4")
    books.put_term(5)
    books.drop_term(6)
    books.put_term(6)
    books.drop_line(5, 1)
    books.put(5, _at(62), external_id="INV-5")
    books.drop_term(7)
    yield


def _same_id(books: Books) -> Iterator[None]:
    """What NetSuite does not do, gives an id a second time: the log of deletions and the document both say it."""
    _history(books, range(1, 16))
    yield
    books.drop(4, _at(1))
    yield
    books.put(4, _at(700))
    yield


STORIES: tuple[Story, ...] = (
    Story("same second", _one_second),
    Story("late commit, 4 min below", partial(_late, below=240)),
    Story("late commit, 30 min below", partial(_late, below=1800), "noticed"),
    Story("late commit of a text, 30 min below", partial(_late_text, below=1800), "gap"),
    *(
        Story(f"stamps of {unit}, a page", partial(_in_one_page, digits=digits))
        for unit, digits in (("s", 0), ("ms", 3), ("us", 6), ("ns", 9))
    ),
    Story(PLAIN, partial(_across_pages, digits=0)),
    *(
        Story(f"stamps of {unit}, pages", partial(_across_pages, digits=digits), "noticed")
        for unit, digits in (("ms", 3), ("us", 6), ("ns", 9))
    ),
    Story("clock 5 min ahead, then right", partial(_clock_set, wrong_by=300)),
    Story("clock 5 min behind, then right", partial(_clock_set, wrong_by=-300)),
    Story("clocks 5 min ahead and behind", _two_clocks),
    Story("the hour that comes twice", _twice),
    Story("the hour that comes twice, in one page", _twice, page=1000),
    Story("the hour that comes twice, by instant", partial(_twice, by_instant=True)),
    Story("edited between pages", partial(_drifting, happens=_edited)),
    Story("inserted between pages", partial(_drifting, happens=_inserted, apart=10)),
    Story("deleted between pages", partial(_drifting, happens=_removed)),
    Story("deleted", _deleted),
    Story("deleted and there again", _again, streams=("transaction", "transaction_line", "term", "deleted_record")),
    Story("deleted and there again with its id", _same_id, "noticed"),
)
