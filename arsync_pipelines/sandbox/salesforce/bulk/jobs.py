"""Bulk jobs: their stored state and the worker thread that runs them, also those a killed process left behind."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import orjson

from arsync_pipelines.sandbox.salesforce import ids
from arsync_pipelines.sandbox.salesforce.errors import SalesforceError
from arsync_pipelines.sandbox.salesforce.store import Store

DELIMITERS = {"COMMA": ",", "TAB": "\t", "SEMICOLON": ";", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}
ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
RUNNING = ("UploadComplete", "InProgress")
FINISHED = ("JobComplete", "Failed", "Aborted")

Work = Callable[[str], None]


class JobFailed(Exception):
    """The whole job fails with this errorMessage."""


class Jobs:
    """Keeps jobs and runs them one after the other in a daemon thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: queue.Queue[str | None] = queue.Queue()
        self._work: dict[str, Work] = {}
        self._thread: threading.Thread | None = None

    def start(self, ingest: Work, extract: Work) -> None:
        """Begin to work, first on what was left unfinished."""
        self._work = {"ingest": ingest, "query": extract}
        self._thread = threading.Thread(target=self._run, name="salesforce-bulk", daemon=True)
        with self._store.lock:
            rows = self._store.connection.execute("select id, body from job order by serial").fetchall()
        for job_id, text in rows:
            if orjson.loads(text)["state"] in RUNNING:
                self._waiting.put(job_id)
        self._thread.start()

    def stop(self) -> None:
        """Finish the job at hand and end the thread."""
        self._waiting.put(None)
        if self._thread is not None:
            self._thread.join(timeout=10)

    # -- state ---------------------------------------------------------------------------------------------------

    def create(self, kind: str, state: str, user_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """Store a new job and return it."""
        with self._store.lock:
            serial = self._store.next_number("job")
            job = {
                "id": ids.make("750", serial),
                **body,
                "createdById": user_id,
                "createdDate": self._store.now(),
                "systemModstamp": self._store.now(),
                "state": state,
                "concurrencyMode": "Parallel",
                "contentType": "CSV",
                "jobType": "V2Ingest" if kind == "ingest" else "V2Query",
            }
            self._store.connection.execute(
                "insert into job values (?, ?, ?, null, ?)", (job["id"], kind, orjson.dumps(job).decode(), serial)
            )
            return job

    def get(self, kind: str, job_id: str) -> dict[str, Any]:
        """A job. Raises 404."""
        wanted = ids.normalize(job_id)
        with self._store.lock:
            row = self._store.connection.execute(
                "select body from job where id = ? and kind = ?", (wanted, kind)
            ).fetchone()
        if row is None:
            raise SalesforceError(404, "NOT_FOUND", f"Unable to find job: {job_id}")
        found: dict[str, Any] = orjson.loads(row[0])
        return found

    def all(self, kind: str) -> list[dict[str, Any]]:
        """All jobs of a kind, newest first."""
        with self._store.lock:
            rows = self._store.connection.execute(
                "select body from job where kind = ? order by serial desc limit 1000", (kind,)
            ).fetchall()
        return [orjson.loads(row[0]) for row in rows]

    def started_in_a_day(self) -> int:
        """Query jobs kept (jobs live for days; the count stands for the day's)."""
        with self._store.lock:
            return int(self._store.connection.execute("select count(*) from job where kind = 'query'").fetchone()[0])

    def change(self, job: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """Update a job's fields."""
        with self._store.lock:
            job |= changes | {"systemModstamp": self._store.now()}
            self._store.connection.execute(
                "update job set body = ? where id = ?", (orjson.dumps(job).decode(), job["id"])
            )
        return job

    def enqueue(self, job_id: str) -> None:
        """Let the worker take the job."""
        self._waiting.put(job_id)

    def delete(self, kind: str, job_id: str) -> None:
        """Remove a finished or unstarted job and its rows."""
        job = self.get(kind, job_id)
        if job["state"] in RUNNING:
            raise SalesforceError(400, "INVALIDJOBSTATE", f"Job in state {job['state']} cannot be deleted")
        with self._store.lock:
            self._store.connection.execute("delete from job where id = ?", (job["id"],))
            self._store.connection.execute("delete from job_row where job = ?", (job["id"],))

    # -- the worker ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while (job_id := self._waiting.get()) is not None:
            kind = ""
            try:
                with self._store.lock:
                    row = self._store.connection.execute("select kind from job where id = ?", (job_id,)).fetchone()
                if row is None:
                    continue
                kind = row[0]
                time.sleep(float(self._store.settings["bulk_delay_ms"]) / 1000)
                self._work[kind](job_id)
            except (JobFailed, SalesforceError) as error:
                job = self.get(kind, job_id)
                self.change(job, state="Failed", errorMessage=str(error))
