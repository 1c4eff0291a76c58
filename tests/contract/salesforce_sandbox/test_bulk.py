"""Bulk API 2.0 through the client library and by hand."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceOperationError

from .conftest import Server

Wait = Callable[[Callable[[], bool]], None]
LAYOUT = {"contentType": "CSV", "lineEnding": "LF", "columnDelimiter": "COMMA"}


def ingest(http: httpx.Client, invoices: str, text: str, operation: str = "upsert", *, close: bool = True) -> str:
    body = {"object": invoices, "operation": operation, "externalIdFieldName": "External_Id__c", **LAYOUT}
    job = http.post("/jobs/ingest", json=body).json()
    assert job["state"] == "Open" and job["contentUrl"].endswith(f"/jobs/ingest/{job['id']}/batches")
    upload = http.put(f"/jobs/ingest/{job['id']}/batches", content=text.encode(), headers={"Content-Type": "text/csv"})
    assert upload.status_code == 201 and upload.content == b""
    if close:
        assert (
            http.patch(f"/jobs/ingest/{job['id']}", json={"state": "UploadComplete"}).json()["state"]
            == "UploadComplete"
        )
    return str(job["id"])


def finish(http: httpx.Client, wait_for: Wait, job_id: str) -> dict[str, Any]:
    wait_for(lambda: http.get(f"/jobs/ingest/{job_id}").json()["state"] in ("JobComplete", "Failed", "Aborted"))
    job: dict[str, Any] = http.get(f"/jobs/ingest/{job_id}").json()
    return job


def result(http: httpx.Client, job_id: str, which: str) -> list[dict[str, str]]:
    return list(csv.DictReader(http.get(f"/jobs/ingest/{job_id}/{which}").text.splitlines()))


def test_the_client_library_upserts_and_fetches_results(sf: Salesforce, invoices: str) -> None:
    handler = getattr(sf.bulk2, invoices)
    records = [{"External_Id__c": f"B{n}", "Open_Amount__c": str(n), "Status__c": "open"} for n in range(5)]
    records[3]["Open_Amount__c"] = "nonsense"
    outcome = handler.upsert(records=records, external_id_field="External_Id__c", wait=0.02)[0]
    assert (outcome["numberRecordsProcessed"], outcome["numberRecordsFailed"]) == (5, 1)
    found = handler.get_all_ingest_records(outcome["job_id"])
    assert {one["External_Id__c"] for one in found["successfulRecords"]} == {"B0", "B1", "B2", "B4"}
    assert all(one["sf__Created"] == "true" and len(one["sf__Id"]) == 18 for one in found["successfulRecords"])
    failed = found["failedRecords"][0]
    assert failed["sf__Error"].startswith("INVALID_TYPE_ON_FIELD_IN_RECORD:") and failed["External_Id__c"] == "B3"
    assert found["unprocessedRecords"] == []
    gone = handler.delete(records=[{"Id": found["successfulRecords"][0]["sf__Id"]}], wait=0.02)[0]
    assert gone["numberRecordsFailed"] == 0


def test_the_client_library_reads_pages(sf: Salesforce) -> None:
    pages = list(
        sf.bulk2.Account.query("SELECT Id, Name, Owner.Name FROM Account ORDER BY Name", max_records=300, wait=0.02)
    )
    assert [page.splitlines()[0] for page in pages] == ['"Id","Name","Owner.Name"'] * 2
    assert sum(len(page.splitlines()) - 1 for page in pages) == 448


def test_query_results_by_locator(http: httpx.Client, wait_for: Wait) -> None:
    body = {"operation": "queryAll", "query": "SELECT Id, IsDeleted, SystemModstamp FROM Account", "lineEnding": "LF"}
    job = http.post("/jobs/query", json=body).json()
    assert job["state"] == "UploadComplete" and job["object"] == "Account" and job["apiVersion"] == 66.0
    wait_for(lambda: http.get(f"/jobs/query/{job['id']}").json()["state"] == "JobComplete")
    url = f"/jobs/query/{job['id']}/results"
    first = http.get(url, params={"maxRecords": 400})
    assert first.headers["sforce-numberofrecords"] == "400" and first.headers["content-type"].startswith("text/csv")
    assert first.text.splitlines()[1].endswith('"2026-06-01T08:01:00.000Z"')
    locator = first.headers["sforce-locator"]
    last = http.get(url, params={"maxRecords": 400, "locator": locator})
    assert last.headers["sforce-locator"] == "null" and int(last.headers["sforce-numberofrecords"]) == 50
    assert http.get(url, params={"maxRecords": 400, "locator": locator}).text == last.text
    assert http.get(str(http.base_url).replace("v66.0/", f"v60.0{url}")).status_code == 409
    assert http.delete(f"/jobs/query/{job['id']}").status_code == 204
    assert http.get(f"/jobs/query/{job['id']}").status_code == 404


@pytest.mark.parametrize("query", ["SELECT COUNT() FROM Account", "SELECT Nope FROM Account", "nonsense"])
def test_queries_that_bulk_refuses(http: httpx.Client, query: str) -> None:
    assert http.post("/jobs/query", json={"operation": "query", "query": query}).status_code == 400


def test_blank_leaves_and_hash_na_clears(http: httpx.Client, wait_for: Wait, invoices: str) -> None:
    header = "External_Id__c,Open_Amount__c,Status__c,Account__r.ERP_Customer_Id__c\n"
    finish(http, wait_for, ingest(http, invoices, header + "N1,5.5,open,C-0002\nN2,6,open,C-none\n"))
    job_id = ingest(http, invoices, header + "N1,#N/A,,#N/A\nN1,1,,\n")
    job = finish(http, wait_for, job_id)
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (2, 2)  # the same key twice in a chunk
    finish(http, wait_for, ingest(http, invoices, header + "N1,#N/A,,#N/A\n"))
    found = http.get(f"/sobjects/{invoices}/External_Id__c/N1").json()
    assert (found["Open_Amount__c"], found["Status__c"], found["Account__c"]) == (None, "open", None)
    assert http.get(f"/sobjects/{invoices}/External_Id__c/N2").status_code == 404


def test_results_are_not_in_upload_order_and_account_for_every_row(
    http: httpx.Client, wait_for: Wait, server: Server, invoices: str
) -> None:
    server.fault("lock_row", rate=0.1, match={"path": "/jobs/ingest"})
    sent = [f"S{n:04d}" for n in range(500)]
    job_id = ingest(http, invoices, "External_Id__c,Open_Amount__c\n" + "".join(f"{one},1\n" for one in sent))
    job = finish(http, wait_for, job_id)
    good = [one["External_Id__c"] for one in result(http, job_id, "successfulResults/")]
    bad = result(http, job_id, "failedresults")
    assert sorted(good + [one["External_Id__c"] for one in bad]) == sent and good != sorted(good)
    assert len(bad) == job["numberRecordsFailed"] > 0 and bad[0]["sf__Error"].startswith("UNABLE_TO_LOCK_ROW:")
    assert result(http, job_id, "unprocessedRecords") == []


def test_an_aborted_job_leaves_rows_unprocessed(
    http: httpx.Client, wait_for: Wait, server: Server, invoices: str
) -> None:
    server.sandbox.org.store.set_setting("bulk_delay_ms", 300)
    job_id = ingest(http, invoices, "External_Id__c\nZ1\nZ2\n")
    assert http.get(f"/jobs/ingest/{job_id}/successfulResults").status_code == 400
    assert http.patch(f"/jobs/ingest/{job_id}", json={"state": "Aborted"}).json()["state"] == "Aborted"
    server.sandbox.org.store.set_setting("bulk_delay_ms", 0)
    finish(http, wait_for, job_id)
    assert {one["External_Id__c"] for one in result(http, job_id, "unprocessedrecords")} == {"Z1", "Z2"}
    assert http.patch(f"/jobs/ingest/{job_id}", json={"state": "UploadComplete"}).status_code == 400


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("External_Id__c,Nope__c\nF1,1\n", "Field name not found : Nope__c"),
        ("External_Id__c\r\nF1\r\n", "LineEnding is invalid"),
    ],
)
def test_an_unusable_file_fails_the_job(
    http: httpx.Client, wait_for: Wait, invoices: str, text: str, message: str
) -> None:
    job_id = ingest(http, invoices, text)
    job = finish(http, wait_for, job_id)
    assert job["state"] == "Failed" and message in job["errorMessage"]


def test_a_failed_job_raises_in_the_client_library(sf: Salesforce, invoices: str) -> None:
    with pytest.raises(SalesforceOperationError, match="Nope__c"):
        getattr(sf.bulk2, invoices).insert(records=[{"Nope__c": "1"}], wait=0.02)


def test_job_refusals(http: httpx.Client, invoices: str) -> None:
    bad = {"object": invoices, "operation": "upsert", "externalIdFieldName": "Status__c"}
    assert http.post("/jobs/ingest", json=bad).json()[0]["errorCode"] == "INVALIDJOB"
    assert (
        http.post("/jobs/ingest", json={"object": "No", "operation": "insert"}).json()[0]["errorCode"]
        == "INVALIDENTITY"
    )
    job_id = ingest(http, invoices, "External_Id__c\n", close=False)
    again = http.put(f"/jobs/ingest/{job_id}/batches", content=b"x", headers={"Content-Type": "text/csv"})
    assert again.status_code == 400 and any(one["id"] == job_id for one in http.get("/jobs/ingest").json()["records"])


def test_thousands_of_rows_take_seconds(http: httpx.Client, wait_for: Wait, server: Server, invoices: str) -> None:
    lines = "".join(f"L{n},{n}.25,open,2026-07-01,C-0002\n" for n in range(5000))
    started = time.perf_counter()
    header = "External_Id__c,Open_Amount__c,Status__c,Due_Date__c,Account__r.ERP_Customer_Id__c\n"
    job = finish(http, wait_for, ingest(http, invoices, header + lines))
    assert job["numberRecordsProcessed"] == 5000 and job["numberRecordsFailed"] == 0
    assert time.perf_counter() - started < 10
    assert sum(one["key"].startswith("L") and one["key"][1:].isdigit() for one in server.journal("create")) == 5000
