"""What is kept of reads: that they began, and how they ended, whatever ended them."""

from __future__ import annotations

from typing import Any

import pytest

from arsync_pipelines.domain.errors import ArsyncError, SourceUnreachable
from tests.integration.ingest.conftest import Bench
from tests.integration.ingest.shop import Shop


@pytest.fixture
def shop() -> Shop:
    made = Shop(terms={"1": "Net 30"})
    made.sell(5)
    return made


def logged(bench: Bench) -> list[dict[str, tuple[Any, ...]]]:
    """Per run in order, by stream: how it ended, (None,) where nothing says so."""
    rows = bench.query("select * from raw_arsync__sync")
    runs: dict[str, dict[str, tuple[Any, ...]]] = {}
    for row in rows:
        run = runs.setdefault(row["run_id"], {})
        if row["state"] == "begun":
            assert row["stream"] not in run, "begun once, before it ends"
            run[row["stream"]] = (None,)
        else:
            assert run[row["stream"]] == (None,)
            run[row["stream"]] = (row["state"], row["failure_class"], row["rows_read"], row["rows_new"])
    return list(runs.values())


def test_each_run_says_how_its_streams_went(bench: Bench, shop: Shop) -> None:
    bench.service().run(shop)
    shop.fail_after, shop.error = {"document": 0}, SourceUnreachable("the shop is closed")
    with pytest.raises(ArsyncError):
        bench.service().run(shop, ("term", "document"))
    first, second = logged(bench)
    assert first == {"term": ("read", None, 1, 1), "document": ("read", None, 5, 5), "line": ("read", None, 10, 10)}
    assert second == {"term": ("read", None, 1, 0), "document": ("failed", "SourceUnreachable", 0, 0)}


def test_a_run_that_was_cut_off_only_began(bench: Bench, shop: Shop) -> None:
    shop.fail_after, shop.error = {"document": 1}, KeyboardInterrupt()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        bench.service().run(shop, ("document",))
    assert logged(bench) == [{"document": (None,)}]
    shop.error = None
    shop.fail_after = {}
    bench.service().run(shop, ("document",))
    assert [run["document"][0] for run in logged(bench)] == [None, "read"]
