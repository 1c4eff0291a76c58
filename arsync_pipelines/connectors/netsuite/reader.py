"""Walks one stream by keyset: which rows of an answer may be kept, where the next query starts, what a page proves.

Every page is a query of its own with a new lower bound, so neither rows that move between pages nor the limit of
100,000 rows per query can lose anything. The bound is checked against what came back: a server that ignores it, or
whose stamps are finer than the bound can express, ends the read with an error instead of an endless or silent one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby, repeat
from operator import attrgetter

from arsync_pipelines.connectors.netsuite.client import Answer
from arsync_pipelines.connectors.netsuite.records import Record
from arsync_pipelines.connectors.netsuite.statements import Statement, StreamQuery
from arsync_pipelines.connectors.netsuite.zone import ZoneClock
from arsync_pipelines.domain.errors import SourceContractBroken

MAX_CHILDREN = 250_000
Fetch = Callable[[Statement], Answer]
Items = list[Record]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a query starts: after (stamp, keys), or after `keys` inside a block of time read by key alone."""

    stamp: str = ""
    keys: tuple[int, ...] = ()
    block: tuple[str, str] | None = None

    def statement(self, query: StreamQuery) -> Statement:
        if self.block:
            return query.block(*self.block, self.keys)
        return query.after(self.stamp, self.keys)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows that belong together in a page, times still local; `groups`: their keys. `reached`: (stamp, keys) done.

    `block`: the rows come from inside an hour that the clock shows twice, and `reached` lies before it.
    """

    rows: Items
    groups: tuple[str, ...]
    reached: Place
    last: bool
    block: bool = False


@dataclass(frozen=True, slots=True)
class _Step:
    """What one answer leads to: rows kept, the next query (None: done), or a parent that must be read by itself."""

    rows: Items
    groups: tuple[str, ...]
    reached: Place
    following: Place | None
    oversize: int | None = None


def walk(query: StreamQuery, start: Place, fetch: Fetch, zone: ZoneClock) -> Iterator[Chunk]:
    """Chunks from `start` to the end; the next answer travels while a chunk is being worked on."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="suiteql")
    place: Place | None = start
    pending: Future[Answer] | None = pool.submit(fetch, start.statement(query))
    try:
        while place is not None and pending is not None:
            step = examine(query, place, pending.result(), zone)
            inside = place.block is not None
            place = step.following
            pending = pool.submit(fetch, place.statement(query)) if place else None
            rows, groups = step.rows, step.groups
            if step.oversize is not None:
                rows, groups = _whole_parent(query, step.oversize, fetch), (str(step.oversize),)
            if rows or place is None:
                yield Chunk(rows, groups, step.reached, place is None, inside)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def examine(query: StreamQuery, place: Place, answer: Answer, zone: ZoneClock) -> _Step:
    """Check an answer against its query and cut it where the next one can safely start."""
    items = answer.items
    if answer.has_more and not items:
        raise _broken(query, "a page without rows announces more of them; the read would never end")
    starts = _group_starts(query, place, items, zone)
    end = len(items)
    if answer.has_more and not query.unique:
        end = starts[-1]  # the last group may go on behind the page's edge
    key_of = attrgetter(query.key[0])
    keys = [key_of(items[index]) for index in starts if index < end]

    if place.block:
        return _in_block(query, answer, keys, end, place.block)
    if not answer.has_more:
        reached = _place(query, items[-1]) if items else place
        return _Step(items, tuple(keys), reached, None)
    column = query.stamp[0]
    if column and zone.is_ambiguous(edge := getattr(items[max(end - 1, 0)], column)):
        return _before_block(query, place, items, starts, zone.ambiguous_hour(edge))
    if end == 0:
        following = _place(query, items[0])
        return _Step([], (), following, following, following.keys[0])
    following = _place(query, items[end - 1])
    return _Step(items[:end], tuple(keys), following, following)


def _in_block(query: StreamQuery, answer: Answer, keys: Sequence[str], end: int, block: tuple[str, str]) -> _Step:
    """The cursor waits before the block until it is through: inside, keys are in order but times are not."""
    reached = Place(block[0])
    if not answer.has_more:
        return _Step(answer.items, tuple(keys), reached, Place(block[1]))
    if end == 0:
        oversize = int(getattr(answer.items[0], query.key[0]))
        return _Step([], (), reached, Place(keys=(oversize,), block=block), oversize)
    return _Step(answer.items[:end], tuple(keys), reached, Place(keys=(int(keys[-1]),), block=block))


def _before_block(
    query: StreamQuery, place: Place, items: Items, starts: Sequence[int], block: tuple[str, str]
) -> _Step:
    """Keep what lies before an hour that the clock shows twice; that hour is then read by key."""
    stamp_of, key_of = attrgetter(query.stamp[0]), attrgetter(query.key[0])
    end = next(index for index in starts if stamp_of(items[index]) > block[0])
    keys = tuple(key_of(items[index]) for index in starts if index < end)
    reached = _place(query, items[end - 1]) if end else place
    return _Step(items[:end], keys, reached, Place(block=block))


def _group_starts(query: StreamQuery, place: Place, items: Items, zone: ZoneClock) -> list[int]:
    """Index of the first row of every key; raises SourceContractBroken when the order or the bound does not hold."""
    column, key_column = query.stamp[0], query.key[0]
    stamp, key = place.stamp, float(place.keys[0]) if place.keys else float("-inf")
    starts: list[int] = []
    stamps = map(attrgetter(column), items) if column else repeat("")
    try:
        index = 0
        for (text, now), group in groupby(zip(map(attrgetter(key_column), items), stamps, strict=False)):
            number, size = int(text), len(list(group))
            if query.unique and size > 1:
                raise _broken(query, f"{key_column} {text} comes twice in one page; it should be unique")
            if place.block:
                if number <= key or not place.block[0] < now < place.block[1]:
                    raise _broken(query, f"row {text} of {now} is outside the filter; the server ignores it")
            elif now <= stamp and not (now == stamp and number > key):
                _judge_disorder(query, place, (stamp, key), (now, number), zone, first=index == 0)
            stamp, key = now, number
            starts.append(index)
            index += size
    except (TypeError, ValueError) as error:
        raise _broken(query, f"a row has no usable {column or key_column} or {key_column} ({error})") from error
    return starts


def _judge_disorder(
    query: StreamQuery,
    place: Place,
    before: tuple[str, float],
    now: tuple[str, int],
    zone: ZoneClock,
    *,
    first: bool,
) -> None:
    """Raise for a row that should not follow, unless the clock itself went back between the two."""
    if before[0] and zone.is_ambiguous(before[0]) and zone.is_ambiguous(now[0]):
        return
    row = f"{query.key[0]} {now[1]} of {now[0]}" if now[0] else f"{query.key[0]} {now[1]}"
    if place.stamp and now[0] < place.stamp:
        raise _broken(
            query, f"{row} came although rows from {place.stamp} on were asked for; the server ignored the filter"
        )
    if now[0] and now[0] == before[0]:
        raise _broken(
            query,
            f"{row} came after {before[1]:.0f} of the same second; {query.stamp[0]} is stored finer than the filter "
            f"can express, so paging by it would repeat rows for ever",
        )
    what = "the server ignored the filter" if first else "the server ignored the order"
    raise _broken(query, f"{row} came after {query.key[0]} {before[1]:.0f} {before[0]}".rstrip() + f"; {what}")


def _whole_parent(query: StreamQuery, key: int, fetch: Fetch) -> Items:
    """All children of a parent that has more of them than a page holds, in one piece."""
    if not query.inner:
        raise _broken(
            query, f"more rows share {query.key[0]} {key} and its second than fit a page; they cannot be paged"
        )
    rows: Items = []
    position: tuple[int, ...] = ()
    while True:
        answer = fetch(query.within(key, position))
        items = answer.items
        if not answer.has_more:
            return rows + items
        edge = _inner_key(query, items[-1]) if items else position
        end = len(items)
        while end and _inner_key(query, items[end - 1]) == edge:
            end -= 1
        if end == 0 or _inner_key(query, items[0]) <= position or len(rows) > MAX_CHILDREN:
            raise _broken(query, f"children of {query.key[0]} {key} cannot be paged through; is the filter ignored?")
        rows += items[:end]
        position = _inner_key(query, items[end - 1])


def _inner_key(query: StreamQuery, row: Record) -> tuple[int, ...]:
    try:
        return tuple(int(getattr(row, column)) for column, _ in query.inner)
    except (TypeError, ValueError) as error:
        key, inner = getattr(row, query.key[0]), ", ".join(column for column, _ in query.inner)
        raise _broken(query, f"a row of {query.key[0]} {key} has no usable {inner} ({error})") from error


def _place(query: StreamQuery, row: Record) -> Place:
    return Place(getattr(row, query.stamp[0]) if query.stamp[0] else "", (int(getattr(row, query.key[0])),))


def _broken(query: StreamQuery, what: str) -> SourceContractBroken:
    return SourceContractBroken(f"netsuite stream {query.spec.name}: {what}. Nothing of this page was taken")
