"""The HTTP resources under /jobs/ingest and /jobs/query."""

from __future__ import annotations

from typing import Any

from arsync_pipelines.sandbox.salesforce.bulk import extract, ingest
from arsync_pipelines.sandbox.salesforce.bulk.jobs import DELIMITERS, ENDINGS, FINISHED
from arsync_pipelines.sandbox.salesforce.errors import SalesforceError
from arsync_pipelines.sandbox.salesforce.org import Org
from arsync_pipelines.sandbox.salesforce.wire import Call, Reply

OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
MAX_UPLOAD = 150_000_000
CSV = "text/csv"


def _layout(body: dict[str, Any]) -> dict[str, str]:
    layout = {"lineEnding": body.get("lineEnding", "LF"), "columnDelimiter": body.get("columnDelimiter", "COMMA")}
    if layout["lineEnding"] not in ENDINGS or layout["columnDelimiter"] not in DELIMITERS:
        raise SalesforceError(400, "INVALIDJOB", f"unknown lineEnding or columnDelimiter: {layout}")
    return layout


def create(org: Org, call: Call, kind: str) -> Reply:
    """POST /jobs/ingest or /jobs/query."""
    body = call.object()
    return Reply(200, _new_ingest(org, call, body) if kind == "ingest" else _new_query(org, call, body))


def _new_ingest(org: Org, call: Call, body: dict[str, Any]) -> dict[str, Any]:
    operation, name = body.get("operation"), body.get("object")
    if operation not in OPERATIONS:
        raise SalesforceError(400, "INVALIDJOB", f"operation must be one of {', '.join(OPERATIONS)}")
    owner = org.store.find_object(str(name))
    if owner is None:
        raise SalesforceError(400, "INVALIDENTITY", f"Unable to find object: {name}")
    if body.get("contentType", "CSV") != "CSV":
        raise SalesforceError(400, "INVALIDJOB", "contentType must be CSV")
    own: dict[str, Any] = {"operation": operation, "object": owner.name, **_layout(body), "apiVersion": call.api}
    if operation == "upsert":
        key = owner.find(str(body.get("externalIdFieldName")))
        if key is None or not (key.external_id or key.type == "id"):
            raise SalesforceError(
                400,
                "INVALIDJOB",
                f"externalIdFieldName is missing or no external id: {body.get('externalIdFieldName')}",
            )
        own["externalIdFieldName"] = key.name
    own |= {"numberRecordsProcessed": 0, "numberRecordsFailed": 0, "retries": 0, "totalProcessingTime": 0}
    own |= {"apiActiveProcessingTime": 0, "apexProcessingTime": 0}
    job = org.jobs.create("ingest", "Open", call.user_id, own)
    return org.jobs.change(job, contentUrl=f"services/data/{call.version}/jobs/ingest/{job['id']}/batches")


def _new_query(org: Org, call: Call, body: dict[str, Any]) -> dict[str, Any]:
    operation = body.get("operation")
    if operation not in ("query", "queryAll"):
        raise SalesforceError(400, "INVALIDJOB", "operation must be query or queryAll")
    own = {"operation": operation, "query": str(body.get("query", "")), **_layout(body), "apiVersion": call.api}
    compiled = extract.check(org, own)
    own |= {"object": compiled.object.name, "numberRecordsProcessed": 0}
    job = org.jobs.create("query", "UploadComplete", call.user_id, own)
    org.jobs.enqueue(job["id"])
    return _shown(job)


def one(org: Org, call: Call, kind: str, job_id: str) -> Reply:
    """GET, PATCH (close or abort) and DELETE of a job."""
    if call.method == "GET":
        job = org.jobs.get(kind, job_id)
        return Reply(200, _shown(job))
    if call.method == "DELETE":
        org.jobs.delete(kind, job_id)
        return Reply(204)
    wanted = call.object().get("state")
    with org.store.lock:
        job = org.jobs.get(kind, job_id)
        if wanted == "UploadComplete" and kind == "ingest" and job["state"] == "Open":
            job = org.jobs.change(job, state="UploadComplete")
            org.jobs.enqueue(job["id"])
        elif wanted == "Aborted" and job["state"] not in FINISHED:
            job = org.jobs.change(job, state="Aborted")
        else:
            raise SalesforceError(
                400, "INVALIDJOBSTATE", f"A job in state {job['state']} cannot be changed to {wanted}"
            )
    return Reply(200, _shown(job))


def _shown(job: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in job.items() if name not in ("query", "uploaded")}


def listing(org: Org, _: Call, kind: str) -> Reply:
    """GET /jobs/ingest or /jobs/query."""
    return Reply(200, {"done": True, "records": [_shown(job) for job in org.jobs.all(kind)], "nextRecordsUrl": None})


def upload(org: Org, call: Call, job_id: str) -> Reply:
    """PUT /jobs/ingest/{id}/batches: 201 and nothing."""
    job = org.jobs.get("ingest", job_id)
    if call.headers.get("content-type", "").partition(";")[0].strip() != CSV:
        raise SalesforceError(400, "INVALIDCONTENTTYPE", "Content-Type must be text/csv")
    if len(call.body) > MAX_UPLOAD:
        raise SalesforceError(400, "EXCEEDED_JOB_DATA", "Job data must not exceed 150 MB")
    with org.store.lock:
        if job["state"] != "Open" or job.get("uploaded"):
            raise SalesforceError(400, "INVALIDJOBSTATE", "Data can be uploaded once, while the job is Open")
        org.store.connection.execute("update job set data = ? where id = ?", (call.body, job["id"]))
        org.jobs.change(job, uploaded=True)
    return Reply(201)


def ingest_results(org: Org, _: Call, job_id: str, which: str) -> Reply:
    """GET successfulResults, failedResults, unprocessedrecords, in any case of letters."""
    job = org.jobs.get("ingest", job_id)
    if job["state"] not in FINISHED:
        raise SalesforceError(400, "INVALIDJOBSTATE", f"Job is in state {job['state']}, results are not ready")
    name = which.lower().removesuffix("results").removesuffix("records")
    return Reply(200, ingest.results(org, job, name), media=CSV)


def query_results(org: Org, call: Call, job_id: str) -> Reply:
    """GET /jobs/query/{id}/results?maxRecords=&locator=."""
    job = org.jobs.get("query", job_id)
    if job["apiVersion"] != call.api:
        raise SalesforceError(409, "API_VERSION_MISMATCH", f"The job was created with API version {job['apiVersion']}")
    if job["state"] != "JobComplete":
        raise SalesforceError(400, "INVALIDJOBSTATE", f"Job is in state {job['state']}, results are not ready")
    asked = call.params.get("maxRecords", "")
    size = int(asked) if asked.isdigit() and int(asked) > 0 else extract.DEFAULT_PAGE
    body, locator, count = extract.page(org, job, call.params.get("locator", ""), size)
    return Reply(200, body, {"Sforce-Locator": locator, "Sforce-NumberOfRecords": str(count)}, CSV)
