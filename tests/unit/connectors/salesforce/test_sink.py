"""The sink over a scripted org: every row is accounted for, whatever the org answers."""

from __future__ import annotations

import itertools
import json
import threading

import httpx
import pytest

from arsync_pipelines.connectors.salesforce.collections import CALL_ROWS, lanes
from arsync_pipelines.connectors.salesforce.options import Mapping_
from arsync_pipelines.connectors.salesforce.payload import shapes
from arsync_pipelines.connectors.salesforce.sink import SalesforceSink
from arsync_pipelines.domain.errors import SinkError
from arsync_pipelines.domain.push import FailureClass
from arsync_pipelines.ports.sink import Sink

from .org import Org, error, intent, saved, sent


def test_it_is_a_sink_with_parents_first() -> None:
    sink = SalesforceSink(Org(lambda r: None).api())
    assert isinstance(sink, Sink)
    assert sink.capabilities.objects == ("account", "account_balance", "invoice")
    assert sink.capabilities.observed_in == {
        "account": "account",
        "account_balance": "ar_account_balance",
        "invoice": "ar_invoice",
    }


def test_rows_go_by_external_id_with_exact_numbers_nulls_and_our_name() -> None:
    org = Org(lambda r: saved(sent(r)))
    payload = {
        "account_id": "001A",
        "open_amount": "90071992547409.93",
        "total_amount": "0.10",
        "aging_bucket": None,
        "invoice_date": "2026-07-01",
        "status": "open",
    }
    result = SalesforceSink(org.api()).write("invoice", [intent("INV|1", payload)])
    request = org.requests[0]
    assert request.url.path == "/services/data/v66.0/composite/sobjects/AR_Invoice__c/External_Id__c"
    assert request.headers["Sforce-Call-Options"] == "client=arsync"
    assert b'"Open_Amount__c":90071992547409.93' in request.content
    assert b'"Total_Amount__c":0.10' in request.content
    record = sent(request)[0]
    assert record["External_Id__c"] == "INV|1"
    assert record["Account__c"] == "001A"
    assert record["Aging_Bucket__c"] is None
    assert json.loads(request.content)["allOrNone"] is False
    assert result.outcomes[0].kind == "acknowledged"
    assert result.outcomes[0].created
    assert result.requests == 1


def test_accounts_go_by_id_and_a_cleared_checkbox_is_false() -> None:
    org = Org(lambda r: saved(sent(r)))
    SalesforceSink(org.api()).write("account", [intent("001A", {"credit_hold": None, "open_balance": "1"}, "account")])
    assert org.requests[0].url.path == "/services/data/v66.0/composite/sobjects"
    record = sent(org.requests[0])[0]
    assert record["id"] == "001A"
    assert record["AR_Credit_Hold__c"] is False


@pytest.mark.parametrize("mask", list(itertools.product([True, False], repeat=4)))
def test_every_mask_of_success_and_failure_is_accounted_for(mask: tuple[bool, ...]) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        rows = [
            {"id": "a01", "success": True, "errors": [], "created": False}
            if ok
            else {
                "success": False,
                "errors": [{"statusCode": "STRING_TOO_LONG", "message": "too long", "fields": ["X"]}],
            }
            for ok in mask
        ]
        return httpx.Response(200, json=rows)

    intents = [intent(str(n)) for n in range(len(mask))]
    outcomes = SalesforceSink(Org(handle).api()).write("invoice", intents).outcomes
    assert [o.intent_id for o in outcomes] == [i.intent_id for i in intents]
    assert [o.kind == "acknowledged" for o in outcomes] == list(mask)
    assert {o.failure_class for o in outcomes if o.kind == "rejected"} <= {FailureClass.BUSINESS}


def test_locked_rows_wait_and_odd_answers_are_unknown() -> None:
    answers = [
        {"success": False, "errors": [{"statusCode": "UNABLE_TO_LOCK_ROW", "message": "busy", "fields": []}]},
        {"success": True, "errors": []},
        {},
    ]
    org = Org(lambda r: httpx.Response(200, json=answers))
    outcomes = SalesforceSink(org.api()).write("invoice", [intent(k) for k in "abc"]).outcomes
    assert [o.kind for o in outcomes] == ["retry", "unknown", "unknown"]


def test_a_short_answer_leaves_all_its_rows_unknown() -> None:
    org = Org(lambda r: saved(sent(r)[1:]))
    outcomes = SalesforceSink(org.api()).write("invoice", [intent(k) for k in "abc"]).outcomes
    assert {o.kind for o in outcomes} == {"unknown"}


def test_a_poisoned_row_is_found_and_its_neighbours_are_written() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        records = sent(request)
        if any(r["External_Id__c"] == "77" for r in records):
            return error(400, "JSON_PARSER_ERROR", "cannot read this")
        return saved(records)

    org = Org(handle)
    outcomes = SalesforceSink(org.api()).write("invoice", [intent(str(n)) for n in range(200)]).outcomes
    assert [o.intent_id for o in outcomes if o.kind == "rejected"] == ["i-77"]
    assert sum(o.kind == "acknowledged" for o in outcomes) == 199
    assert len(org.requests) <= 17


@pytest.mark.parametrize("answer", [httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.Response(504)])
def test_a_lost_answer_is_unknown_and_not_sent_again(answer: type[httpx.TransportError] | httpx.Response) -> None:
    org = Org(lambda r: answer)
    outcomes = SalesforceSink(org.api()).write("invoice", [intent("a"), intent("b")]).outcomes
    assert {o.kind for o in outcomes} == {"unknown"}
    assert len(org.requests) == 1


def test_an_org_that_stays_away_means_retry() -> None:
    org = Org(lambda r: httpx.ConnectError)
    outcomes = SalesforceSink(org.api()).write("invoice", [intent("a")]).outcomes
    assert outcomes[0].kind == "retry"
    assert len(org.requests) == 3


def test_used_up_quota_means_retry_and_says_why() -> None:
    org = Org(lambda r: error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))
    outcome = SalesforceSink(org.api()).write("invoice", [intent("a")]).outcomes[0]
    assert outcome.kind == "retry"
    assert "daily API requests" in outcome.message
    assert len(org.requests) == 1


def test_refused_credentials_stop_the_connection() -> None:
    org = Org(lambda r: error(401, "INVALID_SESSION_ID", "Session expired or invalid"))
    with pytest.raises(SinkError, match="INVALID_SESSION_ID"):
        SalesforceSink(org.api()).write("invoice", [intent("a")])


def test_an_expired_session_is_renewed_in_passing() -> None:
    first = [True]

    def handle(request: httpx.Request) -> httpx.Response:
        if first.pop() if first else False:
            return error(401, "INVALID_SESSION_ID")
        return saved(sent(request))

    org = Org(handle)
    assert SalesforceSink(org.api()).write("invoice", [intent("a")]).outcomes[0].kind == "acknowledged"
    assert org.tokens == 2


def test_payloads_that_cannot_be_written_are_rejected_alone() -> None:
    org = Org(lambda r: saved(sent(r)))
    bad = [intent("a", {"iban": "DE00"}), intent("b", {"open_amount": "ten"}), intent("c", {"open_amount": 1.5})]
    outcomes = SalesforceSink(org.api()).write("invoice", [*bad, intent("d")]).outcomes
    assert [o.kind for o in outcomes] == ["rejected"] * 3 + ["acknowledged"]
    assert outcomes[0].code == "UNMAPPED_FIELD"


def test_two_versions_of_one_record_or_a_foreign_object_are_refused() -> None:
    sink = SalesforceSink(Org(lambda r: None).api())
    with pytest.raises(SinkError, match="newest only"):
        sink.write("invoice", [intent("a"), intent("a")])
    with pytest.raises(SinkError, match="takes account, account_balance, invoice"):
        sink.write("contact", [intent("a")])


def test_an_account_is_never_in_two_lanes() -> None:
    shape = shapes(Mapping_())["invoice"]
    rows = [shape.row(intent(f"{p}-{n}", parent=str(p))) for p in range(30) for n in range(p * 3)]
    spread = lanes(rows, 4)
    assert len(spread) == 4
    assert sum(map(len, spread)) == len(rows)
    parents = [{r.intent.parent_key for r in lane} for lane in spread]
    assert all(not (a & b) for a, b in itertools.combinations(parents, 2))
    assert sum(-(-len(lane) // CALL_ROWS) for lane in spread) == -(-len(rows) // CALL_ROWS), "no call is sent half full"


def test_calls_run_at_once_and_outcomes_keep_the_order_of_the_intents() -> None:
    gate = threading.Barrier(4, timeout=5)

    def handle(request: httpx.Request) -> httpx.Response:
        if len(sent(request)) == 200:
            gate.wait()
        return saved(sent(request))

    org = Org(handle)
    intents = [intent(str(n), parent=str(n)) for n in range(800)]
    result = SalesforceSink(org.api(concurrency=4)).write("invoice", intents)
    assert [o.intent_id for o in result.outcomes] == [i.intent_id for i in intents]
    assert result.requests == 4


def test_read_back_speaks_canonical_names_and_tells_absence_and_doubles() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        records = [
            {"attributes": {}, "Id": "a1", "External_Id__c": "a", "Open_Amount__c": 10.5, "Account__c": "001"},
            {"attributes": {}, "Id": "a2", "External_Id__c": "b"},
            {"attributes": {}, "Id": "a3", "External_Id__c": "b"},
        ]
        return httpx.Response(200, json={"totalSize": 3, "done": True, "records": records})

    seen = SalesforceSink(Org(handle).api()).read_back("invoice", [intent(k) for k in "abc"])
    assert seen["b"] is None
    assert seen["c"] is None
    first = seen["a"]
    assert first is not None
    assert (first["open_amount"], first["account_id"], first["external_id"]) == ("10.5", "001", "a")


def test_read_back_queries_fit_into_a_url() -> None:
    org = Org(lambda r: httpx.Response(200, json={"totalSize": 0, "done": True, "records": []}))
    SalesforceSink(org.api()).read_back(
        "invoice", [intent(f"netsuite-production-invoice-{n:09d}") for n in range(2000)]
    )
    assert max(len(r.url.raw_path) for r in org.requests) < 16_000


def test_a_failed_read_back_is_a_sink_error() -> None:
    with pytest.raises(SinkError, match="could not be read back"):
        SalesforceSink(Org(lambda r: httpx.Response(503)).api()).read_back("invoice", [intent("a")])
