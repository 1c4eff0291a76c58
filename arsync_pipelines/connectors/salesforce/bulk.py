"""Writes many rows of one object through Bulk API 2.0 ingest jobs; every row is found again among their results.

Nothing takes effect before the upload is declared complete: whatever fails up to there is simply sent again later.
Results come in no particular order and are joined by the key that identifies the record. Very many rows make two jobs:
while the org works on one, the other is uploaded or accounted for. All rows of an account go into the same job, for two
at once would lock each other out.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from arsync_pipelines.connectors.http import AccessRefused, AmbiguousOutcome, RequestRejected, RetriesSpent
from arsync_pipelines.connectors.salesforce.api import SalesforceApi
from arsync_pipelines.connectors.salesforce.collections import ACCESS_REFUSED, write_collections
from arsync_pipelines.connectors.salesforce.errors import bulk_outcome, retry_outcome, row_outcome, unknown_outcome
from arsync_pipelines.connectors.salesforce.payload import ObjectShape, Row, by_parent, csv_body
from arsync_pipelines.domain.errors import SourceContractBroken, SourceError
from arsync_pipelines.ports.sink import Outcome

UPLOAD_BYTES = 90_000_000
"""Largest upload: the limit is 150 MB after base64."""

TWO_JOBS_ROWS = 20_000
"""Rows from which two jobs are made; an org itself works on ten thousand at a time."""

_UNUSABLE = ("InvalidBatch", "ClientInputError")
"""What an org says of a job that it gave up for what was uploaded: a column it does not know, a row it cannot read."""


class _UploadRefused(RequestRejected):
    """Salesforce made the job and refuses its rows, all for some of them."""


_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 5.0
"""Between looks at a job; the longest is also how long something urgent may have to wait for the next request."""
_NEARLY = 0.95
_TERMINAL = {"JobComplete", "Failed", "Aborted"}


@dataclass(slots=True)
class Pace:
    """How long the org worked at least on a row of the last job, in seconds, and when that may have ended: a look at a
    job before its time costs a request, and one long after it the time between."""

    row_s: float = 0.0
    ended: float = 0.0


@dataclass(frozen=True, slots=True)
class _Job:
    """A job that was started, or, without a name, the outcomes of rows of which none could be."""

    rows: Sequence[Row]
    outcomes: list[Outcome] = field(default_factory=list)
    name: str = ""
    started: float = 0.0


@dataclass(frozen=True, slots=True)
class BulkWriter:
    """Runs ingest jobs of one object. `sleep` waits between looks at a job, in seconds."""

    api: SalesforceApi
    shape: ObjectShape
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    pace: Pace = field(default_factory=Pace)

    def write(self, rows: Sequence[Row]) -> list[Outcome]:
        """Write `rows`; outcomes in no particular order."""
        started = [self._start(part, body) for half in _halves(by_parent(rows)) for part, body in self._parts(half)]
        return [outcome for job in started for outcome in self._finish(job)]

    def _parts(self, rows: Sequence[Row]) -> Iterator[tuple[Sequence[Row], bytes]]:
        body = csv_body(self.shape, rows)
        if len(body) <= UPLOAD_BYTES or len(rows) == 1:
            yield rows, body
            return
        half = len(rows) // 2
        yield from self._parts(rows[:half])
        yield from self._parts(rows[half:])

    def _start(self, rows: Sequence[Row], body: bytes) -> _Job:
        """Upload and declare complete; outcomes at once for rows that did not get so far."""
        ids = [row.intent.intent_id for row in rows]
        try:
            job = self._upload(body)
        except AccessRefused as error:
            return _Job(rows, [retry_outcome(i, ACCESS_REFUSED, str(error)) for i in ids])
        except _UploadRefused:
            return _Job(rows, self._in_small(rows))
        except RequestRejected as error:
            told = error.error
            code, message = told.code or f"HTTP_{told.status}", told.message or str(error)
            return _Job(rows, [row_outcome(i, code, message) for i in ids])
        except SourceError as error:
            code = "UNREACHABLE" if isinstance(error, RetriesSpent) else "NOT_UPLOADED"
            later = error.not_before if isinstance(error, RetriesSpent) else None
            return _Job(rows, [retry_outcome(i, code, str(error), later) for i in ids])
        try:
            self._declare_complete(job)
        except SourceError as error:
            return _Job(rows, [unknown_outcome(i, f"bulk job {job}: {error}") for i in ids])
        return _Job(rows, name=job, started=self.monotonic())

    def _finish(self, job: _Job) -> list[Outcome]:
        """Wait for the job's end; an outcome for each of its rows."""
        if not job.name:
            return job.outcomes
        try:
            return self._account(job.name, self._ended(job), job.rows)
        except SourceError as error:
            return [unknown_outcome(row.intent.intent_id, f"bulk job {job.name}: {error}") for row in job.rows]

    def _in_small(self, rows: Sequence[Row]) -> list[Outcome]:
        """Rows that a job did not take for the sake of some of them: calls of few rows tell which."""
        return write_collections(self.api, self.shape, rows)

    def _upload(self, body: bytes) -> str:
        """Create a job and give it its rows. A repeated creation costs an empty job and nothing else.

        Raises _UploadRefused when the job was made and its rows are refused.
        """
        request: dict[str, Any] = {
            "object": self.shape.sobject,
            "operation": "update" if self.shape.by_id else "upsert",
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        }
        if not self.shape.by_id:
            request["externalIdFieldName"] = self.shape.key_field
        response = self.api.http.request("POST", self.api.path("/jobs/ingest"), json=request, safe=True)
        job = str(self.api.http.decode(response)["id"])
        try:
            self.api.http.request(
                "PUT",
                self.api.path(f"/jobs/ingest/{job}/batches"),
                content=body,
                headers={"Content-Type": "text/csv; charset=UTF-8"},
            )
        except RequestRejected as error:
            self._abort(job)
            raise _UploadRefused(str(error), error.error) from error
        except SourceError:
            self._abort(job)
            raise
        return job

    def _abort(self, job: str) -> None:
        """Drop a job whose upload is in doubt; an open job acts on nothing, so failing to drop it harms nothing."""
        try:
            self._set_state(job, "Aborted")
        except SourceError:
            return

    def _set_state(self, job: str, state: str) -> None:
        self.api.http.request("PATCH", self.api.path(f"/jobs/ingest/{job}"), json={"state": state})

    def _declare_complete(self, job: str) -> None:
        """Let the job run."""
        try:
            self._set_state(job, "UploadComplete")
        except AmbiguousOutcome:
            if self._info(job).get("state") == "Open":
                self._set_state(job, "UploadComplete")

    def _ended(self, job: _Job) -> dict[str, Any]:
        """Wait for the end of a job; how it ended. An org works on one after the other."""
        begun, pause = max(job.started, self.pace.ended), _FIRST_PAUSE_S
        likely = begun + _NEARLY * self.pace.row_s * len(job.rows)  # a look before costs a request and tells nothing
        self.sleep(min(max(0.0, likely - self.monotonic()), _LONGEST_PAUSE_S))
        running = max(begun, likely)
        while (info := self._info(job.name)).get("state") not in _TERMINAL:
            running = self.monotonic()
            if running - begun > self.api.options.bulk_timeout_s:
                self._abort(job.name)
                return {"state": "Aborted"}
            self.sleep(min(max(pause, likely - running), _LONGEST_PAUSE_S))
            pause = min(pause * 1.6, _LONGEST_PAUSE_S) if self.monotonic() > likely else pause
        self.pace.ended = min(running, self.monotonic())
        self.pace.row_s = (self.pace.ended - begun) / len(job.rows)
        return info

    def _info(self, job: str) -> dict[str, Any]:
        info = self.api.http.get_json(self.api.path(f"/jobs/ingest/{job}"))
        if not isinstance(info, dict):
            raise SourceContractBroken(f"bulk job {job} was described by something else")
        return info

    def _account(self, job: str, info: dict[str, Any], rows: Sequence[Row]) -> list[Outcome]:
        """One outcome per row from the three result lists; a row in none of them is unknown."""
        ids = {self._known(row.intent.business_key): row.intent.intent_id for row in rows}
        found: dict[str, Outcome] = {}
        ended = f"bulk job {job} ended {info.get('state')}" + (f" ({why})" if (why := info.get("errorMessage")) else "")
        for result in self._results(job, "successfulResults"):
            if key := self._key(result, ids):
                created = result.get("sf__Created", "").lower() == "true"
                found[key] = Outcome(ids[key], "acknowledged", target_id=result.get("sf__Id", ""), created=created)
        if len(found) < len(ids):
            for result in self._results(job, "failedResults"):
                if key := self._key(result, ids):
                    found[key] = bulk_outcome(ids[key], result.get("sf__Error", ""))
        if len(found) < len(ids):
            for result in self._results(job, "unprocessedrecords"):
                if key := self._key(result, ids):
                    found[key] = retry_outcome(ids[key], "UNPROCESSED", f"{ended} before this row")
        if any(word in ended for word in _UNUSABLE):
            left = {outcome.intent_id for outcome in found.values() if outcome.code == "UNPROCESSED"}
            again = {o.intent_id: o for o in self._in_small([r for r in rows if r.intent.intent_id in left])}
            found = {key: again.get(outcome.intent_id, outcome) for key, outcome in found.items()}
        lost = f"{ended} and names this row in none of its results"
        return [found.get(key) or unknown_outcome(intent_id, lost) for key, intent_id in ids.items()]

    def _known(self, key: str) -> str:
        """A key as it is compared: a record id has 15 characters that count, and three that repeat their case."""
        return key[:15] if self.shape.by_id else key

    def _key(self, result: dict[str, str], known: dict[str, str]) -> str:
        """The key of a result row; "" when it is not one of ours."""
        key = result.get(self.shape.key_field) or (result.get("sf__Id", "") if self.shape.by_id else "")
        return self._known(key) if self._known(key) in known else ""

    def _results(self, job: str, which: str) -> Iterator[dict[str, str]]:
        path = self.api.path(f"/jobs/ingest/{job}/{which}/")
        response = self.api.http.request("GET", path, headers={"Accept": "text/csv"})
        yield from csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"), newline=""))


def _halves(groups: Sequence[Sequence[Row]]) -> Iterator[list[Row]]:
    """The rows of all groups, where there are very many in two lists of about the same length; no group is parted."""
    total, taken = sum(map(len, groups)), 0
    lists: tuple[list[Row], list[Row]] = ([], [])
    for group in groups:
        lists[total >= TWO_JOBS_ROWS and 2 * taken >= total].extend(group)
        taken += len(group)
    return (rows for rows in lists if rows)
