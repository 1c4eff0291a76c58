"""Runs the query of a bulk query job once and keeps its lines, so that any page can be read again."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import time
from typing import Any

from arsync_pipelines.sandbox.salesforce.bulk.jobs import DELIMITERS, ENDINGS
from arsync_pipelines.sandbox.salesforce.errors import SalesforceError
from arsync_pipelines.sandbox.salesforce.org import Org
from arsync_pipelines.sandbox.salesforce.schema import FieldDef
from arsync_pipelines.sandbox.salesforce.soql.compiler import Compiled, compile_query
from arsync_pipelines.sandbox.salesforce.values import to_csv

DEFAULT_PAGE = 100_000


def check(org: Org, job: dict[str, Any]) -> Compiled:
    """Compile the query of a job. Raises for what a bulk query cannot do."""
    everything = job["operation"] == "queryAll"
    compiled = compile_query(job["query"], org.queries.scope(include_deleted=everything, path="/jobs/query"))
    if compiled.kind != "rows" or compiled.offset:
        raise SalesforceError(400, "API_ERROR", "Bulk API 2.0 queries cannot aggregate, count, group or use OFFSET")
    return compiled


def work(org: Org, job_id: str) -> None:
    """Run the query and store its result."""
    job = org.jobs.get("query", job_id)
    if job["state"] == "Aborted":
        return
    started = time.monotonic()
    with org.store.lock:
        org.jobs.change(job, state="InProgress")
        compiled = check(org, job)
        items: list[FieldDef] = [column.item for column in compiled.columns]
        skip = 1 + len(compiled.parents)
        out = io.StringIO()
        writer = csv.writer(
            out, delimiter=DELIMITERS[job["columnDelimiter"]], lineterminator=ENDINGS[job["lineEnding"]],
            quoting=csv.QUOTE_ALL,
        )  # fmt: skip
        lines: list[tuple[str, int, str]] = []
        for number, row in enumerate(
            org.queries.rows(compiled, limit=-1 if compiled.limit is None else compiled.limit)
        ):
            writer.writerow([to_csv(item, value) for item, value in zip(items, row[skip:], strict=True)])
            lines.append((job_id, number, out.getvalue()))
            out.seek(0)
            out.truncate()
        org.store.connection.execute("begin")
        org.store.connection.execute("delete from job_row where job = ?", (job_id,))
        org.store.connection.executemany("insert into job_row values (?, ?, 'line', '', 0, '', ?)", lines)
        spent = int((time.monotonic() - started) * 1000)
        job = org.jobs.get("query", job_id)
        org.jobs.change(
            job, state="JobComplete", numberRecordsProcessed=len(lines), totalProcessingTime=spent, retries=0
        )
        org.store.connection.execute("commit")


def page(org: Org, job: dict[str, Any], locator: str, size: int) -> tuple[bytes, str, int]:
    """One page as a CSV file with its header, the locator of the next one ("null" at the end), its record count."""
    start = _offset(locator)
    compiled = check(org, job)
    header = io.StringIO()
    csv.writer(
        header, delimiter=DELIMITERS[job["columnDelimiter"]], lineterminator=ENDINGS[job["lineEnding"]],
        quoting=csv.QUOTE_ALL,
    ).writerow([".".join((*column.relations, column.item.name)) for column in compiled.columns])  # fmt: skip
    with org.store.lock:
        lines = org.store.connection.execute(
            "select cells from job_row where job = ? and number >= ? order by number limit ?", (job["id"], start, size)
        ).fetchall()
    following = start + len(lines)
    more = following < job["numberRecordsProcessed"]
    body = header.getvalue() + "".join(line[0] for line in lines)
    return body.encode(), base64.urlsafe_b64encode(str(following).encode()).decode() if more else "null", len(lines)


def _offset(locator: str) -> int:
    if locator in ("", "null"):
        return 0
    try:
        return int(base64.urlsafe_b64decode(locator.encode()))
    except (binascii.Error, ValueError):
        raise SalesforceError(400, "INVALID_QUERY_LOCATOR", f"invalid locator: {locator}") from None
