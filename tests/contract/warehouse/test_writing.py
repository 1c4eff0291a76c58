"""One writer at a time: across processes, within one, lent to another library, and closed behind."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import duckdb
import pytest

from arsync_pipelines.domain.errors import WarehouseError
from arsync_pipelines.warehouse.duckdb import DuckDbWarehouse


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "arsync.duckdb"


def made(file: Path, timeout: float = 600.0) -> DuckDbWarehouse:
    return DuckDbWarehouse(file, file.parent / "snapshots", lock_timeout=timeout)


def python(code: str, file: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(code), str(file)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)


HOLD = """
import sys
from pathlib import Path
from arsync_pipelines.warehouse.duckdb import DuckDbWarehouse
file = Path(sys.argv[1])
with DuckDbWarehouse(file, file.parent).writing():
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_second_process_waits_and_is_told_who_writes(file: Path) -> None:
    with python(HOLD, file) as holder:
        assert holder.stdout is not None and holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        told = pytest.raises(WarehouseError, match=rf"written by process {holder.pid} .* gave up after 0.2 s")
        with told, made(file, timeout=0.2).writing():
            pass
        holder.stdin.write("\n")
        holder.stdin.flush()
        with made(file, timeout=20).writing():
            pass


def test_a_killed_holder_leaves_no_lock(file: Path) -> None:
    with python(HOLD, file) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.kill()
        with made(file, timeout=20).writing():
            pass


def test_writing_is_reentrant_also_for_a_second_object_and_thread(file: Path) -> None:
    one, other = made(file), made(file)
    with one.writing(), other.writing():
        other.replace_table("t", {"a": "integer"}, [(1,)])
        thread = threading.Thread(target=lambda: one.replace_table("u", {"a": "integer"}, [(1,)]))
        thread.start()
        thread.join()
        assert one.query("select count(*) as n from t, u") == [{"n": 1}]
    with pytest.raises(WarehouseError, match="inside writing"):
        one.query("select 1")


def test_another_library_of_the_process_may_write_while_the_lock_is_kept(file: Path) -> None:
    warehouse = made(file)
    with warehouse.writing():
        warehouse.replace_table("t", {"a": "integer"}, [(1,)])
        with warehouse.lent():
            with duckdb.connect(str(file), config=dict(warehouse.options)) as other:
                assert other.execute("select a from t").fetchall() == [(1,)]
                other.execute("create table made_by_other (a integer)")
            with pytest.raises(WarehouseError, match="lent to dbt"):
                warehouse.query("select 1")
        assert warehouse.query("select count(*) as n from made_by_other") == [{"n": 0}]


def test_what_the_other_library_sets_is_set_back(file: Path) -> None:
    warehouse = made(file)
    asked = "select name, value from duckdb_settings() where name in ('memory_limit', 'preserve_insertion_order')"
    with warehouse.writing():
        before = warehouse.query(asked)
        with warehouse.lent(), duckdb.connect(str(file), config=dict(warehouse.options)) as other:
            other.execute("set memory_limit = '1GB'; set preserve_insertion_order = false; set threads = 1")
            assert warehouse_settings(other, asked) != before
        assert warehouse.query(asked) == before
        assert warehouse.query("select current_setting('threads') as n") == [{"n": 2}]


def test_two_warehouses_of_a_process_open_a_file_with_the_options_of_the_first(file: Path) -> None:
    one = DuckDbWarehouse(file, file.parent / "snapshots", memory_limit="300MB")
    other = DuckDbWarehouse(file, file.parent / "snapshots", memory_limit="400MB")
    with other.writing(), other.lent(), duckdb.connect(str(file), config=dict(other.options)) as shared:
        assert shared.execute("select 1").fetchall() == [(1,)]
    assert other.options == one.options


def warehouse_settings(connection: duckdb.DuckDBPyConnection, asked: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in connection.execute(asked).fetchall()]


def test_nothing_is_lost_by_a_process_that_dies_while_it_closes_behind(file: Path) -> None:
    code = """
import os, sys
from pathlib import Path
from arsync_pipelines.warehouse.duckdb import DuckDbWarehouse
warehouse = DuckDbWarehouse(Path(sys.argv[1]), Path(sys.argv[1]).parent / "snapshots")
with warehouse.writing(closing_behind=True):
    warehouse.replace_table("t", {"a": "integer"}, [(i,) for i in range(1000)])
os._exit(9)
"""
    with python(code, file) as child:
        assert child.wait() == 9
    warehouse = made(file)
    with warehouse.writing():
        assert warehouse.query("select count(*) as n from t") == [{"n": 1000}]


def test_who_enters_while_the_file_is_closed_behind_waits_for_it(file: Path) -> None:
    one, other = made(file), made(file)
    closed = threading.Event()
    with one.writing(closing_behind=True):
        one.replace_table("t", {"a": "integer"}, [(1,)])
        held = _SlowToClose(one._writer._connection, closed)
        one._writer._connection = held  # type: ignore[assignment]
    assert not closed.is_set() and one._writer.lock.held
    with other.writing():
        assert closed.is_set()
        assert other.query("select a from t") == [{"a": 1}]
    assert not one._writer.lock.held


class _SlowToClose:
    def __init__(self, connection: duckdb.DuckDBPyConnection | None, closed: threading.Event) -> None:
        assert connection is not None
        self._connection, self._closed = connection, closed

    def close(self) -> None:
        time.sleep(0.3)
        self._connection.close()
        self._closed.set()


def test_a_file_that_is_no_database_is_explained(file: Path) -> None:
    file.write_bytes(b"not a database" * 1000)
    with made(file).writing() as _, pytest.raises(WarehouseError, match="cannot open the warehouse"):
        made(file).query("select 1")


def test_a_failed_statement_is_a_warehouse_error_and_rolls_back(file: Path) -> None:
    warehouse = made(file)
    with warehouse.writing():
        warehouse.replace_table("t", {"a": "integer"}, [(1,)])
        with pytest.raises(WarehouseError, match="refused"):
            warehouse.replace_table("t", {"a": "integer"}, [("x",)])
        with pytest.raises(WarehouseError, match="not a table or column name"):
            warehouse.replace_table('t"; drop table t', {"a": "integer"}, [])
        assert warehouse.query("select a from t") == [{"a": 1}]
    with duckdb.connect(file) as connection:
        assert connection.execute("select a from t").fetchall() == [(1,)]


ORPHAN = """
import sys, time
import duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.readline()
"""


def test_the_orphan_of_a_killed_holder_is_waited_for(file: Path) -> None:
    with python(ORPHAN, file) as orphan:
        assert orphan.stdout is not None and orphan.stdin is not None
        assert orphan.stdout.readline() == "held\n"
        timer = threading.Timer(1.0, lambda: orphan.communicate("\n"))
        timer.start()
        warehouse = made(file)
        with warehouse.writing():
            assert warehouse.query("select 1 as one") == [{"one": 1}]
        timer.join()


def test_the_connection_is_closed_before_the_lock_goes(file: Path) -> None:
    warehouse = made(file)
    with warehouse.writing():
        warehouse.query("create table t (a integer)")
    with python(ORPHAN, file) as other:
        out, _ = other.communicate("\n", timeout=60)
    assert out == "held\n"


def test_compacting_gives_back_what_deleted_rows_took_and_keeps_the_others(warehouse: DuckDbWarehouse) -> None:
    def row_groups() -> int:
        rows = warehouse.query("select count(distinct row_group_id) as n from pragma_storage_info('gappy')")
        return int(rows[0]["n"])

    warehouse.query("create table gappy as select i, i * 2 as twice from range(600000) as made(i)")
    warehouse.query("checkpoint")
    warehouse.query("delete from gappy where i % 4 <> 0")
    warehouse.query("checkpoint")
    before = row_groups()  # no checkpoint of ours writes rows anew only because others were deleted
    assert before >= 4
    warehouse.compact()
    assert row_groups() < before
    kept = warehouse.query("select count(*) as n, sum(i) as i, sum(twice) as twice from gappy")
    assert kept == [{"n": 150000, "i": 44999700000, "twice": 89999400000}]
