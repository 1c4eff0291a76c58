"""What loading a batch stores: typed columns, new versions only, rows and cursor together."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from arsync_pipelines.domain import failpoint
from arsync_pipelines.domain.errors import LoadRefused, WarehouseError
from arsync_pipelines.ports.source import Field
from arsync_pipelines.ports.warehouse import Warehouse
from tests.contract.warehouse.batches import DOCUMENT, batch, current, versions


def row(key: str = "1", **more: Any) -> dict[str, Any]:
    return {"id": key, "amount": "10.00", "changed": "2026-07-01"} | more


@pytest.fixture(autouse=True)
def tables(warehouse: Warehouse) -> None:
    warehouse.ensure_tables([DOCUMENT])


def test_columns_are_typed_as_declared(warehouse: Warehouse, tmp_path: Path) -> None:
    full = row(
        amount="0010.50",
        note=None,
        count=9_007_199_254_740_993,
        IsOpen=True,
        meta={"a": [1, None]},
        Owner={"Name": "Ümläut O'Hara", "Level": 3},
    )
    result = warehouse.load(batch(tmp_path, DOCUMENT, [full, row("2", IsOpen=False, meta=None)]))
    assert (result.rows, result.new_versions, result.deleted) == (2, 2, 0)
    first, second = current(warehouse, DOCUMENT)
    assert json.loads(first.pop("meta")) == {"a": [1, None]}
    assert first == {
        "id": "1",
        "amount": "0010.50",
        "note": None,
        "count": 9_007_199_254_740_993,
        "open": True,
        "owner": "Ümläut O'Hara",
        "level": 3,
        "changed": "2026-07-01",
        "file_name": None,
        "file_line": None,
    }
    assert (second["open"], second["meta"], second["owner"]) == (False, None, None)


def test_a_repeated_row_is_no_version_and_any_other_value_is(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.load(batch(tmp_path, DOCUMENT, [row("1"), row("2", note="x")]))
    assert warehouse.load(batch(tmp_path, DOCUMENT, [row("1"), row("2", note="x")])).new_versions == 0
    changes = [row("1", note=""), row("2"), row("3")]
    assert warehouse.load(batch(tmp_path, DOCUMENT, changes)).new_versions == 3
    stamp_only = [row("1", note="", changed="2026-07-02")]
    assert warehouse.load(batch(tmp_path, DOCUMENT, stamp_only)).new_versions == 1
    assert versions(warehouse, DOCUMENT) == 6


def test_a_row_that_moved_within_its_file_is_no_version(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.load(batch(tmp_path, DOCUMENT, [row(file_name="a.csv", file_line=1)]))
    assert warehouse.load(batch(tmp_path, DOCUMENT, [row(file_name="b.csv", file_line=7)])).new_versions == 0


def test_versions_of_one_key_within_a_batch_keep_their_order(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.load(batch(tmp_path, DOCUMENT, [row(note="a")]))
    sequence = [row(note=note) for note in ("a", "b", "b", "a", "c")]
    assert warehouse.load(batch(tmp_path, DOCUMENT, sequence)).new_versions == 3
    stored = warehouse.query(f"select note from {DOCUMENT.table} order by _seq")
    assert [version["note"] for version in stored] == ["a", "b", "a", "c"]


def test_connections_do_not_see_each_other(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.load(batch(tmp_path, DOCUMENT, [row(note="one")]))
    assert warehouse.load(batch(tmp_path, DOCUMENT, [row(note="one")], connection="two")).new_versions == 1
    assert len(current(warehouse, DOCUMENT, "one")) == len(current(warehouse, DOCUMENT, "two")) == 1
    assert warehouse.cursor("three", "document") is None


def test_a_batch_is_loaded_once(warehouse: Warehouse, tmp_path: Path) -> None:
    one = batch(tmp_path, DOCUMENT, [row()])
    assert not warehouse.load(one).repeated
    later = batch(tmp_path, DOCUMENT, [row(note="later")])
    warehouse.load(later)
    assert warehouse.load(one).repeated
    assert warehouse.cursor("one", "document") == later.cursor
    assert warehouse.last_batch("one", "document") == later.batch_id
    assert versions(warehouse, DOCUMENT) == 2


def test_rows_and_cursor_are_stored_together_or_not_at_all(warehouse: Warehouse, tmp_path: Path) -> None:
    one = batch(tmp_path, DOCUMENT, [row()])
    failpoint.arm("ingest.before_commit:1:raise")
    try:
        with pytest.raises(failpoint.FailpointRaised):
            warehouse.load(one)
    finally:
        failpoint.arm("")
    assert versions(warehouse, DOCUMENT) == 0
    assert warehouse.cursor("one", "document") is None
    assert warehouse.load(one).new_versions == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"count": "many"}, r"line 2: column 'count' is integer, but holds 'many'"),
        ({"count": 1.5}, r"line 2: column 'count' is integer, but holds 1.5"),
        ({"count": 2**70}, r"line 2: column 'count' is integer, but holds 1.18059"),
        ({"IsOpen": "yes"}, r"line 2: column 'open' is boolean, but holds 'yes'"),
        ({"Owner": {"Level": "high"}}, r"line 2: column 'level' is integer, but holds 'high'"),
        ({"id": None}, r"no primary key \(id\): .*line 2"),
    ],
)
def test_a_value_that_does_not_fit_stores_nothing(
    warehouse: Warehouse, tmp_path: Path, wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(LoadRefused, match=message):
        warehouse.load(batch(tmp_path, DOCUMENT, [row("1"), row("2") | wrong]))
    assert versions(warehouse, DOCUMENT) == 0
    assert warehouse.cursor("one", "document") is None


def test_a_vanished_required_column_is_named(warehouse: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(LoadRefused, match=r"one\.document.*column vanished: 'amount'"):
        warehouse.load(batch(tmp_path, DOCUMENT, [{"id": "1"}, {"id": "2", "amount": None}]))


def test_a_damaged_landing_file_is_refused(warehouse: Warehouse, tmp_path: Path) -> None:
    short = batch(tmp_path, DOCUMENT, [row("1")], row_count=2)
    with pytest.raises(LoadRefused, match="hold 1 rows and their manifest 2"):
        warehouse.load(short)
    torn = batch(tmp_path, DOCUMENT, [row("1")])
    torn.files[0].write_text('{"id": "1", "amo')
    with pytest.raises(LoadRefused, match="not readable as JSON lines"):
        warehouse.load(torn)
    missing = batch(tmp_path, DOCUMENT, [row("1")])
    missing.files[0].unlink()
    with pytest.raises(WarehouseError):
        warehouse.load(missing)


def test_columns_new_at_the_source_are_warned_of_once(warehouse: Warehouse, tmp_path: Path) -> None:
    first = batch(tmp_path, DOCUMENT, [row("1")], undeclared=("links",), final=True)
    assert warehouse.load(first).warnings == ()
    second = batch(tmp_path, DOCUMENT, [row("2")], undeclared=("links", "vat"))
    (warning,) = warehouse.load(second).warnings
    assert "not declared: vat" in warning
    assert warehouse.load(batch(tmp_path, DOCUMENT, [row("3")], undeclared=("links", "vat"))).warnings == ()


def test_a_column_new_in_the_spec_is_added_and_makes_no_versions(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.load(batch(tmp_path, DOCUMENT, [row("1")]))
    wider = replace(DOCUMENT, fields=(Field("aaa"), *DOCUMENT.fields))
    warehouse.ensure_tables([wider])
    assert warehouse.load(batch(tmp_path, wider, [row("1")])).new_versions == 0
    assert warehouse.load(batch(tmp_path, wider, [row("1", aaa="x")])).new_versions == 1
    assert current(warehouse, wider)[0]["aaa"] == "x"
    retyped = replace(DOCUMENT, fields=(*DOCUMENT.fields[:2], Field("note", kind="integer"), *DOCUMENT.fields[3:]))
    with pytest.raises(WarehouseError, match=r"raw_demo__document\.note is VARCHAR"):
        warehouse.ensure_tables([retyped])


def test_reads_and_rows_set_aside_are_recorded(warehouse: Warehouse, tmp_path: Path) -> None:
    bad = {"file": "a.csv", "line": 3, "reason": "no amount", "row": {"id": "9"}}
    warehouse.load(batch(tmp_path, DOCUMENT, [row("1"), row("2")], read_id="r", set_aside=[bad]))
    assert warehouse.query("select * from raw_arsync__read") == []
    warehouse.load(batch(tmp_path, DOCUMENT, [row("2")], read_id="r", final=True))
    assert warehouse.query("select * from raw_arsync__read") == [
        {
            "connection": "one",
            "stream": "document",
            "read_started_at": datetime(2026, 7, 1, 6),
            "rows_read": 3,
            "rows_new": 2,
        }
    ]
    (aside,) = warehouse.query("select * from raw_arsync__set_aside")
    assert (aside["file"], aside["line"], aside["reason"]) == ("a.csv", 3, "no amount")
    assert json.loads(aside["row"]) == {"id": "9"}


def test_sequence_numbers_rise_over_tables_and_survive_forgetting(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.load(batch(tmp_path, DOCUMENT, [row(str(n)) for n in range(5)]))
    before = warehouse.query(f"select max(_seq) as top from {DOCUMENT.table}")[0]["top"]
    warehouse.forget("one", DOCUMENT)
    assert versions(warehouse, DOCUMENT) == 0
    assert warehouse.cursor("one", "document") is None
    warehouse.load(batch(tmp_path, DOCUMENT, [row("1")]))
    assert warehouse.query(f"select min(_seq) as low from {DOCUMENT.table}")[0]["low"] > before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"amount": "1", "note": "1"}, {"amount": "2", "note": "2"}),
        ({"amount": "1", "note": "2"}, {"amount": "2", "note": "1"}),
    ],
    ids=["move together", "change places"],
)
def test_columns_that_change_alike_make_a_version(
    warehouse: Warehouse, tmp_path: Path, before: dict[str, str], after: dict[str, str]
) -> None:
    """A total and what is open of it, a creation and a modification: they often hold the same value."""
    for values in (before, after):
        assert warehouse.load(batch(tmp_path, DOCUMENT, [row(**values)])).new_versions == 1
    assert (current(warehouse, DOCUMENT)[0]["amount"], current(warehouse, DOCUMENT)[0]["note"]) == tuple(after.values())
