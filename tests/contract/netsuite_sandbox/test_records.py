"""Writing documents: validation, applications, asynchronous jobs, batches, idempotency keys, concurrency."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx

from .conftest import Account

RECORD = "/services/rest/record/v1"
COLLECTION = "application/vnd.oracle.resource+json; type=collection"


def detail(response: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = response.json()["o:errorDetails"][0]
    return found


def create(account: Account, kind: str, body: dict[str, Any]) -> str:
    response = account.http.post(f"{RECORD}/{kind}", json=body)
    assert response.status_code == 204, response.text
    return response.headers["location"].rpartition("/")[2]


def new_invoice(account: Account, amount: float) -> str:
    lines = {"items": [{"item": {"id": "501"}, "quantity": 2, "amount": amount}]}
    return create(account, "invoice", {"entity": {"id": "2"}, "item": lines, "tranDate": "2026-06-01"})


def test_payment_applies_unapplies_and_posts(account: Account) -> None:
    invoice = new_invoice(account, 250.75)
    apply = {"items": [{"doc": {"id": invoice}, "apply": True, "amount": 200.0}]}
    payment = create(account, "customerpayment", {"customer": {"id": "2"}, "payment": 300, "apply": apply})
    shown = account.http.get(f"{RECORD}/customerpayment/{payment}", params={"expandSubResources": "true"}).json()
    assert (shown["applied"], shown["unapplied"], shown["apply"]["items"][0]["amount"]) == (200, 100, 200.0)
    links = "SELECT previousdoc, linktype, foreignamount FROM nexttransactionlinelink WHERE nextdoc = ?"
    assert account.rows(links, [payment]) == [{"previousdoc": invoice, "linktype": "Payment", "foreignamount": "200"}]
    facts = "SELECT foreignamountpaid, foreignamountunpaid, status FROM transaction WHERE id = ?"
    assert account.rows(facts, [invoice]) == [
        {"foreignamountpaid": "200", "foreignamountunpaid": "50.75", "status": "A"}
    ]
    undo = {"apply": {"items": [{"doc": {"id": invoice}, "apply": False}]}}
    assert account.http.patch(f"{RECORD}/customerpayment/{payment}", json=undo).status_code == 204
    assert account.rows(facts, [invoice]) == [
        {"foreignamountpaid": "0", "foreignamountunpaid": "250.75", "status": "A"}
    ]
    sums = account.rows(
        f"SELECT SUM(amount) AS s FROM transactionaccountingline WHERE transaction IN ({invoice}, {payment})"
    )
    assert sums == [{"s": "0"}]


def test_too_much_applied_names_the_field(account: Account) -> None:
    invoice = new_invoice(account, 10)
    apply = {"items": [{"doc": {"id": invoice}, "apply": True, "amount": 11}]}
    body = {"customer": {"id": "2"}, "payment": 300, "apply": apply}
    response = account.http.post(f"{RECORD}/customerpayment", json=body)
    assert response.status_code == 400
    assert detail(response)["o:errorPath"] == "apply.items[0].amount"
    count = "SELECT COUNT(*) AS n FROM transaction WHERE foreigntotal = 300"
    assert account.rows(count) == [{"n": "1"}], "a refused write leaves nothing behind"


def test_dispute_fields_move_the_stamp(account: Account) -> None:
    stamp = "TO_CHAR(lastmodifieddate, 'YYYY-MM-DD') AS day"
    query = f"SELECT {stamp}, custbody_disputed_amount AS d FROM transaction WHERE id = 33"
    assert account.rows(query)[0]["day"] == "2026-01-25"
    change = {"custbody_dispute_reason": "PRICE", "custbody_disputed_amount": 12.5}
    assert account.http.patch(f"{RECORD}/invoice/33", json=change).status_code == 204
    now = account.context.clock.now()
    assert account.rows(query) == [
        {"day": account.rows("SELECT TO_CHAR(SYSDATE, 'YYYY-MM-DD') AS d FROM dual")[0]["d"], "d": "12.5"}
    ]
    assert now.year == 2026
    assert account.http.patch(f"{RECORD}/invoice/33", json={"custbody_disputed_amount": None}).status_code == 204
    assert "d" not in account.rows(query)[0]


def test_validation(account: Account) -> None:
    post = account.http.post
    missing = post(f"{RECORD}/customer", json={"email": "x@y.z"})
    assert "Company Name" in detail(missing)["detail"]
    reference = post(f"{RECORD}/customer", json={"companyName": "X", "subsidiary": {"id": "77"}})
    assert (detail(reference)["o:errorCode"], detail(reference)["o:errorPath"]) == ("INVALID_VALUE", "subsidiary")
    duplicate = post(f"{RECORD}/customer", json={"companyName": "X", "subsidiary": {"id": "1"}, "entityId": "CUST0001"})
    assert (detail(duplicate)["o:errorCode"], "already exists" in detail(duplicate)["detail"]) == ("USER_ERROR", True)
    item = post(f"{RECORD}/invoice", json={"entity": {"id": "2"}, "item": {"items": [{"amount": 5}]}})
    assert detail(item)["o:errorPath"] == "item.items[0].item"
    warned = post(f"{RECORD}/customer", json={"companyName": "W", "subsidiary": {"id": "1"}, "nope": 1})
    assert (warned.status_code, "nope" in warned.headers["warning"]) == (204, True)
    by_id = account.http.put(f"{RECORD}/customer/2", json={})
    assert by_id.status_code == 400
    busy = account.http.delete(f"{RECORD}/customer/2")
    assert "dependent records" in detail(busy)["detail"]
    account.fault("lock_row", times=1)
    assert (
        detail(account.http.patch(f"{RECORD}/customer/2", json={"phone": "1"}))["o:errorCode"]
        == "RCRD_HAS_BEEN_CHANGED"
    )


def test_list_filters(account: Account) -> None:
    def ids(kind: str, q: str) -> list[str]:
        response = account.http.get(f"{RECORD}/{kind}", params={"q": q, "limit": 100})
        assert response.status_code == 200, response.text
        return [item["id"] for item in response.json()["items"]]

    assert ids("invoice", 'tranDate ON_OR_AFTER "1/5/2026" AND tranDate BEFORE "1/6/2026"') == ["9", "17", "25", "33"]
    assert ids("invoice", "id ANY_OF [9, 33] AND total GREATER 163") == ["33"]
    assert ids("customer", 'vatRegNumber EMPTY AND entityId START_WITH "CUST0"') == ["4"]
    assert ids("customer", 'lastModifiedDate ON_OR_BEFORE "12/26/2025" AND isInactive IS false')[:2] == ["2", "4"]
    refused = account.http.get(f"{RECORD}/customer", params={"q": 'lastModifiedDate AFTER "2026-01-01"'})
    assert (refused.status_code, detail(refused)["o:errorQueryParam"]) == (400, "q")


def finished(account: Account, location: str) -> dict[str, Any]:
    for _ in range(200):
        job: dict[str, Any] = account.http.get(location).json()
        if job["completed"]:
            return job
        time.sleep(0.02)
    raise AssertionError("the job did not end")


def test_batch_runs_asynchronously_and_accounts_for_every_record(account: Account) -> None:
    items = [
        {"externalId": "B-1", "companyName": "B1", "subsidiary": {"id": "1"}},
        {"externalId": "B-2", "companyName": "B2"},
    ]
    headers = {"Content-Type": COLLECTION}
    sync = account.http.put(f"{RECORD}/customer", json={"items": items}, headers=headers)
    assert detail(sync)["o:errorHeader"] == "Prefer"
    headers["Prefer"] = "respond-async"
    accepted = account.http.put(f"{RECORD}/customer", json={"items": items}, headers=headers)
    assert (accepted.status_code, accepted.headers["preference-applied"]) == (202, "respond-async")
    location = accepted.headers["location"]
    assert finished(account, location)["progress"] == "succeeded"
    tasks = account.http.get(f"{location}/task").json()["items"]
    results = [account.http.get(f"{location}/task/{task['id']}/result") for task in tasks]
    assert [result.status_code for result in results] == [204, 400]
    assert account.http.get(f"{location}/task/2").json()["progress"] == "failed"
    assert account.rows("SELECT companyname FROM customer WHERE externalid LIKE 'B-%'") == [{"companyname": "B1"}]
    many = account.http.put(f"{RECORD}/customer", json={"items": items * 51}, headers=headers)
    assert many.status_code == 400


def test_idempotency_key_is_refused_not_replayed(account: Account) -> None:
    body = {"companyName": "Once", "subsidiary": {"id": "1"}}
    headers = {"Prefer": "respond-async", "X-NetSuite-Idempotency-Key": "key-1"}
    first = account.http.post(f"{RECORD}/customer", json=body, headers=headers)
    again = account.http.post(f"{RECORD}/customer", json=body, headers=headers)
    assert (again.status_code, again.json()["title"]) == (400, "Conflict")
    assert detail(again)["o:errorCode"] == "IDEMPOTENCY_ERROR"
    assert again.headers["location"] == first.headers["location"]
    finished(account, first.headers["location"])
    assert account.rows("SELECT COUNT(*) AS n FROM customer WHERE companyname = 'Once'") == [{"n": "1"}]
    without = {"X-NetSuite-Idempotency-Key": "key-2"}
    twice = [
        account.http.post(f"{RECORD}/customer", json={**body, "companyName": "Twice"}, headers=without) for _ in "ab"
    ]
    assert [response.status_code for response in twice] == [204, 204], "the key works for asynchronous requests only"


def test_sixth_request_at_a_time_is_refused(account: Account) -> None:
    answers: list[httpx.Response] = []
    ask = lambda: answers.append(account.suiteql("SELECT id FROM currency"))  # noqa: E731
    threads = [threading.Thread(target=ask) for _ in range(5)]
    with account.sandbox.store.lock:
        for thread in threads:
            thread.start()
        while account.sandbox.in_flight < 5:
            time.sleep(0.005)
        refused = account.suiteql("SELECT id FROM currency")
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200] * 5
    assert refused.status_code == 429
    body = refused.json()
    assert (body["title"], body["o:errorCode"]) == ("Bad Request", "USER_ERROR")
    assert "retry-after" not in refused.headers
