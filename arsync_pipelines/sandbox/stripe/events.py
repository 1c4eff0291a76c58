"""Events: what happened to an object, with a snapshot of it; kept for 30 days and queued for webhook endpoints."""

from __future__ import annotations

import time
from typing import Any

import orjson

from .ids import new_id
from .objects import API_VERSION
from .store import Store

Body = dict[str, Any]
RETENTION_SECONDS = 30 * 86400


def previous_attributes(before: Body, after: Body) -> Body:
    """The old values of what changed, nested objects reduced to their changed members (metadata: null when new)."""
    changed: Body = {}
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        if old == new or name.startswith("_"):
            continue
        if isinstance(old, dict) and isinstance(new, dict) and old.get("object") != "list":
            changed[name] = {key: old.get(key) for key in {**old, **new} if old.get(key) != new.get(key)}
        else:
            changed[name] = old
    return changed


class Events:
    """Writes events into the store, in the transaction of the change, and queues their deliveries."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._endpoints: list[tuple[str, list[str]]] | None = None

    def emit(
        self,
        kind: str,
        obj: Body,
        created: int,
        *,
        before: Body | None = None,
        event_id: str = "",
        request: Body | None = None,
    ) -> Body:
        """One event of type `kind`. `previous_attributes` is there on *.updated only."""
        data: Body = {"object": {name: value for name, value in obj.items() if not name.startswith("_")}}
        if before is not None and kind.endswith(".updated"):
            data["previous_attributes"] = previous_attributes(before, obj)
        event: Body = {
            "id": event_id or new_id("event"),
            "object": "event",
            "api_version": API_VERSION,
            "created": created,
            "data": data,
            "livemode": False,
            "pending_webhooks": 0,
            "request": request or {"id": None, "idempotency_key": None},
            "type": kind,
        }
        self._store.put(event)
        self._enqueue(event)
        return event

    def _enqueue(self, event: Body) -> None:
        for endpoint_id, enabled in self.endpoints():
            if "*" in enabled or event["type"] in enabled:
                sql = "insert into delivery (event, endpoint, due) values (?, ?, ?)"
                self._store.execute(sql, (event["id"], endpoint_id, time.time()))

    def endpoints(self) -> list[tuple[str, list[str]]]:
        """(id, enabled event types) of the enabled webhook endpoints; cached until `endpoints_changed`."""
        if self._endpoints is None:
            rows = self._store.select("webhook_endpoint", " and json_extract(body, '$.status') = 'enabled'", (), -1)
            bodies = [orjson.loads(text) for text in rows]
            self._endpoints = [(body["id"], body["enabled_events"]) for body in bodies]
        return self._endpoints

    def endpoints_changed(self) -> None:
        self._endpoints = None

    def prune(self, now: int) -> None:
        """Forget what is older than the retention."""
        self._store.execute("delete from object where kind = 'event' and created < ?", (now - RETENTION_SECONDS,))
