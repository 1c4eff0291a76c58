"""Streams that follow creation dates: payouts, balance transactions, events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from arsync_pipelines.domain.errors import SourceContractBroken

DAY = 86_400


def ids(pages: list[Any]) -> list[str]:
    return [row["id"] for page in pages for row in page.rows]


def fill(account: Any, count: int, status: str = "available", start: int = 0) -> list[Any]:
    bodies = []
    for n in range(start, start + count):
        account.now += 3600
        bodies.append(account.add("balance_transaction", f"txn_{n}", status=status, amount=n))
    return bodies


def test_a_second_read_goes_back_one_overlap_only(account: Any) -> None:
    fill(account, 250)
    source = account.source()
    pages = list(source.read("balance_transaction", None))
    assert len(ids(pages)) == 250 and len({str(page.cursor) for page in pages}) == 3
    fill(account, 2, start=250)
    assert source.has_changes("balance_transaction", pages[-1].cursor) is True
    again = list(source.read("balance_transaction", pages[-1].cursor))
    assert ids(again) == ["txn_251", "txn_250", "txn_249"]
    assert source.has_changes("balance_transaction", again[-1].cursor) is False


def test_what_was_pending_is_read_until_it_is_settled(account: Any) -> None:
    fill(account, 5)
    pending = fill(account, 1, "pending", start=5)
    fill(account, 200, start=6)
    source = account.source()
    cursor = list(source.read("balance_transaction", None))[-1].cursor
    assert cursor["open_since"] == pending[0]["created"]
    account.now += 3600
    assert source.has_changes("balance_transaction", cursor) is True
    pending[0]["status"] = "available"
    pages = list(source.read("balance_transaction", cursor))
    assert "txn_5" in ids(pages) and "txn_4" not in ids(pages)
    assert pages[-1].cursor["open_since"] == 0
    assert len(ids(list(source.read("balance_transaction", pages[-1].cursor)))) == 1


def test_an_interrupted_list_resumes_and_keeps_what_it_knew(account: Any) -> None:
    fill(account, 250)
    source = account.source()
    first = next(source.read("balance_transaction", None))
    fill(account, 1, start=250)
    rest = list(source.read("balance_transaction", first.cursor))
    assert ids(rest) == [f"txn_{n}" for n in range(149, -1, -1)]
    assert "txn_250" in ids(list(source.read("balance_transaction", rest[-1].cursor)))


def test_a_paid_payout_is_looked_at_again_for_some_days(account: Any) -> None:
    payout = account.add("payout", "po_1", status="paid", amount=1)
    source = account.source()
    account.now += 5 * DAY
    account.add("payout", "po_2", status="paid", amount=1)
    cursor = list(source.read("payout", None))[-1].cursor
    payout["status"] = "failed"
    rows = [row for page in source.read("payout", cursor) for row in page.rows]
    assert ("po_1", "failed") in [(row["id"], row["status"]) for row in rows]


def test_once_a_week_a_month_is_read_again(account: Any) -> None:
    fill(account, 100)
    source = account.source()
    cursor = list(source.read("balance_transaction", None))[-1].cursor
    account.now += 8 * DAY
    assert source.has_changes("balance_transaction", cursor) is True
    pages = list(source.read("balance_transaction", cursor))
    assert len(ids(pages)) == 100
    assert len(ids(list(source.read("balance_transaction", pages[-1].cursor)))) == 1


def test_objects_of_one_second_do_not_hide_each_other(account: Any) -> None:
    account.add("payout", "po_1", status="paid", amount=1)
    source = account.source()
    cursor = list(source.read("payout", None))[-1].cursor
    account.add("payout", "po_2", status="paid", amount=1)
    pages = list(source.read("payout", cursor))
    assert "po_2" in ids(pages)
    assert source.has_changes("payout", pages[-1].cursor) is False


def test_an_event_lands_without_its_body(account: Any) -> None:
    account.add("charge", "ch_1", "charge.succeeded", amount=1)
    (page,) = account.source().read("event", None)
    assert page.rows == [
        {
            "id": "evt_0",
            "type": "charge.succeeded",
            "created": account.now,
            "object_id": "ch_1",
            "object_type": "charge",
        }
    ]


def test_a_backfill_lists_what_was_created_from_then_on(account: Any) -> None:
    bodies = fill(account, 10)
    since = datetime.fromtimestamp(bodies[7]["created"], UTC)
    source = account.source()
    assert ids(list(source.read("balance_transaction", {}, since=since))) == ["txn_9", "txn_8", "txn_7"]
    for n in range(3):
        account.now += 60
        account.add("charge", f"ch_{n}", status="succeeded")
    cursor = list(source.read("charge", None))[-1].cursor
    since = datetime.fromtimestamp(account.now, UTC)
    assert ids(list(source.read("charge", cursor, since=since))) == ["ch_2"]


def test_each_automatic_payout_is_asked_for_its_transactions(account: Any) -> None:
    for number, automatic, status in ((1, True, "paid"), (2, False, "paid"), (3, True, "failed")):
        account.add("payout", f"po_{number}", status=status, amount=1, automatic=automatic)
    for number in range(120):
        account.add("balance_transaction", f"txn_{number}", type="charge", amount=1, _payout="po_1")
    account.add("balance_transaction", "txn_own", type="payout", source="po_1", amount=-120, _payout="po_1")
    account.add("balance_transaction", "txn_other", type="charge", amount=1)
    source = account.source()
    pages = list(source.read("payout_transaction", None))
    rows = [row for page in pages for row in page.rows]
    assert len(rows) == 121 and {row["payout"] for row in rows} == {"po_1"}
    assert all(page.cursor == {} for page in pages[:-1]), "a read that ends half way begins anew"
    assert pages[-1].final and source.has_changes("payout_transaction", pages[-1].cursor) is False
    account.now += DAY
    account.add("payout", "po_4", status="in_transit", amount=1, automatic=True)
    account.add("balance_transaction", "txn_new", type="charge", amount=1, _payout="po_4")
    assert source.has_changes("payout_transaction", pages[-1].cursor) is True
    again = list(source.read("payout_transaction", pages[-1].cursor))
    assert {"po_1", "po_4"} == {row["payout"] for page in again for row in page.rows}


def test_an_ignored_payout_filter_is_noticed(account: Any) -> None:
    for number in (1, 2):
        account.add("payout", f"po_{number}", status="paid", amount=1, automatic=True)
        account.add("balance_transaction", f"txn_{number}", type="payout", source=f"po_{number}", amount=-1)
    for body in account.objects["balance_transaction"]:
        body["_payout"] = "po_1"
    with pytest.raises(SourceContractBroken, match="ignored payout"):
        list(account.source().read("payout_transaction", None))
