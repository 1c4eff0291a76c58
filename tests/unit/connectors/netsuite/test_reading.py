"""Keyset reads: nothing lost, nothing repeated for ever, whatever the page edges cut through."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from arsync_pipelines.domain.errors import SourceContractBroken


def transaction(number: int, stamp: str, kind: str = "CustInvc") -> dict[str, Any]:
    return {"id": number, "type": kind, "trandate": "2026-06-01", "lastmodifieddate": stamp, "createddate": stamp}


def ids(pages: list[Any], column: str = "id") -> list[str]:
    return [row[column] for page in pages for row in page.rows]


def test_rows_of_one_second_are_neither_lost_nor_repeated_across_pages(account: Any) -> None:
    account.page_size = 7
    account.add("transaction", *(transaction(n, "2026-06-30 10:00:00") for n in range(1, 51)))
    account.add("transaction", *(transaction(n, f"2026-06-30 10:00:{n - 50:02d}") for n in range(51, 61)))
    pages = list(account.source().read("transaction", None))
    assert ids(pages) == [str(n) for n in range(1, 61)]
    assert [page.final for page in pages] == [False] * (len(pages) - 1) + [True]
    assert pages[-1].cursor == {"stamp": "2026-06-30 10:00:10", "after": ["60"]}


def test_timestamps_land_in_utc_and_links_stay_behind(account: Any) -> None:
    account.add("transaction", transaction(1, "2026-06-30 10:00:00"), transaction(2, "2026-12-31 23:30:00"))
    rows = [row for page in account.source().read("transaction", None) for row in page.rows]
    assert [row["lastmodifieddate"] for row in rows] == ["2026-06-30 17:00:00", "2027-01-01 07:30:00"]
    assert rows[0]["createddate"] == "2026-06-30 17:00:00"
    assert all("links" not in row for row in rows)


def test_every_cursor_resumes_the_read(account: Any) -> None:
    account.page_size = 5
    account.add("transaction", *(transaction(n, f"2026-06-30 {n:02d}:00:00") for n in range(23)))
    source = account.source()
    whole = list(source.read("transaction", None))
    for index, page in enumerate(whole[:-1]):
        rest = list(source.read("transaction", page.cursor))
        seen = ids(whole[: index + 1]) + ids(rest)
        assert sorted(set(seen), key=int) == [str(n) for n in range(23)]


def test_a_read_starts_one_overlap_before_its_cursor(account: Any) -> None:
    account.add("transaction", transaction(1, "2026-06-30 09:49:59"), transaction(2, "2026-06-30 09:50:00"))
    cursor = {"stamp": "2026-06-30 10:00:00", "after": ["9"]}
    assert ids(list(account.source().read("transaction", cursor))) == ["2"]


def test_a_backfill_starts_at_the_instant_in_the_accounts_zone(account: Any) -> None:
    account.add("transaction", transaction(1, "2026-06-30 09:59:59"), transaction(2, "2026-06-30 10:00:00"))
    pages = account.source().read("transaction", None, since=datetime(2026, 6, 30, 17, tzinfo=UTC))
    assert ids(list(pages)) == ["2"]


def test_an_empty_read_ends_with_a_final_page_and_keeps_its_cursor(account: Any) -> None:
    cursor = {"stamp": "2026-06-30 10:00:00", "after": ["9"]}
    (page,) = account.source().read("transaction", cursor)
    assert (list(page.rows), page.cursor, page.final) == ([], cursor, True)


def test_pages_hold_transactions_whole_and_name_those_without_lines(account: Any) -> None:
    account.page_size = 10
    for n in range(1, 13):
        account.add("transaction", transaction(n, f"2026-06-30 10:00:{n // 3:02d}"))
        account.add("transactionline", *({"transaction": n, "id": i, "mainline": "F"} for i in range(n % 5)))
    pages = list(account.source().read("transaction_line", None))
    assert sorted(scope[0] for page in pages for scope in page.scopes) == sorted(str(n) for n in range(1, 13))
    for page in pages:
        held = [row["transaction"] for row in page.rows]
        for (scope,) in page.scopes:
            assert held.count(scope) == int(scope) % 5
        assert set(held) <= {scope for (scope,) in page.scopes}


def test_a_transaction_larger_than_a_page_comes_in_one_piece(account: Any) -> None:
    account.page_size = 10
    for n in (1, 2, 3):
        account.add("transaction", transaction(n, "2026-06-30 10:00:00"))
        account.add("transactionline", *({"transaction": n, "id": i} for i in range(35 if n == 2 else 3)))
    pages = list(account.source().read("transaction_line", None))
    assert [(list(page.scopes), len(page.rows)) for page in pages] == [
        ([("1",)], 3),
        ([("2",)], 35),
        ([("3",)], 3),
    ]
    assert [row["id"] for row in pages[1].rows] == [str(i) for i in range(35)]


def test_links_sharing_a_line_pair_survive_a_page_edge(account: Any) -> None:
    account.page_size = 4
    account.add("transaction", transaction(9, "2026-06-30 10:00:00", "CustPymt"))
    for doc in range(5):
        for kind in ("Payment", "DepAppl"):
            row = {"previousdoc": doc, "previousline": 0, "nextdoc": 9, "nextline": 0, "linktype": kind}
            account.add("nexttransactionlinelink", row)
    (page,) = (page for page in account.source().read("transaction_link", None) if page.rows)
    assert sorted((row["previousdoc"], row["linktype"]) for row in page.rows) == sorted(
        (str(doc), kind) for doc in range(5) for kind in ("Payment", "DepAppl")
    )


def test_deleted_records_with_the_same_id_and_second_are_kept_together(account: Any) -> None:
    for number in (5, 6):
        for kind in ("CustPymt", "Journal"):
            account.add("deletedrecord", {"type": kind, "recordid": number, "deleteddate": "2026-06-30 10:00:00"})
    account.page_size = 1
    with pytest.raises(SourceContractBroken, match="cannot be paged"):
        list(account.source().read("deleted_record", None))
    account.page_size = 3
    assert len(ids(list(account.source().read("deleted_record", None)), "recordid")) == 4


def test_small_streams_are_read_whole_and_tell_whether_they_changed(account: Any) -> None:
    account.page_size = 2
    rows = [{"id": n, "name": f"N{n}", "lastmodifieddate": f"2026-06-0{n} 10:00:00"} for n in range(1, 6)]
    account.add("term", *rows)
    source = account.source()
    pages = list(source.read("term", {"rows_total": "99"}))
    assert ids(pages) == ["1", "2", "3", "4", "5"]
    assert pages[-1].final and not any(page.final for page in pages[:-1])
    assert source.has_changes("term", pages[-1].cursor) is False
    account.add("term", {"id": 6, "name": "N6", "lastmodifieddate": "2026-06-01 10:00:00"})
    assert source.has_changes("term", pages[-1].cursor) is True


def test_has_changes_asks_once_for_anything_after_the_last_row(account: Any) -> None:
    account.add("transaction", transaction(1, "2026-06-30 10:00:00"))
    source = account.source()
    cursor = list(source.read("transaction_line", None))[-1].cursor
    asked = len(account.requests)
    assert source.has_changes("transaction_line", cursor) is False
    assert len(account.requests) == asked + 1
    account.add("transaction", transaction(2, "2026-06-30 10:00:00"))
    assert source.has_changes("transaction_line", cursor) is True
    assert source.has_changes("transaction", None) is True
    assert source.has_changes("customer", {}) is False
