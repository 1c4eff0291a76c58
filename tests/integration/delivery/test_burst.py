"""A month's end in short form; the long one: arsync bench burst."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from arsync_pipelines.ops.store import open_store
from tests.integration.delivery.burst import BULK, COLLECTIONS, Way, burst


@pytest.mark.parametrize(("way", "rows", "quota"), [(COLLECTIONS, 4000, 5), (BULK, 4000, 20)], ids=["calls", "bulk"])
def test_a_burst_drains_at_the_pace_of_its_quota_and_a_hold_leaves_next(
    tmp_path: Path, way: Way, rows: int, quota: int
) -> None:
    done = burst(lambda clock: open_store(tmp_path / "ops.sqlite", clock=clock), rows, way, concurrency=1, quota=quota)
    sys.stdout.write(f"{way.name}: {done}\n")
    assert (done.unaccounted, done.doubled, done.unsettled, done.early) == (0, 0, 0, 0)
    assert done.rejected == rows // 100
    assert done.before_hold == 0
    assert done.audit_holds
    if way is COLLECTIONS:
        assert done.ratio <= 1.1
    assert done.requests <= 1.2 * done.ideal_requests + 10
