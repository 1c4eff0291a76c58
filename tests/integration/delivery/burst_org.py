"""A Salesforce org on a virtual clock: collections and Bulk API 2.0 over an httpx transport, every request noted.

One row in a hundred breaks a rule of the org, for good; one in a hundred is locked when it comes for the first time.
"""

from __future__ import annotations

import csv
import io
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson

START = datetime(2026, 1, 31, 20, tzinfo=UTC)
LATENCY_S = 0.2
BULK_ROWS_PER_S = 2000.0
_REFUSED = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
_LOCKED = "UNABLE_TO_LOCK_ROW"


def refused(number: int) -> bool:
    """Whether a rule of the org forbids the row."""
    return number % 100 == 7


def locked(number: int) -> bool:
    """Whether the row is locked when it comes first."""
    return number % 100 == 57


class Clock:
    """Stands still but for those who sleep. Threads may sleep at once: their times add up, which is never too quick."""

    def __init__(self) -> None:
        self._at = START
        self._lock = threading.RLock()
        self._alarms: list[tuple[datetime, Callable[[], None]]] = []

    def now(self) -> datetime:
        return self._at

    def seconds(self) -> float:
        """Since the beginning."""
        return (self._at - START).total_seconds()

    def at_second(self, second: float, ring: Callable[[], None]) -> None:
        """Call `ring` when the time has come, in the thread of who slept meanwhile."""
        self._alarms.append((START + timedelta(seconds=second), ring))

    def sleep(self, seconds: float) -> None:
        with self._lock:
            until = self._at + timedelta(seconds=seconds)
            for at, ring in [alarm for alarm in self._alarms if alarm[0] <= until]:
                self._alarms.remove((at, ring))
                self._at = max(self._at, at)
                ring()
            self._at = max(self._at, until)


@dataclass
class Job:
    """A bulk job: its rows, and when the org will be done with it."""

    rows: list[dict[str, str]] = field(default_factory=list)
    state: str = "Open"
    done_at: float = 0.0
    results: list[tuple[dict[str, str], str]] = field(default_factory=list)


class BurstOrg(httpx.BaseTransport):
    """`window`: requests that may come within so many seconds; who comes earlier is answered too, and noted."""

    def __init__(self, clock: Clock, window: tuple[int, float]) -> None:
        self._clock = clock
        self._window = window
        self._jobs: dict[str, Job] = {}
        self._busy_until = 0.0
        self._seen: set[str] = set()
        self._lock = threading.Lock()
        self._marks: dict[str, tuple[int, float]] = {}
        self.arrivals: list[float] = []
        self.early = 0
        self.effects = 0
        self.cpu = 0.0

    def mark(self, what: str) -> None:
        """Note that this happens now, between two requests."""
        self._marks.setdefault(what, (len(self.arrivals), self._clock.seconds()))

    def between(self, first: str, then: str) -> int:
        """Requests from one mark to the other, -1 when one of them never came."""
        return self._marks[then][0] - self._marks[first][0] - 1 if {first, then} <= self._marks.keys() else -1

    def waited(self, first: str, then: str) -> float:
        """Seconds from one mark to the other, -1 when one of them never came."""
        return self._marks[then][1] - self._marks[first][1] if {first, then} <= self._marks.keys() else -1.0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        began = time.thread_time()
        content = request.read()
        if request.url.path == "/services/oauth2/token":
            return httpx.Response(200, json={"access_token": "t", "instance_url": "https://acme.test"})
        with self._lock:
            self._arrives()
            answer = self._answer(request, content)
            self.cpu += time.thread_time() - began
        self._clock.sleep(LATENCY_S)
        return answer

    def _arrives(self) -> None:
        at, (requests, per_s) = self._clock.seconds(), self._window
        self.early += len(self.arrivals) >= requests and at - self.arrivals[-requests] < per_s - 0.001
        self.arrivals.append(at)

    def _answer(self, request: httpx.Request, content: bytes) -> httpx.Response:
        rest = request.url.path.split("/v66.0", 1)[1]
        if rest.startswith("/composite/sobjects"):
            return self._collection(content)
        if rest == "/jobs/ingest":
            name = f"750{len(self._jobs)}"
            self._jobs[name] = Job()
            return httpx.Response(200, json={"id": name, "state": "Open"})
        _, _, _, name, *more = rest.split("/")
        job = self._jobs[name]
        match more:
            case ["batches"]:
                job.rows = list(csv.DictReader(io.StringIO(content.decode())))
                return httpx.Response(201)
            case []:
                if request.method == "PATCH":
                    self._begin(job)
                elif job.state == "UploadComplete" and self._clock.seconds() >= job.done_at:
                    job.state = "JobComplete"
                return httpx.Response(200, json={"id": name, "state": job.state})
            case _:
                return _results(job, more[0])

    def _begin(self, job: Job) -> None:
        """The org works on one job after the other."""
        job.state = "UploadComplete"
        job.results = [(row, self._writes(row["External_Id__c"])) for row in job.rows]
        self._busy_until = max(self._busy_until, self._clock.seconds()) + len(job.rows) / BULK_ROWS_PER_S
        job.done_at = self._busy_until

    def _writes(self, key: str) -> str:
        """Write a row; "" or the code of its refusal."""
        if not key.startswith("erp:"):
            self.mark(key)
            return ""
        number = int(key[4:])
        if refused(number):
            return _REFUSED
        if locked(number) and key not in self._seen:
            self._seen.add(key)
            return _LOCKED
        self.effects += 1
        return ""

    def _collection(self, content: bytes) -> httpx.Response:
        told: list[dict[str, Any]] = []
        for record in orjson.loads(content)["records"]:
            key = record.get("External_Id__c") or record["id"]
            code = self._writes(key)
            errors = [{"statusCode": code, "message": "said the org", "fields": []}] if code else []
            told.append({"id": f"a0{key}", "success": not code, "errors": errors, "created": False})
        return httpx.Response(200, content=orjson.dumps(told), headers={"Content-Type": "application/json"})


def _results(job: Job, which: str) -> httpx.Response:
    failed = which == "failedResults"
    out = io.StringIO()
    out.write("sf__Id,sf__Error,External_Id__c\n" if failed else "sf__Id,sf__Created,External_Id__c\n")
    if which != "unprocessedrecords":
        for row, code in job.results:
            if bool(code) == failed:
                key = row["External_Id__c"]
                out.write(f"a0{key},{code}:said the org:--,{key}\n" if failed else f"a0{key},false,{key}\n")
    return httpx.Response(200, text=out.getvalue())
