"""What the connector holds equals what the official client shows: at first, after business, and through faults."""

from __future__ import annotations

from typing import Any

import pytest

from arsync_pipelines.connectors.http import AccessRefused
from arsync_pipelines.domain.errors import SourceContractBroken

STREAMS = ("customer", "invoice", "charge", "refund", "dispute", "payout", "balance_transaction")


def sync_all(company: Any) -> dict[str, int]:
    source = company.source()
    return {stream: company.sync(stream, source) for stream in STREAMS}


def wrong(company: Any) -> dict[str, list[str]]:
    """Ids that differ from what the official client shows, by stream."""
    found = {stream: company.differences(stream) for stream in STREAMS}
    return {stream: ids for stream, ids in found.items() if ids}


def test_a_first_read_holds_everything_and_a_second_finds_nothing_new(company: Any) -> None:
    first = sync_all(company)
    assert all(first[stream] for stream in ("customer", "invoice", "charge", "payout", "balance_transaction")), first
    assert wrong(company) == {}
    assert sync_all(company) == dict.fromkeys(STREAMS, 0)
    source = company.source()
    for stream in ("customer", "invoice", "charge", "refund", "dispute"):
        assert source.has_changes(stream, company.cursors[stream]) is False, stream


def test_days_pass_and_only_what_changed_is_read(company: Any) -> None:
    sync_all(company)
    everything = sum(len(rows) for rows in company.held.values())
    total = 0
    for _ in range(10):
        company.next_day()
        moved = sum(sync_all(company).values())
        assert moved < everything / 4
        assert wrong(company) == {}
        total += moved
    assert total > 0


def test_after_a_long_pause_nothing_is_missing(company: Any) -> None:
    """Longer than events are kept: the log no longer reaches back, so everything is listed anew."""
    sync_all(company)
    for _ in range(35):
        company.next_day()
    sync_all(company)
    assert wrong(company) == {}


def test_changes_made_through_the_api(company: Any) -> None:
    sync_all(company)
    client = company.client
    customer = next(iter(company.held["customer"]))
    charge = next(row["id"] for row in company.held["charge"].values() if row["paid"] and not row["amount_refunded"])
    client.v1.customers.update(customer, {"metadata": {"erp_customer": "C-9"}})
    client.v1.refunds.create({"charge": charge, "amount": 1})
    new = client.v1.customers.create({"name": "New"})
    gone = client.v1.customers.create({"name": "Gone"})
    client.v1.customers.delete(gone.id)
    moved = sync_all(company)
    assert (moved["customer"], moved["charge"], moved["refund"]) == (3, 1, 1)
    assert company.held["customer"][customer]["metadata"] == {"erp_customer": "C-9"}
    assert company.held["customer"][gone.id] == {"id": gone.id, "deleted": True}
    assert company.held["customer"][new.id]["deleted"] is False
    assert company.held["charge"][charge]["amount_refunded"] == 1


def test_an_interrupted_first_read_resumes(company: Any) -> None:
    pages = company.source().read("charge", None)
    page = next(pages)
    assert not page.final
    company.held["charge"] = {row["id"]: dict(row) for row in page.rows}
    company.cursors["charge"] = page.cursor
    company.next_day()
    company.sync("charge")
    company.sync("charge")
    assert company.differences("charge") == []


def test_events_land_as_ids_only(company: Any) -> None:
    company.sync("event")
    rows = list(company.held["event"].values())
    assert rows and all(set(row) == {"id", "type", "created", "object_id", "object_type"} for row in rows)
    assert company.sync("event") == 0


def test_storms_expired_keys_and_drift_change_nothing(company: Any) -> None:
    company.fault("error", rate=0.1, params={"status": [429, 500, 503]})
    company.fault("drop_before", rate=0.05)
    company.fault("expire_token", times=1)
    company.fault("page_drift", rate=0.5)
    sync_all(company)
    company.next_day()
    sync_all(company)
    company.context.faults.remove()
    assert wrong(company) == {}


def test_an_ignored_filter_is_noticed(company: Any) -> None:
    company.sync("charge")
    company.sync("balance_transaction")
    company.next_day()
    company.fault("ignore_filter")
    for stream in ("charge", "balance_transaction"):
        with pytest.raises(SourceContractBroken, match="ignored"):
            company.sync(stream)


def test_a_vanished_column_is_named(company: Any) -> None:
    company.fault("drop_column", params={"table": "charge", "column": "disputed"})
    with pytest.raises(SourceContractBroken, match="stream charge: column disputed"):
        company.sync("charge")
    company.sync("customer")


def test_a_wrong_key(company: Any) -> None:
    with pytest.raises(AccessRefused):
        company.sync("charge", company.source(secret="sk_wrong"))
    lines = company.source(secret="sk_wrong").check()
    assert [(line.name, line.status) for line in lines] == [("reachable", "ok"), ("authorised", "failed")]


def test_doctor_is_content(company: Any) -> None:
    assert [(line.name, line.detail) for line in company.source().check() if line.status != "ok"] == []
