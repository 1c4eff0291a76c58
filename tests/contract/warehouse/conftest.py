"""Every warehouse implementation that the suite runs over. A new one adds a line to WAREHOUSES."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from arsync_pipelines.ports.warehouse import Warehouse
from arsync_pipelines.warehouse.duckdb import DuckDbWarehouse

WAREHOUSES: dict[str, Callable[[Path], Warehouse]] = {
    "duckdb": lambda folder: DuckDbWarehouse(folder / "w" / "arsync.duckdb", folder / "snapshots", keep=3),
}


@pytest.fixture(params=sorted(WAREHOUSES))
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Warehouse]:
    """A warehouse held for writing."""
    made = WAREHOUSES[request.param](tmp_path)
    with made.writing():
        yield made
