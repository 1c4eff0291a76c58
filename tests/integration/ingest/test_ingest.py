"""The ingest service over a real warehouse: incremental reads, batches, failures, backfill, re-load."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from arsync_pipelines.domain.errors import (
    ConfigError,
    SourceContractBroken,
    SourceError,
    SourceUnreachable,
    WarehouseError,
)
from arsync_pipelines.ports.source import Cursor, Page
from tests.integration.ingest.conftest import Bench
from tests.integration.ingest.shop import Shop


@pytest.fixture
def shop() -> Shop:
    made = Shop(terms={f"t{n}": f"net {n}" for n in range(6)})
    made.sell(30)
    return made


def test_first_read_then_nothing_new_then_only_what_changed(bench: Bench, shop: Shop) -> None:
    seen: list[tuple[str, int, int]] = []
    first = bench.service().run(shop, progress=lambda *step: seen.append(step))
    assert [(s.stream, s.rows_read, s.rows_new, s.pages) for s in first] == [
        ("term", 6, 6, 2),
        ("document", 30, 30, 8),
        ("line", 60, 60, 8),
    ]
    assert ("document", 30, 8) in seen
    assert bench.current() == shop.expected()
    again = bench.service().run(shop)
    assert [(s.rows_new, s.rows_deleted) for s in again] == [(0, 0)] * 3
    assert again[1].rows_read == 3  # the overlap
    shop.change("d3", "9.99", lines=1)
    del shop.terms["t0"]
    changed = bench.service().run(shop)
    assert [(s.rows_new, s.rows_deleted) for s in changed] == [(0, 1), (1, 0), (1, 1)]
    assert bench.current() == shop.expected()


def test_reads_are_recorded_when_complete(bench: Bench, shop: Shop) -> None:
    bench.service().run(shop, ["document"])
    assert bench.query("select * from raw_arsync__read") == [
        {
            "connection": "shop_eu",
            "stream": "document",
            "read_started_at": datetime(2026, 7, 1, 6),
            "rows_read": 30,
            "rows_new": 30,
        }
    ]


def test_an_unknown_stream_is_refused(bench: Bench, shop: Shop) -> None:
    with pytest.raises(ConfigError, match="has no stream invoices; it offers term, document, line"):
        bench.service().run(shop, ["invoices"])


def test_one_failing_stream_keeps_what_it_read_and_does_not_hold_others(bench: Bench, shop: Shop) -> None:
    shop.fail_after, shop.error = {"document": 5}, SourceUnreachable("no answer within 30 s")
    with pytest.raises(SourceUnreachable, match=r"1 of 3 streams failed.*\n  document: no answer within 30 s"):
        bench.service().run(shop)
    assert bench.versions() == {"term": 6, "document": 20, "line": 60}
    shop.fail_after = {}
    stats = bench.service().run(shop, ["document"])
    assert stats[0].rows_new == 10
    assert shop.reads[-1][1] == {"tick": 20}
    assert bench.current() == shop.expected()


def test_errors_of_different_kinds_are_one_source_error(bench: Bench, shop: Shop) -> None:
    class Mixed(Shop):
        def read(self, stream: str, cursor: Cursor | None, *, since: datetime | None = None) -> Iterator[Page]:
            if stream == "term":
                raise SourceUnreachable("down")
            if stream == "line":
                yield Page([{"document": "d1", "id": {"not": "text"}}, {"document": "d1"}], {"tick": 1})
            raise SourceContractBroken("odd")

    with pytest.raises(SourceError, match="3 of 3 streams failed") as raised:
        bench.service().run(Mixed())
    assert type(raised.value) is SourceError


def test_rows_that_do_not_fit_stop_their_stream_and_are_read_again(bench: Bench, shop: Shop) -> None:
    sold = shop.log[10]
    shop.log[10] = (*sold[:2], None, sold[3])
    shop.page_size = 1
    with pytest.raises(SourceError, match="column vanished: 'amount'"):
        bench.service(batch_rows=1).run(shop, ["document"])
    assert bench.query("select count(*) as n from raw_shop__document") == [{"n": 10}]
    (rejected,) = (bench.folder / "landing" / "shop_eu" / "document").glob("*.rejected")
    assert (rejected / "manifest.json").exists()
    shop.log[10] = sold
    bench.service(batch_rows=1).run(shop)
    assert bench.current() == shop.expected()


def test_backfill_reads_again_from_a_date_and_leaves_the_cursor(bench: Bench, shop: Shop) -> None:
    service = bench.service()
    service.run(shop)
    before = bench.query("select stream, cursor from _arsync_cursor order by 1")
    stats = service.run(shop, ["document", "term"], since=datetime(2026, 7, 11, tzinfo=UTC))
    assert [(s.stream, s.rows_read, s.rows_new) for s in stats] == [("term", 6, 0), ("document", 20, 0)]
    assert bench.query("select stream, cursor from _arsync_cursor order by 1") == before


def test_reload_rebuilds_raw_from_landing_without_the_source(bench: Bench, shop: Shop) -> None:
    service = bench.service()
    service.run(shop)
    shop.change("d3", "9.99", lines=1)
    del shop.terms["t0"]
    service.run(shop)
    cursors = bench.query("select connection, stream, cursor, batch_id from _arsync_cursor order by 2")
    before, reads = bench.versions(), len(shop.reads)
    for _ in range(2):
        stats = service.reload("shop_eu", shop.streams())
        assert sum(s.rows_new for s in stats) > 90
        assert bench.versions() == before
        assert bench.current() == shop.expected()
        assert bench.query("select connection, stream, cursor, batch_id from _arsync_cursor order by 2") == cursors
    assert len(shop.reads) == reads
    assert [s.rows_new for s in service.run(shop)] == [0, 0, 0]


def test_reload_refuses_when_landing_is_incomplete(bench: Bench, shop: Shop) -> None:
    service = bench.service(keep_reads=1)
    service.run(shop)
    shop.sell(5)
    service.run(shop)
    before = bench.versions()
    with pytest.raises(WarehouseError, match="do not hold the whole history"):
        service.reload("shop_eu", shop.streams())
    assert bench.versions() == before


def test_a_lost_warehouse_comes_back_from_landing(bench: Bench, shop: Shop, tmp_path: Path) -> None:
    bench.service().run(shop)
    (bench.folder / "arsync.duckdb").unlink()
    stats = bench.service().run(shop)
    assert stats[1].rows_new == 30
    assert shop.reads[-1][1] is not None
    assert bench.current() == shop.expected()


def test_a_lost_warehouse_with_partial_landing_is_read_anew(bench: Bench, shop: Shop) -> None:
    service = bench.service(keep_reads=1)
    service.run(shop)
    shop.sell(5)
    service.run(shop)
    (bench.folder / "arsync.duckdb").unlink()
    shop.reads.clear()
    service.run(shop)
    assert {cursor for _, cursor, _ in shop.reads} == {None}
    assert bench.current() == shop.expected()


def test_landing_files_hold_the_rows_as_they_came(bench: Bench, shop: Shop) -> None:
    bench.service(batch_rows=1000).run(shop, ["document"])
    (batch,) = (bench.folder / "landing" / "shop_eu" / "document").iterdir()
    manifest = orjson.loads((batch / "manifest.json").read_bytes())
    assert (manifest["row_count"], manifest["final"], manifest["cursor"]) == (30, True, {"tick": 30})
    lines = (batch / manifest["files"][0]).read_bytes().splitlines()
    assert orjson.loads(lines[0]) == {"id": "d1", "amount": "1.00", "changed": "1"}


def test_a_full_stream_must_end_with_a_final_page(bench: Bench) -> None:
    class Endless(Shop):
        def _terms(self) -> Iterator[Page]:
            yield Page([{"id": "t", "name": "n"}], {})

    with pytest.raises(SourceContractBroken, match="ended without a final page"):
        bench.service().run(Endless(), ["term"])


def test_set_aside_rows_are_kept_and_counted(bench: Bench) -> None:
    class Broken(Shop):
        def _terms(self) -> Iterator[Page]:
            aside = [{"file": "a.csv", "line": 7, "reason": "no name", "row": {"id": "t2"}}]
            yield Page([{"id": "t1", "name": "n"}], {}, final=True, set_aside=aside, present=[("t2",)])

    bench.service().run(Shop(terms={"t1": "n", "t2": "m", "t3": "o"}), ["term"])
    (stats,) = bench.service().run(Broken(), ["term"])
    assert (stats.rows_set_aside, stats.rows_deleted) == (1, 1)
    assert bench.query("select id from raw_shop__term where _is_deleted") == [{"id": "t3"}]
    assert bench.query("select line, reason from raw_arsync__set_aside") == [{"line": 7, "reason": "no name"}]


def test_a_scope_shown_twice_in_one_read_ends_as_shown_last(bench: Bench) -> None:
    class Twice(Shop):
        def _changes(self, stream: str, cursor: Cursor | None, since: datetime | None) -> Iterator[Page]:
            rows = [{"document": "d", "id": str(n), "amount": "1", "changed": "1"} for n in range(3)]
            yield Page(rows, {"tick": 1}, [("d",)])
            yield Page(rows[:1], {"tick": 2}, [("d",)], final=True)

    bench.service(batch_rows=1000).run(Twice(), ["line"])
    assert bench.query("select count(*) as n from raw_shop__line where _is_deleted") == [{"n": 2}]


def test_a_source_without_news_lands_nothing_but_the_end_of_the_read(bench: Bench) -> None:
    stats = bench.service().run(Shop())
    assert [(s.rows_read, s.rows_new) for s in stats] == [(0, 0)] * 3
    assert len(bench.query("select * from raw_arsync__read")) == 3


@dataclass
class SlowShop(Shop):
    """Stands still before the second page of documents until it is told to go on."""

    reached: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def read(self, stream: str, cursor: Cursor | None, *, since: datetime | None = None) -> Iterator[Page]:
        for number, page in enumerate(super().read(stream, cursor, since=since)):
            if stream == "document" and number == 1:
                self.reached.set()
                assert self.go_on.wait(30)
            yield page


def test_a_stream_is_landed_by_one_run_at_a_time_and_other_streams_are_not_held(bench: Bench) -> None:
    slow = SlowShop(terms={"t1": "net 30"})
    slow.sell(30)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(bench.service().run, slow, ["document"])
        assert slow.reached.wait(30)
        hasty = bench.service(patience_s=0.1)
        with pytest.raises(WarehouseError, match=r"shop_eu\.document is being read by another run"):
            hasty.run(Shop(log=slow.log), ["document", "term"])
        with pytest.raises(WarehouseError, match="another run"):
            hasty.reload("shop_eu", slow.streams())
        assert [s.rows_new for s in hasty.run(Shop(terms=slow.terms), ["term"])] == [1]
        slow.go_on.set()
        (waited,) = bench.service().run(Shop(log=slow.log), ["document"])
        assert waited.rows_new == 0, "it began where the first ended"
        assert first.result(30)[0].rows_new == 30
    assert bench.query("select count(*) as n from raw_shop__document") == [{"n": 30}]
