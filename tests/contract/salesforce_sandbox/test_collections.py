"""Many records in a call: collections and composite."""

from __future__ import annotations

import time
from typing import Any

import httpx

from .conftest import Server


def rows(invoices: str, *records: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"attributes": {"type": invoices}, **one} for one in records]


def upsert(
    http: httpx.Client, invoices: str, *records: dict[str, Any], all_or_none: bool = False
) -> list[dict[str, Any]]:
    body = {"allOrNone": all_or_none, "records": rows(invoices, *records)}
    answer = http.patch(f"/composite/sobjects/{invoices}/External_Id__c", json=body)
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()
    return found


def test_partial_failure_keeps_order_and_uses_status_code(http: httpx.Client, server: Server, invoices: str) -> None:
    found = upsert(
        http,
        invoices,
        {"External_Id__c": "P1", "Open_Amount__c": 1},
        {"External_Id__c": "P2", "Status__c": "x" * 21},
        {"External_Id__c": "P3", "Open_Amount__c": "much"},
        {"External_Id__c": "P4", "Nope__c": 1},
        {"Open_Amount__c": 1},
        {"External_Id__c": "P6", "Account__r": {"ERP_Customer_Id__c": "C-none"}},
        {"External_Id__c": "P7", "Disputed__c": True},
    )
    codes = [one["errors"][0]["statusCode"] if one["errors"] else "" for one in found]
    assert codes == [
        "",
        "STRING_TOO_LONG",
        "INVALID_TYPE_ON_FIELD_IN_RECORD",
        "INVALID_FIELD",
        "MISSING_ARGUMENT",
        "INVALID_FIELD",
        "",
    ]
    assert found[0] == {"id": found[0]["id"], "success": True, "errors": [], "created": True}
    assert found[1]["success"] is False and "id" not in found[1] and found[1]["errors"][0]["fields"] == ["Status__c"]
    again = upsert(http, invoices, {"External_Id__c": "P1", "Open_Amount__c": None})
    assert again[0]["created"] is False and again[0]["id"] == found[0]["id"]
    entries = [one for one in server.journal() if one["key"] in ("P1", "P2", "P7")]
    assert [(one["operation"], one["key"]) for one in entries] == [("create", "P1"), ("create", "P7"), ("update", "P1")]
    assert entries[-1]["body"]["Open_Amount__c"] is None


def test_the_same_external_id_twice_fails_both_times(http: httpx.Client, invoices: str) -> None:
    found = upsert(http, invoices, {"External_Id__c": "D1"}, {"External_Id__c": "D2"}, {"External_Id__c": "d1"})
    assert [one["success"] for one in found] == [False, True, False]
    assert {one["errors"][0]["statusCode"] for one in (found[0], found[2])} == {"DUPLICATE_VALUE"}


def test_all_or_none_rolls_back_the_others(http: httpx.Client, server: Server, invoices: str) -> None:
    before = len(server.journal())
    found = upsert(http, invoices, {"External_Id__c": "A1"}, {"External_Id__c": "A2", "Nope__c": 1}, all_or_none=True)
    assert [one["errors"][0]["statusCode"] for one in found] == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "INVALID_FIELD"]
    assert http.get(f"/sobjects/{invoices}/External_Id__c/A1").status_code == 404
    assert len(server.journal()) == before


def test_create_update_retrieve_delete(http: httpx.Client, invoices: str) -> None:
    made = http.post(
        "/composite/sobjects", json={"records": rows(invoices, {"External_Id__c": "C1"}, {"Group__c": "g"})}
    )
    ids = [one["id"] for one in made.json()]
    assert set(made.json()[0]) == {"id", "success", "errors"}
    body = {"records": rows(invoices, {"id": ids[0], "Status__c": "x"}, {"Id": "a00bad", "Status__c": "y"})}
    changed = http.patch("/composite/sobjects", json=body).json()
    assert [one["success"] for one in changed] == [True, False]
    query = {"ids": ",".join([*ids, "a0000000000000AAA"]), "fields": "Status__c,External_Id__c"}
    got = http.get(f"/composite/sobjects/{invoices}", params=query).json()
    assert [one and one["Status__c"] for one in got] == ["x", None, None] and got[2] is None
    gone = http.delete("/composite/sobjects", params={"ids": ",".join(ids), "allOrNone": "false"}).json()
    assert [one["success"] for one in gone] == [True, True]


def test_more_than_200_records_are_refused(http: httpx.Client, invoices: str) -> None:
    body = {"records": rows(invoices, *({"External_Id__c": f"X{n}"} for n in range(201)))}
    answer = http.patch(f"/composite/sobjects/{invoices}/External_Id__c", json=body)
    assert answer.status_code == 400 and answer.json()[0]["errorCode"] == "EXCEEDED_ID_LIMIT"


def test_lock_errors_hit_single_rows(http: httpx.Client, server: Server, invoices: str) -> None:
    server.fault("lock_row", times=2, match={"path": "/composite/"})
    found = upsert(http, invoices, *({"External_Id__c": f"K{n}"} for n in range(4)))
    assert [one["success"] for one in found] == [False, False, True, True]
    assert found[0]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"


def test_two_hundred_upserts_are_quick(http: httpx.Client, invoices: str) -> None:
    records = [
        {
            "External_Id__c": f"Q{n}",
            "Open_Amount__c": n + 0.25,
            "Due_Date__c": "2026-07-01",
            "Status__c": "open",
            "Account__r": {"ERP_Customer_Id__c": "C-0002"},
        }
        for n in range(200)
    ]
    spent = []
    for _ in range(3):
        started = time.perf_counter()
        assert all(one["success"] for one in upsert(http, invoices, *records))
        spent.append(time.perf_counter() - started)
    assert min(spent) < 1.0  # tens of milliseconds when the machine is idle


def test_composite_refers_to_earlier_results(http: httpx.Client, server: Server, invoices: str) -> None:
    base = "/services/data/v66.0"
    used = server.sandbox.org.usage.used()
    answer = http.post(
        "/composite",
        json={
            "allOrNone": True,
            "compositeRequest": [
                {
                    "method": "POST",
                    "url": f"{base}/sobjects/Account",
                    "referenceId": "acc",
                    "body": {"Name": "Composed"},
                },
                {
                    "method": "PATCH",
                    "url": f"{base}/sobjects/{invoices}/External_Id__c/CMP-1",
                    "referenceId": "inv",
                    "body": {"Account__c": "@{acc.id}"},
                },
                {
                    "method": "GET",
                    "url": f"{base}/query?q=SELECT+Id,Account__r.Name+FROM+{invoices}+WHERE+Account__c='@{{acc.id}}'",
                    "referenceId": "q",
                },
            ],
        },
    )
    parts = answer.json()["compositeResponse"]
    assert answer.status_code == 200 and [one["httpStatusCode"] for one in parts] == [201, 201, 200]
    assert parts[2]["body"]["records"][0]["Account__r"]["Name"] == "Composed"
    assert parts[0]["httpHeaders"]["Location"].endswith(parts[0]["body"]["id"])
    assert server.sandbox.org.usage.used() == used + 1


def test_composite_all_or_none_halts(http: httpx.Client, server: Server) -> None:
    base, before = "/services/data/v66.0", len(server.journal())
    parts = [
        {"method": "POST", "url": f"{base}/sobjects/Account", "referenceId": "a", "body": {"Name": "Undone"}},
        {"method": "POST", "url": f"{base}/sobjects/Account", "referenceId": "b", "body": {}},
        {"method": "POST", "url": f"{base}/sobjects/Account", "referenceId": "c", "body": {"Name": "Never"}},
    ]
    found = http.post("/composite", json={"allOrNone": True, "compositeRequest": parts}).json()["compositeResponse"]
    assert [one["httpStatusCode"] for one in found] == [400, 400, 400]
    codes = [one["body"][0]["errorCode"] for one in found]
    assert codes == ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING", "PROCESSING_HALTED"]
    assert len(server.journal()) == before
    loose = http.post("/composite", json={"compositeRequest": parts}).json()["compositeResponse"]
    assert [one["httpStatusCode"] for one in loose] == [201, 400, 201]
    many = [{**parts[0], "referenceId": f"r{n}"} for n in range(26)]
    assert http.post("/composite", json={"compositeRequest": many}).status_code == 400
