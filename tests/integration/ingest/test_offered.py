"""Columns that a source shows and nobody reads: what was there is taken as usual, a new one is told once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from arsync_pipelines.domain.errors import SourceUnreachable
from arsync_pipelines.ports.source import ReadStats
from arsync_pipelines.services.ingest import IngestService
from tests.integration.ingest.conftest import Bench
from tests.integration.ingest.shop import FixedClock, Shop


@dataclass
class ShowingShop(Shop):
    """Shows columns that its streams do not read, and says nothing while it is `mute`."""

    columns: dict[str, list[str]] = field(default_factory=lambda: {"term": ["colour"], "document": []})
    mute: bool = False
    asked: list[Sequence[str]] = field(default_factory=list)

    def unread(self, streams: Sequence[str]) -> Mapping[str, Sequence[str]]:
        self.asked.append(list(streams))
        if self.mute:
            raise SourceUnreachable("the shop shows nothing today")
        return {stream: list(names) for stream, names in self.columns.items() if stream in streams}


@dataclass
class Daily:
    """Runs a day apart, unless told otherwise."""

    bench: Bench
    shop: ShowingShop
    at: datetime = field(default_factory=lambda: FixedClock().now())

    def now(self) -> datetime:
        return self.at

    def run(self, *streams: str, after: timedelta = timedelta(days=1)) -> list[str]:
        """Warnings of one run."""
        self.at += after
        service = IngestService(self.bench.warehouse, self.bench.folder / "landing", self)
        stats: list[ReadStats] = service.run(self.shop, streams or None)
        return [warning for one in stats for warning in one.warnings]


@pytest.fixture
def daily(bench: Bench) -> Daily:
    shop = ShowingShop(terms={"1": "Net 30"})
    shop.sell(2)
    return Daily(bench, shop)


def test_a_new_column_is_told_once_and_what_was_there_is_not(daily: Daily) -> None:
    assert daily.run() == []
    daily.shop.columns["term"] += ["size", "age"]
    (told,) = daily.run()
    assert told == "shop_eu.term: new columns at the source, which nothing reads: age, size"
    assert daily.run() == []


def test_a_stream_that_had_nothing_unread_tells_its_first(daily: Daily) -> None:
    daily.run()
    daily.shop.columns["document"] = ["vat"]
    assert ["document" in told and "vat" in told for told in daily.run()] == [True]


def test_a_column_that_comes_and_goes_is_told_once(daily: Daily) -> None:
    daily.run()
    for columns, told in ((["colour", "size"], 1), (["colour"], 0), (["colour", "size"], 0)):
        daily.shop.columns["term"] = columns
        assert len(daily.run()) == told


def test_a_source_is_asked_once_a_day_and_only_of_what_is_read(daily: Daily) -> None:
    daily.run("term")
    assert daily.shop.asked == [["term"]]
    daily.run(after=timedelta(hours=23))
    assert daily.shop.asked[1:] == [["document", "line"]], "terms were looked at an hour too early to ask again"
    daily.run(after=timedelta(hours=1))
    assert daily.shop.asked[2:] == [["term"]]


def test_a_source_that_shows_nothing_today_is_read_and_asked_again_tomorrow(daily: Daily) -> None:
    daily.run()
    daily.shop.mute = True
    daily.shop.sell(1)
    (told,) = daily.run()
    assert "the shop shows nothing today" in told
    assert daily.bench.current() == daily.shop.expected()
    daily.shop.mute = False
    daily.shop.columns["term"] += ["size"]
    asked = len(daily.shop.asked)
    assert daily.run(after=timedelta(hours=1)) == [] and len(daily.shop.asked) == asked
    assert ["size" in told for told in daily.run(after=timedelta(hours=23))] == [True]


def test_the_first_look_that_succeeds_takes_what_is_there_as_usual(daily: Daily) -> None:
    daily.shop.mute = True
    for _ in range(2):
        assert len(daily.run()) == 1
    daily.shop.mute = False
    assert daily.run() == []
    daily.shop.columns["term"] += ["size"]
    assert ["size" in told for told in daily.run()] == [True]


def test_connections_are_told_apart(daily: Daily) -> None:
    daily.run()
    daily.shop = replace(daily.shop, connection="shop_us", columns={"term": ["colour", "size"]})
    assert daily.run() == []
    daily.shop = replace(daily.shop, connection="shop_eu", columns={"term": ["colour", "size"]})
    assert ["size" in told for told in daily.run()] == [True]
