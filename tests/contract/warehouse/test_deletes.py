"""What a batch proves about rows that are gone, for each way in which a stream shows deletes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from arsync_pipelines.domain.errors import LoadRefused
from arsync_pipelines.ports.warehouse import Warehouse
from tests.contract.warehouse.batches import FLAGGED, LINE, WHOLE, batch, current, versions


@pytest.fixture(autouse=True)
def tables(warehouse: Warehouse) -> None:
    warehouse.ensure_tables([FLAGGED, LINE, WHOLE])


def line(document: str, key: str, amount: str = "1") -> dict[str, Any]:
    return {"document": document, "id": key, "amount": amount}


def whole(key: str, name: str = "n", part: int = 1) -> dict[str, Any]:
    return {"id": key, "part": part, "name": name}


def test_flag(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.load(batch(tmp_path, FLAGGED, [{"id": "1", "name": "a"}, {"id": "2", "name": "b", "gone": False}]))
    result = warehouse.load(batch(tmp_path, FLAGGED, [{"id": "1", "name": "a", "gone": True}]))
    assert (result.new_versions, result.deleted) == (0, 1)
    assert [row["id"] for row in current(warehouse, FLAGGED)] == ["2"]
    assert warehouse.load(batch(tmp_path, FLAGGED, [{"id": "1", "name": "a", "gone": True}])).deleted == 0
    assert warehouse.load(batch(tmp_path, FLAGGED, [{"id": "1", "name": "a", "gone": False}])).new_versions == 1
    assert len(current(warehouse, FLAGGED)) == 2


def test_scope(warehouse: Warehouse, tmp_path: Path) -> None:
    rows = [line("A", "1"), line("A", "2"), line("B", "1"), line("C", "1")]
    warehouse.load(batch(tmp_path, LINE, rows, scopes=[("A",), ("B",), ("C",)]))
    result = warehouse.load(batch(tmp_path, LINE, [line("A", "2")], scopes=[("A",), ("C",), ("D",)]))
    assert (result.new_versions, result.deleted) == (0, 2)
    assert [(row["document"], row["id"]) for row in current(warehouse, LINE)] == [("A", "2"), ("B", "1")]
    again = warehouse.load(batch(tmp_path, LINE, [line("A", "2")], scopes=[("A",), ("C",)]))
    assert (again.new_versions, again.deleted) == (0, 0)
    back = warehouse.load(batch(tmp_path, LINE, [line("A", "1"), line("A", "2")], scopes=[("A",)]))
    assert (back.new_versions, back.deleted) == (1, 0)
    gone = warehouse.query(f"select amount from {LINE.table} where _is_deleted")
    assert [row["amount"] for row in gone] == ["1", "1"]


def test_scope_spares_other_connections_and_rows_set_aside(warehouse: Warehouse, tmp_path: Path) -> None:
    for connection in ("one", "two"):
        warehouse.load(batch(tmp_path, LINE, [line("A", "1")], connection=connection, scopes=[("A",)]))
    assert warehouse.load(batch(tmp_path, LINE, [], scopes=[("A",)], present=[("A", "1")])).deleted == 0
    assert warehouse.load(batch(tmp_path, LINE, [], scopes=[("A",)])).deleted == 1
    assert len(current(warehouse, LINE, "two")) == 1


def test_full_in_one_batch(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.load(batch(tmp_path, WHOLE, [whole("1"), whole("2"), whole("3")], final=True))
    result = warehouse.load(batch(tmp_path, WHOLE, [whole("1", "x")], final=True, present=[("3", "1")]))
    assert (result.new_versions, result.deleted) == (1, 1)
    assert [row["id"] for row in current(warehouse, WHOLE)] == ["1", "3"]
    assert warehouse.load(batch(tmp_path, WHOLE, [whole("1", "x"), whole("3")], final=True)).deleted == 0


def test_full_over_several_batches_of_one_read(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.load(batch(tmp_path, WHOLE, [whole(str(n)) for n in range(6)], final=True))
    parts = [([whole("0")], []), ([whole("1")], [("2", "1")]), ([whole("3", part=2)], [])]
    results = [
        warehouse.load(batch(tmp_path, WHOLE, rows, read_id="r", present=present, final=number == 2))
        for number, (rows, present) in enumerate(parts)
    ]
    assert [result.deleted for result in results] == [0, 0, 3]
    assert [(row["id"], row["part"]) for row in current(warehouse, WHOLE)] == [("0", 1), ("1", 1), ("2", 1), ("3", 2)]
    assert warehouse.query("select * from _arsync_seen") == []


def test_an_interrupted_full_read_proves_nothing(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.load(batch(tmp_path, WHOLE, [whole("1"), whole("2")], final=True))
    warehouse.load(batch(tmp_path, WHOLE, [whole("1")], read_id="broken"))
    result = warehouse.load(batch(tmp_path, WHOLE, [whole("2")], read_id="next", final=True))
    assert result.deleted == 1
    assert [row["id"] for row in current(warehouse, WHOLE)] == ["2"]


def test_a_full_read_without_any_row_is_not_believed(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.load(batch(tmp_path, WHOLE, [whole(str(n)) for n in range(101)], final=True))
    with pytest.raises(LoadRefused, match="shows no row, but 101 are known"):
        warehouse.load(batch(tmp_path, WHOLE, [], final=True))
    assert len(current(warehouse, WHOLE)) == 101
    assert versions(warehouse, WHOLE) == 101
