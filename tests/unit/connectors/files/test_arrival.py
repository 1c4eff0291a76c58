"""What counts as news: arrival, replacement, repetition, deltas, backfill."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from arsync_pipelines.domain.errors import SourceContractBroken, SourceUnreachable

from .conftest import HEADER, Folder, ids, line, rows


def test_first_read_then_nothing_then_the_newest_full_extract_alone(folder: Folder) -> None:
    source = folder.source()
    folder.drop("a.csv", HEADER + line(1) + line(2))
    assert source.has_changes("invoice", None)
    first = folder.read(source)
    assert ids(first) == ["0001", "0002"] and [page.final for page in first] == [True]
    assert folder.read(source) == []
    assert not source.has_changes("invoice", folder.cursors["invoice"])
    folder.drop("b.csv", HEADER + line(3))
    folder.drop("c.csv", HEADER + line(4))
    assert source.has_changes("invoice", folder.cursors["invoice"])
    assert ids(folder.read(source)) == ["0004"]
    assert folder.read(source) == [], "b.csv was overtaken by c.csv"


def test_same_name_with_new_content_is_news_and_a_touched_file_is_not(folder: Folder) -> None:
    source = folder.source()
    path = folder.drop("a.csv", HEADER + line(1))
    folder.read(source)
    folder.touch(path)
    assert folder.read(source) == []
    folder.drop("copy.csv", HEADER + line(1))
    assert folder.read(source) == []
    folder.drop("a.csv", HEADER + line(1, "60"))
    assert rows(folder.read(source))[0]["amount"] == "60.00"
    folder.drop("back.csv", HEADER + line(1))
    assert rows(folder.read(source))[0]["amount"] == "55.90", "an older state that arrives again is the newest"


def test_deltas_come_all_and_oldest_first_and_never_twice(folder: Folder) -> None:
    source = folder.source(invoices={"full": False})
    assert [spec.delete_detection for spec in source.streams()] == ["none", "none"]
    folder.drop("b.csv", HEADER + line(1))
    folder.drop("a.csv", HEADER + line(1, "70") + line(2))
    pages = folder.read(source)
    assert [(row["number"], row["amount"]) for row in rows(pages)] == [
        ("0001", "55.90"),
        ("0001", "70.00"),
        ("0002", "55.90"),
    ]
    resumed = list(source.read("invoice", pages[0].cursor))
    assert ids(resumed) == ["0001", "0002"], "the first page's cursor stands behind the first file"
    folder.drop("moved.csv", HEADER + line(1))
    assert folder.read(source) == []
    again = list(source.read("invoice", pages[-1].cursor, since=datetime.fromtimestamp(1_700_000_002, UTC)))
    assert ids(again) == ["0001", "0002", "0001"]


def test_another_mapping_reads_everything_again(folder: Folder) -> None:
    folder.drop("a.csv", HEADER + line(1))
    folder.read(folder.source())
    other = folder.source(currency="EUR")
    assert rows(folder.read(other))[0]["currency"] == "EUR"
    assert folder.read(other) == []


def test_hidden_and_unfinished_files_are_left_alone(folder: Folder) -> None:
    for name in (".a.csv", "~$b.csv", "c.csv.part", "d.csv.tmp"):
        folder.drop(name, HEADER + line(1))
    assert folder.read(folder.source(invoices={"pattern": "*"})) == []


def test_a_file_that_changes_while_it_is_read_concludes_nothing(folder: Folder) -> None:
    path = folder.drop("a.csv", HEADER + "".join(line(number) for number in range(2500)))
    pages = folder.source().read("invoice", None)
    first = next(pages)
    assert not first.final and first.cursor["files"] == {}
    path.write_text(HEADER + line(1))
    with pytest.raises(SourceContractBroken, match=r"a\.csv: the file changed while it was read"):
        list(pages)


def test_many_rows_come_in_pages_of_bounded_size(folder: Folder) -> None:
    folder.drop("a.csv", HEADER + "".join(line(number) for number in range(4500)))
    pages = folder.read(folder.source())
    assert [(len(page.rows), page.final) for page in pages] == [(2000, False), (2000, False), (500, True)]
    assert [len(page.cursor["files"]) for page in pages] == [0, 0, 1]


def test_a_folder_that_is_not_there_says_so(folder: Folder) -> None:
    with pytest.raises(SourceUnreachable, match="is not there or not a folder"):
        folder.read(folder.source(folder=folder.path / "nowhere"))
