"""Streams that follow the event log: a full list first, then what events name, and a re-list when in doubt."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from arsync_pipelines.connectors.http import RetriesSpent

DAY = 86_400


def ids(pages: list[Any]) -> list[str]:
    return [row["id"] for page in pages for row in page.rows]


def fill(account: Any, count: int) -> list[Any]:
    charges = []
    for n in range(count):
        account.now += 60
        charges.append(account.add("charge", f"ch_{n}", "charge.succeeded", amount=n, status="succeeded"))
    return charges


def test_the_first_read_lists_everything_newest_first(account: Any) -> None:
    fill(account, 250)
    pages = list(account.source().read("charge", None))
    assert ids(pages) == [f"ch_{n}" for n in range(249, -1, -1)]
    assert [page.final for page in pages] == [False, False, True]
    assert pages[-1].cursor["anchor"]["id"] == "evt_249"


def test_only_declared_columns_land(account: Any) -> None:
    account.add("customer", "cus_1", metadata={"erp_customer": "C1"})
    (page,) = account.source().read("customer", None)
    assert "card" not in page.rows[0] and "object" not in page.rows[0]
    assert page.rows[0]["metadata"] == {"erp_customer": "C1"} and page.rows[0]["deleted"] is False


def test_a_list_that_was_interrupted_goes_on_where_it_stood(account: Any) -> None:
    charges = fill(account, 250)
    source = account.source()
    first = next(source.read("charge", None))
    account.now += 60
    account.change("charge.updated", charges[249], amount=7)
    account.add("charge", "ch_new", "charge.succeeded", status="succeeded")
    rest = list(source.read("charge", first.cursor))
    assert ids(rest) == [f"ch_{n}" for n in range(149, -1, -1)]
    later = list(source.read("charge", rest[-1].cursor))
    assert sorted(ids(later)) == ["ch_249", "ch_new"]


def test_a_list_starts_again_when_the_object_it_stood_at_is_gone(account: Any) -> None:
    fill(account, 150)
    first = next(account.source().read("charge", None))
    account.objects["charge"] = [body for body in account.objects["charge"] if body["id"] != "ch_50"]
    assert len(ids(list(account.source().read("charge", first.cursor)))) == 149


def test_a_second_read_finds_nothing_and_costs_little(account: Any) -> None:
    fill(account, 30)
    source = account.source()
    cursor = list(source.read("charge", None))[-1].cursor
    cursor = list(source.read("charge", cursor))[-1].cursor
    account.requests.clear()
    pages = list(source.read("charge", cursor))
    assert ids(pages) == [] and pages[-1].final
    assert account.paths() == ["/v1/events", "/v1/events"]
    assert source.has_changes("charge", pages[-1].cursor) is False


def test_touched_objects_are_read_again_once_each_and_as_they_are_now(account: Any) -> None:
    charges = fill(account, 5)
    source = account.source()
    cursor = list(source.read("charge", None))[-1].cursor
    account.now += 3600
    account.change("charge.updated", charges[3], amount=1)
    account.change("charge.refunded", charges[1], amount_refunded=1)
    account.change("charge.updated", charges[3], amount=2)
    charges[3]["amount"] = 3  # later than any event's body
    assert source.has_changes("charge", cursor) is True
    pages = list(source.read("charge", cursor))
    assert [(row["id"], row["amount"]) for page in pages for row in page.rows] == [("ch_3", 3), ("ch_1", 1)]
    assert [page.final for page in pages] == [False, True]
    assert pages[0].cursor == cursor and pages[-1].cursor["anchor"]["id"] == "evt_7"


def test_an_event_about_another_object_touches_the_one_it_names(account: Any) -> None:
    fill(account, 3)
    account.add("invoice", "in_1", status="open", currency="usd")
    source = account.source()
    charge = list(source.read("charge", None))[-1].cursor
    invoice = list(source.read("invoice", None))[-1].cursor
    account.now += 60
    account.add("dispute", "dp_1", "charge.dispute.created", charge="ch_2")
    account.tell("invoice_payment.paid", {"id": "inpay_1", "object": "invoice_payment", "invoice": "in_1"})
    assert ids(list(source.read("charge", charge))) == ["ch_2"]
    assert ids(list(source.read("invoice", invoice))) == ["in_1"]
    assert account.requests[-1].url.params.get_list("expand[]") == ["payments"]


def test_a_deleted_customer_comes_as_deleted_and_a_deleted_draft_is_skipped(account: Any) -> None:
    customer = account.add("customer", "cus_1", "customer.created", name="A")
    draft = account.add("invoice", "in_1", "invoice.created", status="draft", currency="usd")
    source = account.source()
    cursors = {name: list(source.read(name, None))[-1].cursor for name in ("customer", "invoice")}
    account.now += 60
    account.tell("customer.deleted", customer)
    account.objects["customer"] = [{"id": "cus_1", "object": "customer", "deleted": True}]
    account.tell("invoice.deleted", draft)
    account.objects["invoice"] = []
    (row,) = [row for page in source.read("customer", cursors["customer"]) for row in page.rows]
    assert row == {"id": "cus_1", "deleted": True}
    assert ids(list(source.read("invoice", cursors["invoice"]))) == []


def test_many_new_objects_are_listed_instead_of_read_one_by_one(account: Any) -> None:
    charges = fill(account, 1)
    account.now += 3600
    account.add("charge", "ch_late", "charge.succeeded", status="succeeded")
    source = account.source()
    cursor = list(source.read("charge", None))[-1].cursor
    account.now += 3600
    account.change("charge.updated", charges[0], amount=9)
    for n in range(150):
        account.add("charge", f"ch_x{n}", "charge.succeeded", status="succeeded")
    account.requests.clear()
    found = ids(list(source.read("charge", cursor)))
    assert {"ch_0", *(f"ch_x{n}" for n in range(150))} <= set(found) and len(found) <= 155
    assert account.paths().count("/v1/charges") == 2 and "/v1/charges/ch_0" in account.paths()


def test_an_event_that_became_visible_late_is_still_found(account: Any) -> None:
    charges = fill(account, 3)
    source = account.source()
    cursor = list(source.read("charge", None))[-1].cursor
    late = {**account.objects["event"][-1], "id": "evt_late", "created": account.now - 300}
    late["data"] = {"object": dict(charges[0])}
    account.objects["event"].insert(2, late)
    account.objects["event"].sort(key=lambda event: event["created"])
    assert "ch_0" in ids(list(source.read("charge", cursor)))


@pytest.mark.parametrize("days", [8, 45])
def test_everything_is_listed_anew_when_due_or_when_events_are_gone(account: Any, days: int) -> None:
    charges = fill(account, 5)
    source = account.source()
    cursor = list(source.read("charge", None))[-1].cursor
    account.now += days * DAY
    charges[0]["amount"] = 99  # and no event
    assert source.has_changes("charge", cursor) is True
    assert len(ids(list(source.read("charge", cursor)))) == 5


def test_a_log_that_no_longer_reaches_the_last_known_event_leads_to_a_list(account: Any) -> None:
    fill(account, 5)
    source = account.source(relist_days=365)
    cursor = dict(list(source.read("charge", None))[-1].cursor)
    account.now += 60
    account.objects["event"] = account.objects["event"][-1:]
    account.objects["event"][0].update(id="evt_other", created=account.now)
    assert len(ids(list(source.read("charge", cursor)))) == 5


def test_an_account_without_events_is_followed_from_the_first_one(account: Any) -> None:
    source = account.source()
    cursor = list(source.read("charge", None))[-1].cursor
    assert cursor["anchor"] is None and source.has_changes("charge", cursor) is False
    fill(account, 2)
    assert sorted(ids(list(source.read("charge", cursor)))) == ["ch_0", "ch_1"]


def test_a_pause_longer_than_the_log_is_noticed_although_no_event_of_the_kind_was_known(account: Any) -> None:
    """The server's clock may not tell: what is looked for is the newest event of any kind."""
    charge = account.add("charge", "ch_1", status="succeeded")
    account.add("customer", "cus_1", "customer.created")
    source = account.source(relist_days=365)
    cursor = {**list(source.read("charge", None))[-1].cursor}
    account.now += 20 * DAY
    account.change("charge.updated", charge, amount=5)
    account.now += 40 * DAY
    account.add("charge", "ch_2", "charge.succeeded", status="succeeded")
    cursor["checked_at"] = account.now
    assert sorted(ids(list(source.read("charge", cursor)))) == ["ch_1", "ch_2"]


def test_what_was_stored_before_a_failure_resumes(account: Any) -> None:
    charges = fill(account, 5)
    source = account.source()
    cursor = list(source.read("charge", None))[-1].cursor
    account.now += 60
    account.change("charge.updated", charges[2], amount=5)
    account.refuse = lambda request: None if "/v1/events" in request.url.path else httpx.Response(503)
    with pytest.raises(RetriesSpent):
        list(source.read("charge", cursor))
    account.refuse = lambda request: None
    assert ids(list(source.read("charge", cursor))) == ["ch_2"]
