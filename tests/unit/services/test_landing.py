"""Landing folders: whole or invisible, in order, each naming the one before."""

from __future__ import annotations

from collections import OrderedDict
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from arsync_pipelines.domain.errors import WarehouseError
from arsync_pipelines.ports.source import Field, Page, Row, StreamSpec
from arsync_pipelines.services.landing import BatchWriter, StreamLanding

SPEC = StreamSpec(
    system="demo",
    name="line",
    primary_key=("document", "id"),
    fields=(Field("document"), Field("id"), Field("owner", source="Owner.Name")),
    delete_detection="scope",
    scope=("document",),
)
STARTED = "2026-07-01T06:00:00+00:00"


@pytest.fixture
def landing(tmp_path: Path) -> StreamLanding:
    return StreamLanding(tmp_path, "erp", SPEC)


def land(landing: StreamLanding, read: int, number: int, previous: str = "") -> str:
    writer = BatchWriter(landing, read, number, STARTED)
    writer.add(Page([{"document": "A", "id": str(number)}], {"at": number}))
    return writer.close({"at": number}, False, previous).batch.batch_id


def test_a_batch_comes_back_as_it_was_written(landing: StreamLanding) -> None:
    writer = BatchWriter(landing, 3, 1, STARTED)
    rows: list[Row] = [
        OrderedDict(document="A", id="1", amount=Decimal("10.50")),
        {"document": "B", "id": "2", "Owner": {"Name": "x"}},
    ]
    aside = {"file": "a.csv", "line": 3, "reason": "no id", "row": {}}
    writer.add(Page(rows, {"at": 1}, [("A",), ("B",)], set_aside=[aside], present=[("C", "1")]))
    assert not landing.folder.joinpath("00000003-00001").exists()
    written = writer.close({"at": 1}, True, "erp/line/00000002-00009")
    (found,) = landing.landed()
    assert found == written
    batch = found.batch
    assert (batch.batch_id, batch.read_id) == ("erp/line/00000003-00001", "erp/line/00000003")
    assert (batch.row_count, batch.final, batch.cursor, batch.read_started_at) == (2, True, {"at": 1}, STARTED)
    assert (batch.scopes, batch.present, batch.set_aside) == ([("A",), ("B",)], [("C", "1")], [aside])
    assert batch.undeclared == ["amount"]
    lines = batch.files[0].read_bytes().splitlines()
    assert orjson.loads(lines[0]) == {"document": "A", "id": "1", "amount": "10.50"}


def test_batches_come_in_order_and_after_the_one_asked_for(landing: StreamLanding) -> None:
    ids = [land(landing, read, number) for read, number in ((10, 2), (2, 1), (10, 1))]
    assert [landed.batch.batch_id for landed in landing.landed()] == sorted(ids)
    assert [landed.batch.batch_id for landed in landing.landed(after="erp/line/00000010-00001")] == [ids[0]]
    assert landing.next_read("") == 11
    assert landing.next_read("erp/line/00000040-00001") == 41


def test_incomplete_and_rejected_batches_are_not_seen(landing: StreamLanding) -> None:
    land(landing, 1, 1)
    BatchWriter(landing, 1, 2, STARTED)
    (whole,) = landing.landed()
    assert not list(landing.folder.glob("*.tmp"))
    aside = whole.reject()
    assert aside.joinpath("manifest.json").exists()
    assert landing.landed() == []
    assert landing.next_read("") == 2


def test_a_discarded_batch_leaves_nothing(landing: StreamLanding) -> None:
    writer = BatchWriter(landing, 1, 1, STARTED)
    writer.add(Page([{"document": "A", "id": "1"}], {}))
    writer.discard()
    assert list(landing.folder.iterdir()) == []


def test_a_page_with_a_scope_already_held_is_noticed(landing: StreamLanding) -> None:
    writer = BatchWriter(landing, 1, 1, STARTED)
    writer.add(Page([], {}, [("A",)]))
    assert writer.repeats_scope(Page([], {}, [("B",), ("A",)]))
    assert not writer.repeats_scope(Page([], {}, [("B",)]))
    writer.discard()


def test_pruning_keeps_the_newest_reads(landing: StreamLanding) -> None:
    for read, number in ((1, 1), (2, 1), (2, 2), (3, 1)):
        land(landing, read, number)
    landing.prune(keep_reads=2)
    assert [landed.folder.name for landed in landing.landed()] == ["00000002-00001", "00000002-00002", "00000003-00001"]


def test_a_damaged_manifest_is_named(landing: StreamLanding) -> None:
    land(landing, 1, 1)
    (landing.folder / "00000001-00001" / "manifest.json").write_text("{}")
    with pytest.raises(WarehouseError, match=r"manifest\.json is damaged"):
        landing.landed()
