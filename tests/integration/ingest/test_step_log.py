"""What is kept of builds and publishing: that they began, and how they ended, whatever ended them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from arsync_pipelines.connectors.clock import FixedClock
from arsync_pipelines.domain.errors import CheckFailed, WarehouseError
from arsync_pipelines.services.step_log import logged
from arsync_pipelines.warehouse.duckdb import DuckDbWarehouse

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[DuckDbWarehouse]:
    opened = DuckDbWarehouse(tmp_path / "warehouse.duckdb", tmp_path / "snapshots")
    with opened.writing():
        yield opened


def told(warehouse: DuckDbWarehouse) -> list[tuple[str, str, str | None]]:
    """Step, state and class of failure, in order."""
    rows = warehouse.query("select * from raw_arsync__step")
    assert {row["logged_at"] for row in rows} == {NOON.replace(tzinfo=None)}
    assert {row["run_id"] for row in rows} == {"r"}
    return [(row["step"], row["state"], row["failure_class"]) for row in rows]


def test_a_step_says_how_it_ended(warehouse: DuckDbWarehouse) -> None:
    clock = FixedClock(NOON)
    with logged(warehouse, "publish", "r", clock):
        pass
    with logged(warehouse, "build", "r", clock) as ending:
        ending.state = "refused"
    for error in (CheckFailed("a test"), WarehouseError("full")):
        with pytest.raises(type(error)), logged(warehouse, "build", "r", clock):
            raise error
    assert told(warehouse) == [
        ("publish", "begun", None),
        ("publish", "succeeded", None),
        ("build", "begun", None),
        ("build", "refused", None),
        ("build", "begun", None),
        ("build", "refused", "CheckFailed"),
        ("build", "begun", None),
        ("build", "failed", "WarehouseError"),
    ]


def test_a_step_that_was_cut_off_only_began(warehouse: DuckDbWarehouse) -> None:
    with pytest.raises(KeyboardInterrupt), logged(warehouse, "build", "r", FixedClock(NOON)):
        raise KeyboardInterrupt
    assert told(warehouse) == [("build", "begun", None)]
