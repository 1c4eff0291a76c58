"""Works through an uploaded CSV: chunks of 200 rows, each its own transaction, every row with its own outcome."""

from __future__ import annotations

import csv
import io
import random
import time
from typing import Any

import orjson

from arsync_pipelines.sandbox.salesforce.bulk.jobs import DELIMITERS, ENDINGS, FINISHED, JobFailed
from arsync_pipelines.sandbox.salesforce.errors import reject
from arsync_pipelines.sandbox.salesforce.org import Org
from arsync_pipelines.sandbox.salesforce.records import Actor, Outcome
from arsync_pipelines.sandbox.salesforce.rest.collections import Act, run, upsert_acts
from arsync_pipelines.sandbox.salesforce.schema import ObjectDef
from arsync_pipelines.sandbox.salesforce.store import Transaction
from arsync_pipelines.sandbox.salesforce.wire import Call

CHUNK = 200


def work(org: Org, job_id: str) -> None:
    """Process a closed ingest job to its end. Raises JobFailed when the file as a whole is unusable."""
    job = org.jobs.get("ingest", job_id)
    with org.store.lock:
        data = org.store.connection.execute("select data from job where id = ?", (job_id,)).fetchone()[0] or b""
        done = org.store.connection.execute("select count(*) from job_row where job = ?", (job_id,)).fetchone()[0]
    header, rows = read_csv(job, data)
    owner = org.object(job["object"])
    _check_header(owner, job, header)
    if job["state"] not in FINISHED:
        job = org.jobs.change(job, state="InProgress")
    started = time.monotonic()
    failed = job.get("numberRecordsFailed", 0)
    for start in range(done, len(rows), CHUNK):
        if org.jobs.get("ingest", job_id)["state"] == "Aborted":
            return
        chunk = rows[start : start + CHUNK]
        with org.store.transaction():
            outcomes = run(org, _call(job), _acts(org, owner, job, header, chunk), all_or_none=False)
            _keep(org, job_id, start, chunk, outcomes)
            failed += sum(not one.success for one in outcomes)
            job = org.jobs.get("ingest", job_id)
            org.jobs.change(job, numberRecordsProcessed=start + len(chunk), numberRecordsFailed=failed)
    spent = int((time.monotonic() - started) * 1000)
    with org.store.lock:
        job = org.jobs.get("ingest", job_id)
        if job["state"] != "Aborted":
            org.jobs.change(job, state="JobComplete", totalProcessingTime=spent, apiActiveProcessingTime=spent)


def read_csv(job: dict[str, Any], data: bytes) -> tuple[list[str], list[list[str]]]:
    """Header and rows. Raises JobFailed for a file that contradicts the job's declaration."""
    text = data.decode("utf-8-sig", errors="replace")
    first = text.partition("\n")[0]
    if first.endswith("\r") != (job["lineEnding"] == "CRLF") and "\n" in text:
        raise JobFailed(
            f"ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {job['lineEnding']}"
        )
    rows = [
        row for row in csv.reader(io.StringIO(text, newline=""), delimiter=DELIMITERS[job["columnDelimiter"]]) if row
    ]
    if not rows:
        raise JobFailed("InvalidBatch : The CSV file has no header row")
    return rows[0], rows[1:]


def _check_header(owner: ObjectDef, job: dict[str, Any], header: list[str]) -> None:
    for name in header:
        relation, _, foreign = name.partition(".")
        if (owner.relationship(relation) if foreign else owner.find(name)) is None:
            raise JobFailed(f"InvalidBatch : Field name not found : {name}")
    if job["operation"] in ("update", "delete", "hardDelete") and "id" not in {name.lower() for name in header}:
        raise JobFailed("InvalidBatch : Field name not found : Id")
    key = job.get("externalIdFieldName")
    if job["operation"] == "upsert" and str(key).lower() not in {name.lower() for name in header}:
        raise JobFailed(f"InvalidBatch : Field name not found : {key}")


def _call(job: dict[str, Any]) -> Call:
    return Call("PUT", f"jobs/ingest/{job['id']}", f"v{job['apiVersion']}", {}, {}, user_id=job["createdById"])


def _record(header: list[str], row: list[str]) -> dict[str, Any]:
    """A CSV row as a record: blanks say nothing, #N/A clears, `Account__r.Key__c` is a lookup by external id."""
    record: dict[str, Any] = {}
    for name, cell in zip(header, row, strict=False):
        if cell == "":
            continue
        value = None if cell == "#N/A" else cell
        relation, _, foreign = name.partition(".")
        record[relation] = {foreign: value} if foreign and value is not None else value
    return record


def _acts(org: Org, owner: ObjectDef, job: dict[str, Any], header: list[str], rows: list[list[str]]) -> list[Act]:
    actor = Actor(
        job["createdById"], f"com/salesforce/api/bulkv2/{job['apiVersion']}", "PUT", f"/jobs/ingest/{job['id']}"
    )
    records = [_record(header, row) for row in rows]
    operation = job["operation"]
    if operation == "upsert":
        key = owner.find(job["externalIdFieldName"])
        if key is None:
            raise JobFailed(f"InvalidBatch : Field name not found : {job['externalIdFieldName']}")
        acts = upsert_acts(org, owner, key, records, None, actor)
    else:
        acts = [_act(org, owner, operation, record, actor) for record in records]
    return [
        act if len(row) == len(header) else _misshapen(len(header), len(row))
        for act, row in zip(acts, rows, strict=True)
    ]


def _misshapen(expected: int, got: int) -> Act:
    def refuse(_: Transaction) -> Outcome:
        raise reject("INVALID_CSV", f"Row has {got} cells but the header has {expected}")

    return refuse


def _act(org: Org, owner: ObjectDef, operation: str, record: dict[str, Any], actor: Actor) -> Act:
    record_id = next((str(value) for name, value in record.items() if name.lower() == "id"), "")
    fields = {name: value for name, value in record.items() if name.lower() != "id"}

    def act(at: Transaction) -> Outcome:
        if operation == "insert":
            return org.records.insert(at, owner, fields, actor)
        if operation == "update":
            return org.records.update(at, owner, record_id, fields, actor)
        outcome = org.records.delete(at, owner, record_id, actor)
        if operation == "hardDelete":
            org.store.connection.execute(f'delete from "{owner.table}" where "Id" = ?', (outcome.id,))
        return outcome

    return act


def _keep(org: Org, job_id: str, start: int, rows: list[list[str]], outcomes: list[Outcome]) -> None:
    org.store.connection.executemany(
        "insert or replace into job_row values (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                job_id,
                start + place,
                "successful" if one.success else "failed",
                one.id or "",
                int(one.created),
                one.errors[0].as_text() if one.errors else "",
                orjson.dumps(row).decode(),
            )
            for place, (row, one) in enumerate(zip(rows, outcomes, strict=True))
        ],
    )


def results(org: Org, job: dict[str, Any], which: str) -> bytes:
    """The CSV of successfulResults, failedResults or unprocessedrecords; not in the order of the upload."""
    delimiter, ending = DELIMITERS[job["columnDelimiter"]], ENDINGS[job["lineEnding"]]
    with org.store.lock:
        data = org.store.connection.execute("select data from job where id = ?", (job["id"],)).fetchone()[0] or b""
        stored = org.store.connection.execute(
            "select number, outcome, id, created, error, cells from job_row where job = ? order by number", (job["id"],)
        ).fetchall()
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL)
    try:
        header, rows = read_csv(job, data)
    except JobFailed:
        header, rows = [], []
    if which == "unprocessed":
        lines = rows[len(stored) :]
    else:
        lines = [
            [record_id, error if which == "failed" else "true" if created else "false", *orjson.loads(cells)]
            for _, outcome, record_id, created, error, cells in stored
            if outcome == which
        ]
    random.Random(job["id"]).shuffle(lines)
    lead = {"successful": ["sf__Id", "sf__Created"], "failed": ["sf__Id", "sf__Error"], "unprocessed": []}[which]
    writer.writerow([*lead, *header])
    writer.writerows(lines)
    return out.getvalue().encode()
