"""Idempotency keys: a first answer is kept and repeated, other parameters are refused, overlaps are conflicts."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from dataclasses import dataclass

from .errors import Refusal
from .store import Store

KEEP_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Kept:
    """An answer under a key."""

    status: int
    body: bytes
    headers: dict[str, str]
    request_id: str


def fingerprint(method: str, path: str, form: str) -> str:
    """What must be equal for two requests to be the same."""
    return hashlib.sha256(f"{method} {path}\n{'&'.join(sorted(form.split('&')))}".encode()).hexdigest()


class Idempotency:
    """Kept answers live in the store for 24 real hours; keys in flight live in memory, as they die with the process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._in_flight: dict[str, str] = {}
        self._lock = threading.Lock()

    def begin(self, key: str, mark: str) -> Kept | None:
        """The kept answer, or None and the key is in flight. Raises Refusal 400 on mismatch, 409 on overlap."""
        if len(key) > 255:
            raise _mismatch("Idempotency keys can be at most 255 characters long.")
        with self._lock:
            if key in self._in_flight:
                if self._in_flight[key] != mark:
                    raise _mismatch(_OTHER.format(key))
                raise _conflict(key)
            kept = self._kept(key, mark)
            if kept is None:
                self._in_flight[key] = mark
            return kept

    def _kept(self, key: str, mark: str) -> Kept | None:
        self._store.execute("delete from idempotency where at < ?", (time.time() - KEEP_SECONDS,))
        rows = self._store.execute(
            "select fingerprint, status, body, headers, request_id from idempotency where key = ?", (key,)
        )
        if not rows:
            return None
        if rows[0][0] != mark:
            raise _mismatch(_OTHER.format(key))
        return Kept(rows[0][1], rows[0][2], json.loads(rows[0][3]), rows[0][4])

    def keep(self, key: str, mark: str, answer: Kept) -> None:
        """Stores an answer, in the transaction of the write that it answers."""
        row = (key, mark, answer.status, answer.body, json.dumps(answer.headers), answer.request_id, time.time())
        self._store.execute("insert into idempotency values (?, ?, ?, ?, ?, ?, ?)", row)

    def end(self, key: str) -> None:
        with self._lock:
            self._in_flight.pop(key, None)


_OTHER = (
    "Keys for idempotent requests can only be used with the same parameters they were first used with. "
    "Try using a key other than '{}' if you meant to execute a different request."
)


def _mismatch(message: str) -> Refusal:
    return Refusal(400, "idempotency_error", message, headers={"stripe-should-retry": "false"})


def _conflict(key: str) -> Refusal:
    return Refusal(
        409,
        "idempotency_error",
        f"There is currently another in-progress request using this Idempotent Key ({key}). Please try again later.",
        code="idempotency_key_in_use",
        headers={"stripe-should-retry": "true"},
    )
