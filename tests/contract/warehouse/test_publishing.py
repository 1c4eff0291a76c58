"""What readers see: whole published states, also while a writer works and after damage."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from arsync_pipelines.domain import failpoint
from arsync_pipelines.domain.errors import WarehouseError
from arsync_pipelines.ports.warehouse import TableFunction, Warehouse
from arsync_pipelines.services.publish import publish, publishable


def generation(warehouse: Warehouse, number: int, rows: int = 200) -> None:
    for table in ("dim_a", "fct_b"):
        warehouse.replace_table(table, {"generation": "integer"}, [(number,)] * rows)


def test_nothing_before_the_first_publish(warehouse: Warehouse) -> None:
    assert warehouse.current_snapshot() is None


def test_a_snapshot_holds_the_named_tables_and_says_where_they_come_from(warehouse: Warehouse) -> None:
    generation(warehouse, 1)
    warehouse.replace_table("raw_arsync__read", {
        "connection": "varchar", "stream": "varchar", "read_started_at": "timestamp", "rows_read": "bigint",
        "rows_new": "bigint"}, [("erp", "invoice", "2026-07-01 06:00:00", 7, 5)])  # fmt: skip
    assert publishable(warehouse) == ["dim_a", "fct_b"]
    snapshot = publish(warehouse, ["dim_a"], {"run_id": "r1", "checks": {"passed": 3}})
    assert warehouse.current_snapshot() == snapshot
    manifest = snapshot.manifest
    assert manifest["row_counts"] == {"dim_a": 200}
    assert (manifest["run_id"], manifest["checks"]) == ("r1", {"passed": 3})
    assert manifest["watermarks"]["erp"]["invoice"]["read_started_at"] == "2026-07-01T06:00:00"
    assert warehouse.query_snapshot(snapshot, "select count(*) as n from dim_a where generation = ?", [1]) == [
        {"n": 200}
    ]
    with pytest.raises(WarehouseError, match="fct_b"):
        warehouse.query_snapshot(snapshot, "select * from fct_b")
    with pytest.raises(WarehouseError):
        warehouse.query_snapshot(snapshot, "create table x (a integer)")


def test_a_missing_table_changes_nothing_for_readers(warehouse: Warehouse) -> None:
    generation(warehouse, 1)
    before = warehouse.publish(["dim_a"], {})
    with pytest.raises(WarehouseError, match="no such table in the warehouse: fct_missing"):
        warehouse.publish(["dim_a", "fct_missing"], {})
    assert warehouse.current_snapshot() == before


@pytest.mark.parametrize("point", ["publish.started", "publish.copied", "publish.before_pointer"])
def test_an_interrupted_publish_leaves_the_one_before(warehouse: Warehouse, point: str) -> None:
    generation(warehouse, 1)
    before = warehouse.publish(["dim_a"], {})
    failpoint.arm(f"{point}:1:raise")
    try:
        with pytest.raises(failpoint.FailpointRaised):
            warehouse.publish(["dim_a"], {})
    finally:
        failpoint.arm("")
    assert warehouse.current_snapshot() == before
    after = warehouse.publish(["dim_a"], {})
    assert warehouse.current_snapshot() == after
    assert after.snapshot_id > before.snapshot_id


def test_retention_keeps_the_newest_and_spares_open_readers(warehouse: Warehouse) -> None:
    generation(warehouse, 1)
    first = warehouse.publish(["dim_a"], {})
    for _ in range(4):
        warehouse.publish(["dim_a"], {})
    assert not first.path.exists()
    kept = sorted(path.name for path in first.path.parent.parent.glob("s0*"))
    assert len(kept) == 3
    with pytest.raises(WarehouseError, match="beyond retention"):
        warehouse.query_snapshot(first, "select 1")


@pytest.mark.parametrize("damage", ["truncated", "flipped", "missing", "manifest"])
def test_a_damaged_snapshot_gives_way_to_the_one_before(
    warehouse: Warehouse, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    generation(warehouse, 1)
    good = warehouse.publish(["dim_a"], {})
    bad = warehouse.publish(["dim_a"], {})
    content = bytearray(bad.path.read_bytes())
    bad.path.chmod(0o644)
    if damage == "truncated":
        bad.path.write_bytes(content[:-100])
    elif damage == "flipped":
        content[len(content) // 2] ^= 1
        bad.path.write_bytes(content)
    elif damage == "missing":
        bad.path.unlink()
    else:
        (bad.path.parent / "manifest.json").write_text("{")
    found = warehouse.current_snapshot()
    assert found is not None
    assert found.snapshot_id == good.snapshot_id
    assert bad.snapshot_id in caplog.text


def test_views_and_comments_are_published_as_tables(warehouse: Warehouse) -> None:
    generation(warehouse, 1)
    warehouse.query("create view recon_v as select generation, 'x' as note from dim_a")
    warehouse.query("comment on table dim_a is 'Rows of one generation'")
    warehouse.query("comment on column dim_a.generation is 'Its ''number'''")
    snapshot = warehouse.publish(["dim_a", "recon_v"], {})
    assert warehouse.query_snapshot(snapshot, "select count(*) as n from recon_v") == [{"n": 200}]
    (table,) = warehouse.query_snapshot(snapshot, "select comment from duckdb_tables() where table_name = 'dim_a'")
    assert table["comment"] == "Rows of one generation"
    (column,) = warehouse.query_snapshot(snapshot, "select comment from duckdb_columns() where table_name = 'dim_a'")
    assert column["comment"] == "Its 'number'"


def test_functions_are_asked_of_the_snapshot_alone(warehouse: Warehouse) -> None:
    generation(warehouse, 1)
    one = TableFunction("ar_one", "least := 0", "It's one", "select generation from dim_a where generation >= least")
    two = TableFunction("ar_two", "least := 0", "", "select count(*) as n from ar_one(least)")
    snapshot = warehouse.publish(["dim_a"], {}, [one, two])
    generation(warehouse, 2)
    assert warehouse.query_snapshot(snapshot, "from ar_two(1)") == [{"n": 200}]
    assert warehouse.query_snapshot(snapshot, "from ar_two(2)") == [{"n": 0}]
    (found,) = warehouse.query_snapshot(
        snapshot, "select comment from duckdb_functions() where function_name = 'ar_one'"
    )
    assert found["comment"] == "It's one"


READER = """
import sys
from pathlib import Path
from arsync_pipelines.warehouse.duckdb import DuckDbWarehouse

folder = Path(sys.argv[1])
warehouse = DuckDbWarehouse(folder / "unused.duckdb", folder)
seen, reads = set(), 0
print("ready", flush=True)
while not (folder / "stop").exists():
    snapshot = warehouse.current_snapshot()
    rows = warehouse.query_snapshot(
        snapshot,
        "select generation, count(*) as n from (from dim_a union all from fct_b) group by generation",
    )
    assert len(rows) == 1 and rows[0]["n"] == 400, (snapshot.snapshot_id, rows)
    seen.add(rows[0]["generation"])
    reads += 1
print(reads, len(seen), flush=True)
"""


def test_readers_in_other_processes_through_fifty_publishes(warehouse: Warehouse) -> None:
    generation(warehouse, 0)
    folder = publish_all(warehouse)
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(READER), str(folder)]
    readers = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        for reader in readers:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "ready\n"
        for number in range(1, 51):
            generation(warehouse, number)
            publish_all(warehouse)
    finally:
        (folder / "stop").touch()
        outputs = [reader.communicate(timeout=60) for reader in readers]
    for reader, (out, err) in zip(readers, outputs, strict=True):
        assert reader.returncode == 0, err
        reads, generations = map(int, out.split())
        assert reads >= generations > 5


def publish_all(warehouse: Warehouse) -> Path:
    return publish(warehouse, ["dim_a", "fct_b"], {}).path.parent.parent
