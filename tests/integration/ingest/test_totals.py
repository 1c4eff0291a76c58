"""Control totals around a read: kept where the source stood still, told apart where not, never a reason to fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from arsync_pipelines.domain.errors import ArsyncError, SourceUnreachable
from arsync_pipelines.ports.source import ControlTotal, Cursor, Page
from tests.integration.ingest.conftest import Bench
from tests.integration.ingest.shop import FixedClock, Shop


@dataclass
class CountingShop(Shop):
    """Counts its documents and terms. `sells` while it is read; `mute` on these of its answers."""

    sells: bool = False
    mute: frozenset[int] = frozenset()
    asked: list[Sequence[str]] = field(default_factory=list)

    def totals(self, streams: Sequence[str]) -> Sequence[ControlTotal]:
        self.asked.append(list(streams))
        if len(self.asked) in self.mute:
            raise SourceUnreachable("the shop does not count today")
        documents = len({document for _, document, _, _ in self.log})
        found = [
            ControlTotal("document", "document", documents, "1", f"{documents}.50"),
            ControlTotal("term", "term", len(self.terms)),
        ]
        return [total for total in found if total.stream in streams]

    def read(self, stream: str, cursor: Cursor | None, *, since: datetime | None = None) -> Iterator[Page]:
        yield from super().read(stream, cursor, since=since)
        if self.sells and stream == "document":
            self.sell(1)


def on_file(bench: Bench) -> dict[str, tuple[Any, ...]]:
    rows = bench.query("select * from raw_arsync__total")
    return {row["object"]: (row["row_count"], row["currency"], row["amount"], row["stood_still"]) for row in rows}


@pytest.fixture
def shop() -> CountingShop:
    made = CountingShop(terms={"1": "Net 30"})
    made.sell(5)
    return made


def test_what_stood_still_is_told_apart_from_what_moved(bench: Bench, shop: CountingShop) -> None:
    bench.service().run(shop)
    assert on_file(bench) == {"document": (5, "1", "5.50", True), "term": (1, "", None, True)}
    shop.sells = True
    bench.service().run(shop)
    assert on_file(bench) == {"document": (6, "1", "6.50", False), "term": (1, "", None, True)}


def test_a_read_of_one_stream_leaves_the_totals_of_others(bench: Bench, shop: CountingShop) -> None:
    bench.service().run(shop)
    shop.terms["2"] = "Net 60"
    bench.service().run(shop, ("term",))
    assert shop.asked[-1] == ["term"]
    assert on_file(bench) == {"document": (5, "1", "5.50", True), "term": (2, "", None, True)}


@pytest.mark.parametrize("answer", [3, 4], ids=["before", "after"])
def test_a_source_that_does_not_count_today_is_read_and_says_so(bench: Bench, shop: CountingShop, answer: int) -> None:
    bench.service().run(shop)
    shop.sell(1)
    shop.mute = frozenset({answer})
    stats = bench.service().run(shop)
    assert [told for one in stats for told in one.warnings if "does not count today" in told]
    assert bench.current() == shop.expected()
    assert on_file(bench) == {}, "those of the last read say nothing of this one"


def test_a_stream_that_failed_has_no_totals(bench: Bench, shop: CountingShop) -> None:
    shop.fail_after, shop.error = {"document": 1}, SourceUnreachable("gone")
    with pytest.raises(ArsyncError):
        bench.service().run(shop)
    assert on_file(bench) == {"term": (1, "", None, True)}


def test_a_read_from_an_instant_on_is_compared_with_nothing(bench: Bench, shop: CountingShop) -> None:
    bench.service().run(shop, since=datetime(2026, 1, 3, tzinfo=UTC))
    assert shop.asked == [] and on_file(bench) == {}, "what came before was never read"
    bench.service().run(shop)
    asked = len(shop.asked)
    bench.service().run(shop, since=FixedClock().now() + timedelta(hours=1))
    assert len(shop.asked) == asked and on_file(bench) == {}, "between the last read and that instant is a gap"


def test_days_read_again_that_were_read_before_are_compared_as_ever(bench: Bench, shop: CountingShop) -> None:
    """Else every night's reading again would take from the proof after it what it counts."""
    bench.service().run(shop)
    before = on_file(bench)
    bench.service().run(shop, since=datetime(2026, 1, 3, tzinfo=UTC))
    assert on_file(bench) == before != {}


def test_of_days_read_again_a_stream_that_was_not_whole_is_compared_with_nothing(
    bench: Bench, shop: CountingShop
) -> None:
    bench.service().run(shop, ["term"])
    bench.service().run(shop, since=datetime(2026, 1, 3, tzinfo=UTC))
    assert set(on_file(bench)) == {"term"}
