"""Asynchronous requests: jobs, their tasks and results, idempotency keys; what a task does is decided elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson

from ..errors import ApiError
from ..store import Store

# (method, record type, key, query string, body or None) -> (status, headers, body)
Outcome = tuple[int, dict[str, str], Any]
Run = Callable[[dict[str, Any]], Outcome]


class Jobs:
    """Jobs live in the store: one that was accepted is finished even if the process was killed in between."""

    def __init__(self, store: Store, run: Run) -> None:
        self._store = store
        self._run = run
        self._lock = threading.Lock()

    def submit(self, tasks: list[dict[str, Any]], key: str, url: str) -> int:
        """Accepts a job; raises the vendor's 400 for a key that was used before, with the first job's Location."""
        with self._store.write() as db:
            if key:
                known = db.execute("select id from _job where idempotency_key = ?", (key,)).fetchone()
                if known is not None:
                    raise ApiError(
                        400,
                        "IDEMPOTENCY_ERROR",
                        f"A request with the idempotency key {key} was already submitted.",
                        header="X-NetSuite-Idempotency-Key",
                        title="Conflict",
                        headers={"Location": f"{url}/{known[0]}"},
                    )
            cursor = db.execute(
                "insert into _job (idempotency_key, state, tasks) values (?, 'pending', ?)",
                (key or None, orjson.dumps(tasks)),
            )
            return int(cursor.lastrowid or 0)

    def work(self, job: int) -> None:
        """Runs what is left of a job, task by task; a task and its result are committed separately, see README."""
        with self._lock:
            state, tasks = self._load(job)
            if state == "done":
                return
            for task in tasks:
                if "status" in task:
                    continue
                task["started"] = _now()
                task["status"], task["headers"], task["result"] = self._run(task)
                task["ended"] = _now()
                self._save(job, "pending", tasks)
            self._save(job, "done", tasks)

    def show(self, job: int, url: str) -> dict[str, Any]:
        state, tasks = self._load(job)
        done = state == "done"
        failed = done and all(task["status"] >= 400 for task in tasks)
        progress = ("failed" if failed else "succeeded") if done else "pending"
        href = f"{url}/{job}/task"
        return {
            "completed": done,
            "id": str(job),
            "progress": progress,
            "task": {"links": [{"rel": "self", "href": href}]},
        }

    def list_tasks(self, job: int, url: str) -> dict[str, Any]:
        _, tasks = self._load(job)
        items = [
            {"links": [{"rel": "self", "href": f"{url}/{job}/task/{n}"}], "id": str(n)}
            for n in range(1, len(tasks) + 1)
        ]
        return {
            "links": [],
            "count": len(items),
            "hasMore": False,
            "items": items,
            "offset": 0,
            "totalResults": len(items),
        }

    def show_task(self, job: int, number: int, url: str) -> dict[str, Any]:
        task = self.task(job, number)
        done = "status" in task
        progress = ("failed" if task["status"] >= 400 else "succeeded") if done else "pending"
        shown = {"completed": done, "id": str(number), "progress": progress}
        if done:
            shown |= {"startTime": task["started"], "endTime": task["ended"]}
            shown["result"] = {"links": [{"rel": "self", "href": f"{url}/{job}/task/{number}/result"}]}
        return shown

    def task(self, job: int, number: int) -> dict[str, Any]:
        _, tasks = self._load(job)
        if not 1 <= number <= len(tasks):
            raise ApiError(404, "NONEXISTENT_ID", f"Task {number} of job {job} does not exist.")
        return tasks[number - 1]

    def _load(self, job: int) -> tuple[str, list[dict[str, Any]]]:
        with self._store.lock:
            row = self._store.db.execute("select state, tasks from _job where id = ?", (job,)).fetchone()
        if row is None:
            raise ApiError(404, "NONEXISTENT_ID", f"Job {job} does not exist.")
        return row[0], orjson.loads(row[1])

    def _save(self, job: int, state: str, tasks: list[dict[str, Any]]) -> None:
        with self._store.write() as db:
            db.execute("update _job set state = ?, tasks = ? where id = ?", (state, orjson.dumps(tasks), job))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
