"""Bulk ingest over a scripted org: a job's every row is found among its results, or said to be unknown."""

from __future__ import annotations

import csv
import io
import itertools
import sys
from typing import Any

import httpx
import pytest

from arsync_pipelines.connectors.salesforce import bulk
from arsync_pipelines.connectors.salesforce.sink import SalesforceSink

from .org import FakeTime, Handler, Org, error, intent, saved, sent


class JobOrg(Org):
    """Runs one ingest job. `fate` says per business key: ok, created, left, lost, or an sf__Error text."""

    def __init__(self, fate: dict[str, str], state: str = "JobComplete") -> None:
        super().__init__(self.answer)
        self.fate, self.end, self.state, self.looks = fate, state, "Open", 0
        self.rows: list[dict[str, str]] = []
        self.created: dict[str, Any] = {}
        self.override: Handler = lambda request: None

    def answer(self, request: httpx.Request) -> Any:
        if (forced := self.override(request)) is not None:
            return forced
        path = request.url.path
        if path.endswith("/jobs/ingest"):
            self.created = httpx.Response(200, content=request.content).json()
            return httpx.Response(200, json={"id": "750", "state": "Open"})
        if path.endswith("/batches"):
            self.rows = list(csv.DictReader(io.StringIO(request.content.decode())))
            return httpx.Response(201)
        if path.endswith("/jobs/ingest/750"):
            if request.method == "PATCH":
                self.state = httpx.Response(200, content=request.content).json()["state"]
            else:
                self.looks += 1
                self.state = self.end if self.looks > 2 and self.state == "UploadComplete" else self.state
            return httpx.Response(200, json={"id": "750", "state": self.state})
        return self.results(path)

    def results(self, path: str) -> httpx.Response:
        key = next(iter(self.rows[0]))
        out = io.StringIO()
        extra = ["sf__Id", "sf__Created"] if "successful" in path else ["sf__Id", "sf__Error"]
        writer = csv.DictWriter(out, [*([] if "unprocessed" in path else extra), *self.rows[0]], extrasaction="ignore")
        writer.writeheader()
        for row in reversed(self.rows):
            fate = self.fate.get(row[key], "ok")
            kind = {"ok": "successful", "created": "successful", "left": "unprocessed", "lost": "-"}.get(fate, "failed")
            if kind in path:
                made = str(fate == "created").lower()
                writer.writerow({"sf__Id": f"a0{row[key]}", "sf__Created": made, "sf__Error": fate, **row})
        return httpx.Response(200, text=out.getvalue())


def sink(org: Org, **options: Any) -> SalesforceSink:
    time = FakeTime()
    options = {"bulk_write_rows": 200, **options}
    return SalesforceSink(org.api(**options), sleep=time.sleep, monotonic=time.monotonic)


def intents(count: int = 300) -> list[Any]:
    payload = {"open_amount": "1.50", "aging_bucket": None, "account_id": "001"}
    return [intent(str(n), payload, parent=str(n % 7)) for n in range(count)]


def test_many_rows_make_one_job_of_few_requests() -> None:
    org = JobOrg({"5": "created"})
    result = sink(org).write("invoice", intents())
    assert org.created["externalIdFieldName"] == "External_Id__c"
    assert org.created["operation"] == "upsert"
    assert {o.kind for o in result.outcomes} == {"acknowledged"}
    assert [o.intent_id for o in result.outcomes] == [i.intent_id for i in intents()]
    assert [o.intent_id for o in result.outcomes if o.created] == ["i-5"]
    assert result.requests == 7
    assert org.rows[0]["Aging_Bucket__c"] == "#N/A"
    assert org.rows[0]["Open_Amount__c"] == "1.50"
    accounts = [int(r["External_Id__c"]) % 7 for r in org.rows]
    assert sum(a != b for a, b in itertools.pairwise(accounts)) == 6


def test_failed_unprocessed_and_missing_rows_are_told_apart() -> None:
    org = JobOrg(
        {
            "1": "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--",
            "2": "STRING_TOO_LONG:Number: data value too large: x:Number__c --",
            "3": "left",
            "4": "lost",
        },
        state="Failed",
    )
    outcomes = {o.intent_id: o for o in sink(org).write("invoice", intents()).outcomes}
    assert len(outcomes) == 300
    assert outcomes["i-1"].kind == "retry"
    assert (outcomes["i-2"].kind, outcomes["i-2"].code) == ("rejected", "STRING_TOO_LONG")
    assert "too large: x" in outcomes["i-2"].message
    assert (outcomes["i-3"].kind, outcomes["i-3"].code) == ("retry", "UNPROCESSED")
    assert outcomes["i-4"].kind == "unknown"
    assert sum(o.kind == "acknowledged" for o in outcomes.values()) == 296


def test_accounts_are_joined_by_their_id() -> None:
    org = JobOrg({})
    rows = [intent(f"001{n:012d}AAA", {"open_balance": "1"}, "account") for n in range(300)]
    assert {o.kind for o in sink(org).write("account", rows).outcomes} == {"acknowledged"}
    assert org.created["operation"] == "update"
    assert "externalIdFieldName" not in org.created


def test_an_upload_in_doubt_is_dropped_and_sent_again_later() -> None:
    org = JobOrg({})
    org.override = lambda r: httpx.ReadTimeout if r.method == "PUT" else None
    outcomes = sink(org).write("invoice", intents()).outcomes
    assert {o.kind for o in outcomes} == {"retry"}
    assert org.state == "Aborted"


@pytest.mark.parametrize("arrived", [True, False])
def test_a_lost_go_is_settled_by_looking(arrived: bool) -> None:
    org = JobOrg({})
    first = [True]

    def lose(request: httpx.Request) -> Any:
        if request.method == "PATCH" and first:
            first.clear()
            org.state = "UploadComplete" if arrived else "Open"
            return httpx.RemoteProtocolError
        return None

    org.override = lose
    assert {o.kind for o in sink(org).write("invoice", intents()).outcomes} == {"acknowledged"}


def test_unreadable_results_leave_rows_unknown() -> None:
    org = JobOrg({})
    org.override = lambda r: httpx.Response(503) if "Results" in r.url.path else None
    assert {o.kind for o in sink(org).write("invoice", intents()).outcomes} == {"unknown"}


def test_a_job_that_never_ends_is_aborted() -> None:
    org = JobOrg({str(n): "left" for n in range(300)}, state="InProgress")
    outcomes = sink(org, bulk_timeout_s=20).write("invoice", intents()).outcomes
    assert org.state == "Aborted"
    assert {o.kind for o in outcomes} == {"retry"}


def test_a_refused_job_rejects_and_refused_credentials_raise() -> None:
    org = JobOrg({})
    org.override = lambda r: error(400, "INVALID_TYPE", "no AR_Invoice__c")
    outcome = sink(org).write("invoice", intents()).outcomes[0]
    assert (outcome.kind, outcome.code) == ("rejected", "INVALID_TYPE")


class PoisonedOrg(JobOrg):
    """Refuses whatever holds row 77, as a whole: uploads with `status`, or a job that is done with its upload."""

    def __init__(self, status: int) -> None:
        super().__init__({str(n): "left" for n in range(300)} if status == 0 else {}, state="Failed")
        self.status, self.calls = status, 0
        self.override = self.refuse

    def refuse(self, request: httpx.Request) -> Any:
        path = request.url.path
        if "composite" in path:
            self.calls += 1
            records = sent(request)
            poisoned = any(r["External_Id__c"] == "77" for r in records)
            return error(400, "JSON_PARSER_ERROR", "cannot read this") if poisoned else saved(records)
        if path.endswith("/batches") and self.status:
            return error(self.status, "", "the upload is refused")
        if path.endswith("/jobs/ingest/750") and request.method == "GET":
            return httpx.Response(200, json={"id": "750", "state": "Failed", "errorMessage": "InvalidBatch : line 78"})
        return None


@pytest.mark.parametrize("status", [400, 413, 0])
def test_a_job_refused_for_one_row_is_written_in_calls_that_tell_which(status: int) -> None:
    org = PoisonedOrg(status)
    outcomes = {o.intent_id: o for o in sink(org).write("invoice", intents()).outcomes}
    assert len(outcomes) == 300
    rejected = {i: o for i, o in outcomes.items() if o.kind == "rejected"}
    assert set(rejected) == {"i-77"}
    assert rejected["i-77"].message == "cannot read this"
    assert sum(o.kind == "acknowledged" for o in outcomes.values()) == 299
    sys.stdout.write(f"upload answered {status or 'by a failed job'}: {org.calls} calls for one poisoned row of 300\n")
    assert org.calls <= 2 + 2 * 8


class JobsOrg(Org):
    """Runs several jobs at once; `lost_upload`: number of the job whose upload breaks off."""

    def __init__(self, lost_upload: int = -1) -> None:
        super().__init__(self.answer)
        self.jobs: list[JobOrg] = []
        self.lost_upload = lost_upload

    def answer(self, request: httpx.Request) -> Any:
        path = request.url.path
        if path.endswith("/jobs/ingest"):
            self.jobs.append(JobOrg({}))
            return httpx.Response(200, json={"id": f"75{len(self.jobs) - 1}", "state": "Open"})
        number = int(path.split("/jobs/ingest/75")[1][0])
        if request.method == "PUT" and number == self.lost_upload:
            return httpx.ReadTimeout
        url = str(request.url).replace(f"/75{number}", "/750")
        return self.jobs[number].answer(httpx.Request(request.method, url, content=request.content))


@pytest.fixture
def _two_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "TWO_JOBS_ROWS", 300)


@pytest.mark.usefixtures("_two_jobs")
def test_very_many_rows_make_two_jobs_that_share_no_account_and_run_at_once() -> None:
    org = JobsOrg()
    result = sink(org).write("invoice", intents())
    assert [o.intent_id for o in result.outcomes] == [i.intent_id for i in intents()]
    assert {o.kind for o in result.outcomes} == {"acknowledged"}
    halves = [{int(row["External_Id__c"]) % 7 for row in job.rows} for job in org.jobs]
    assert len(halves) == 2 and not halves[0] & halves[1]
    assert sorted(len(job.rows) for job in org.jobs) == [128, 172]
    uploads = [n for n, r in enumerate(org.requests) if r.method == "PUT"]
    first_look = next(n for n, r in enumerate(org.requests) if r.method == "GET")
    assert uploads[1] < first_look


@pytest.mark.usefixtures("_two_jobs")
@pytest.mark.parametrize("lost", [0, 1])
def test_of_two_jobs_the_one_that_was_not_uploaded_is_sent_again_and_the_other_stands(lost: int) -> None:
    org = JobsOrg(lost_upload=lost)
    outcomes = {o.intent_id: o.kind for o in sink(org).write("invoice", intents()).outcomes}
    arrived = {f"i-{row['External_Id__c']}" for row in org.jobs[1 - lost].rows}
    assert {i for i, kind in outcomes.items() if kind == "acknowledged"} == arrived
    assert {kind for i, kind in outcomes.items() if i not in arrived} == {"retry"}
    assert org.jobs[lost].state == "Aborted"
