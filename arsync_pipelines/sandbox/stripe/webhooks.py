"""Deliveries of events to webhook endpoints: signed, repeated until a 2xx, duplicated or disordered on demand.

At least once and in no promised order, as at Stripe. The hours between Stripe's tries are compressed to seconds.
"""

from __future__ import annotations

import hmac
import threading
import time
from hashlib import sha256
from typing import Any

import httpx
import orjson

from ..core.faults import Faults
from .read import Reader
from .store import Store

FIRST_RETRY_SECONDS = 0.2
MAX_RETRY_SECONDS = 30.0
MAX_ATTEMPTS = 12
TIMEOUT_SECONDS = 5.0


def sign(payload: bytes, secret: str, timestamp: int) -> str:
    """The Stripe-Signature header: HMAC-SHA256 over `t.payload` with the whole whsec_ text as key."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + payload, sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def retry_delay(attempt: int) -> float:
    """Seconds after the n-th failed attempt, n from 1: doubling, capped."""
    return float(min(FIRST_RETRY_SECONDS * 2 ** (attempt - 1), MAX_RETRY_SECONDS))


class Deliverer(threading.Thread):
    """Sends what the store's delivery queue holds due. What a kill interrupts is sent after the restart."""

    def __init__(self, store: Store, reader: Reader, faults: Faults) -> None:
        super().__init__(name="stripe-webhooks", daemon=True)
        self._store = store
        self._reader = reader
        self._faults = faults
        self._wake = threading.Event()
        self._stopping = False

    def wake(self) -> None:
        """There may be something new to deliver."""
        self._wake.set()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()
        if self.is_alive():
            self.join(TIMEOUT_SECONDS + 1)

    def run(self) -> None:
        with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            while not self._stopping:
                due = self._store.execute("select min(due) from delivery where done = 0")[0][0]
                pause = None if due is None else max(0.0, due - time.time())
                if pause is None or pause > 0:
                    self._wake.wait(min(pause, 1.0) if pause is not None else 1.0)
                    self._wake.clear()
                    continue
                self.deliver_due(client)

    def deliver_due(self, client: httpx.Client) -> int:
        """Sends everything that is due now; returns how many requests were made."""
        rows = self._store.execute(
            "select id, event, endpoint, attempt, repeats from delivery where done = 0 and due <= ? order by due, id"
            " limit 100",
            (time.time(),),
        )
        for delivery, event_id, endpoint_id, attempt, repeats in rows:
            if self._stopping:
                break
            self._deliver(client, delivery, event_id, endpoint_id, attempt, repeats)
        return len(rows)

    def _deliver(
        self, client: httpx.Client, delivery: int, event_id: str, endpoint_id: str, attempt: int, repeats: int
    ) -> None:
        event, endpoint = self._store.get("event", event_id), self._store.get("webhook_endpoint", endpoint_id)
        if event is None or endpoint is None:
            self._finish(delivery, None)
            return
        path = event["type"]
        if attempt == 0 and repeats == 0:
            if rule := self._faults.hit("stripe", "reorder_webhook", "POST", path):
                delay = float(rule.params.get("ms", 500)) / 1000
                self._postpone(delivery, attempt, time.time() + delay, repeats=1)
                return
            if self._faults.hit("stripe", "duplicate_webhook", "POST", path):
                self._store.execute(
                    "insert into delivery (event, endpoint, due, repeats) values (?, ?, ?, 1)",
                    (event_id, endpoint_id, time.time()),
                )
        status = self._send(client, event, endpoint)
        if 200 <= status < 300 or attempt + 1 >= MAX_ATTEMPTS:
            self._finish(delivery, status)
        else:
            self._postpone(delivery, attempt + 1, time.time() + retry_delay(attempt + 1), repeats=repeats)

    def _send(self, client: httpx.Client, event: dict[str, Any], endpoint: dict[str, Any]) -> int:
        """The receiver's status, or 0 when it could not be reached."""
        payload = orjson.dumps(self._reader.shown(event), option=orjson.OPT_INDENT_2)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": sign(payload, endpoint["secret"], int(time.time())),
        }
        try:
            return client.post(endpoint["url"], content=payload, headers=headers).status_code
        except httpx.HTTPError:
            return 0

    def _postpone(self, delivery: int, attempt: int, due: float, *, repeats: int) -> None:
        sql = "update delivery set attempt = ?, due = ?, repeats = ? where id = ?"
        self._store.execute(sql, (attempt, due, repeats, delivery))

    def _finish(self, delivery: int, status: int | None) -> None:
        self._store.execute("update delivery set done = 1, status = ? where id = ?", (status, delivery))
