"""Trouble is noticed and named: ignored filters, lists without end, vanished columns, refused keys; and doctor."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from arsync_pipelines.connectors.http import AccessRefused
from arsync_pipelines.connectors.stripe import CONNECTOR
from arsync_pipelines.connectors.stripe.client import API_VERSION
from arsync_pipelines.connectors.stripe.source import StripeSource
from arsync_pipelines.domain.errors import ConfigError, SourceContractBroken
from arsync_pipelines.ports.source import Source


def fill(account: Any, count: int) -> None:
    for n in range(count):
        account.now += 3600
        account.add("charge", f"ch_{n}", "charge.succeeded", amount=n, status="succeeded")


def test_an_ignored_created_filter(account: Any) -> None:
    fill(account, 30)
    source = account.source()
    cursor = list(source.read("charge", None))[-1].cursor
    everything = list(reversed(account.objects["event"]))
    account.tamper = lambda path, body: {**body, "data": everything} if path == "/v1/events" else body
    with pytest.raises(SourceContractBroken, match=r"pay.*/v1/events: evt_28 .* ignored created"):
        list(source.read("charge", cursor))


def test_an_ignored_types_filter(account: Any) -> None:
    fill(account, 3)
    source = account.source()
    cursor = list(source.read("charge", None))[-1].cursor
    account.tell("payout.paid", {"id": "po_1", "object": "payout"})
    event = account.objects["event"][-1]
    account.tamper = lambda path, body: {**body, "data": [event, *body["data"]]} if path == "/v1/events" else body
    with pytest.raises(SourceContractBroken, match="ignored types"):
        list(source.read("charge", cursor))


def test_a_list_that_repeats_itself(account: Any) -> None:
    fill(account, 150)
    first = list(reversed(account.objects["charge"]))[:100]
    account.tamper = lambda path, body: {**body, "data": first, "has_more": True} if path == "/v1/charges" else body
    with pytest.raises(SourceContractBroken, match="newer than what came before"):
        list(account.source().read("charge", None))


def test_an_empty_page_that_promises_more(account: Any) -> None:
    account.tamper = lambda path, body: {**body, "data": [], "has_more": True} if path == "/v1/charges" else body
    with pytest.raises(SourceContractBroken, match="nothing new"):
        list(account.source().read("charge", None))


def test_a_list_that_drifted_by_one_is_no_trouble(account: Any) -> None:
    fill(account, 150)

    def drift(path: str, body: dict[str, Any]) -> dict[str, Any]:
        after = account.requests[-1].url.params.get("starting_after")
        repeated = [charge for charge in account.objects["charge"] if charge["id"] == after]
        return {**body, "data": [*repeated, *body["data"]]} if path == "/v1/charges" else body

    account.tamper = drift
    rows = [row["id"] for page in account.source().read("charge", None) for row in page.rows]
    assert len(rows) == len(set(rows)) == 150


def test_a_vanished_column_is_named_with_its_stream(account: Any) -> None:
    fill(account, 3)
    for body in account.objects["charge"]:
        del body["disputed"]
    with pytest.raises(SourceContractBroken, match="stream charge: column disputed"):
        list(account.source().read("charge", None))


@pytest.mark.parametrize("shape", [["cus_1"], {"id": "cus_1", "object": "customer"}], ids=["list", "dict"])
def test_a_text_that_became_a_structure_is_named_with_its_stream(account: Any, shape: Any) -> None:
    """It would land as the text of its JSON, and no customer would be found by it."""
    fill(account, 3)
    account.objects["charge"][1]["customer"] = shape
    with pytest.raises(SourceContractBroken, match=f"stream charge: column customer .* ch_1 .* {type(shape).__name__}"):
        list(account.source().read("charge", None))


def test_an_answer_that_is_no_list(account: Any) -> None:
    account.refuse = lambda request: httpx.Response(200, json={"hello": "world"})
    with pytest.raises(SourceContractBroken, match="without `data`"):
        list(account.source().read("charge", None))


@pytest.mark.parametrize(("status", "code"), [(429, "rate_limit"), (429, "lock_timeout"), (409, ""), (500, "")])
def test_passing_trouble_is_waited_out(account: Any, status: int, code: str) -> None:
    fill(account, 3)
    trouble = httpx.Response(status, json={"error": {"type": "api_error", "code": code, "message": "x"}})
    account.refuse = lambda request: trouble if len(account.requests) in {1, 2} else None
    assert sum(len(page.rows) for page in account.source().read("charge", None)) == 3


def test_a_refused_key_stops_the_read_without_being_shown(account: Any) -> None:
    account.key = "rk_2"
    with pytest.raises(AccessRefused, match="Invalid API Key") as caught:
        list(account.source().read("charge", None))
    assert "rk_1" not in str(caught.value)


def test_a_rolled_key_is_picked_up_without_a_restart(account: Any) -> None:
    fill(account, 3)
    keys = iter(["rk_old", "rk_1"])
    options = CONNECTOR.options.model_validate({"api_key": {"env": "K"}, "base_url": "http://127.0.0.1:9"})
    transport = httpx.MockTransport(account.handle)
    source = StripeSource("pay", options, lambda _: next(keys), transport=transport)
    assert sum(len(page.rows) for page in source.read("charge", None)) == 3


def test_the_version_is_pinned_and_the_account_named(account: Any) -> None:
    list(account.source(account="acct_1").read("payout", None))
    assert account.requests[0].headers["Stripe-Version"] == API_VERSION
    assert account.requests[0].headers["Stripe-Account"] == "acct_1"


def lines(account: Any) -> dict[str, Any]:
    return {line.name: line for line in account.source().check()}


def test_a_healthy_account(account: Any) -> None:
    account.now = int(time.time())
    account.add("charge", "ch_1", status="succeeded")
    found = lines(account)
    assert {line.status for line in found.values()} == {"ok"}
    assert found["stream charge"].detail.endswith("columns")


def test_clock_version_columns_and_permissions_are_reported(account: Any) -> None:
    account.version = "2020-01-01"
    account.add("charge", "ch_1", status="succeeded")
    del account.objects["charge"][0]["status"]
    account.refuse = lambda request: httpx.Response(403, json={}) if "payouts" in request.url.path else None
    found = lines(account)
    assert found["clock"].status == found["api version"].status == "warning"
    assert "column status" in found["stream charge"].detail
    assert found["stream payout"].status == "failed" and "restricted key" in found["stream payout"].advice


@pytest.mark.parametrize(("status", "name"), [(401, "authorised"), (403, "authorised"), (503, "reachable")])
def test_no_way_in(account: Any, status: int, name: str) -> None:
    account.refuse = lambda request: httpx.Response(status, json={})
    last = account.source().check()[-1]
    assert (last.name, last.status) == (name, "failed") and last.advice


def test_a_source_is_what_the_port_asks_for(account: Any) -> None:
    assert isinstance(account.source(), Source)
    with pytest.raises(ConfigError, match="no stream 'nope'"):
        list(account.source().read("nope", None))
    with pytest.raises(ValidationError):
        CONNECTOR.options.model_validate({"api_key": {"env": "K"}, "nope": 1})
