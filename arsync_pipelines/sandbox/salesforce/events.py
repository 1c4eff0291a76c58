"""Change data capture: the log of change events, filled in the transaction that made the changes.

Changes of one transaction that say the same about several records of an object travel as one event with many recordIds.
How clients read the log is in cometd.py.
"""

from __future__ import annotations

import random
import uuid
from datetime import timedelta
from typing import Any

import orjson

from arsync_pipelines.sandbox.salesforce.schema import ObjectDef
from arsync_pipelines.sandbox.salesforce.store import Store, Transaction, stamp
from arsync_pipelines.sandbox.salesforce.values import to_json

RETENTION = timedelta(hours=72)
CAPTURED_WITHOUT = ("Organization", "CurrencyType")  # objects that change capture does not cover
MANY = 100_000  # changes of one transaction from which an object's events collapse into GAP_OVERFLOW


def event_name(owner: str) -> str:
    """`Account` -> AccountChangeEvent, `AR_Invoice__c` -> AR_Invoice__ChangeEvent."""
    return owner.removesuffix("c") + "ChangeEvent" if owner.endswith("__c") else owner + "ChangeEvent"


class EventLog:
    """Appends and reads change events."""

    def __init__(self, store: Store, seed: int) -> None:
        self._store = store
        self._random = random.Random(f"salesforce-events:{seed}")
        store.before_commit = self.append

    def append(self, at: Transaction) -> None:
        """Write the events of a transaction that is about to commit."""
        groups: dict[tuple[str, str, str, str, bytes], list[str]] = {}
        for change in at.changes:
            if change.entity in CAPTURED_WITHOUT:
                continue
            owner = self._store.find_object(change.entity)
            values = orjson.dumps(_shown(owner, change.values) if owner else {})
            groups.setdefault((change.entity, change.kind, change.origin, change.user_id, values), []).append(
                change.record_id
            )
        key = str(uuid.uuid4())
        number = self._store.next_number("commit")
        at_ms = int(self._store.clock.now().timestamp() * 1000)
        rows = []
        for sequence, ((entity, kind, origin, user, values), records) in enumerate(groups.items(), 1):
            payload = orjson.loads(values)
            header: dict[str, Any] = {
                "entityName": entity,
                "recordIds": records,
                "changeType": kind,
                "changeOrigin": origin,
                "transactionKey": key,
                "sequenceNumber": sequence,
                "commitTimestamp": at_ms,
                "commitNumber": number,
                "commitUser": user,
                "nulledFields": [name for name, value in payload.items() if value is None and kind == "UPDATE"],
                "diffFields": [],
                "changedFields": list(payload) if kind == "UPDATE" else [],
            }
            if len(records) > MANY:
                header |= {"changeType": "GAP_OVERFLOW", "recordIds": [f"{records[0][:3]}*"]}
                payload = {}
            elif self._store.settings["gap_rate"] and self._random.random() < self._store.settings["gap_rate"]:
                header |= {"changeType": f"GAP_{kind}", "nulledFields": [], "changedFields": []}
                payload = {}
            body = {
                "ChangeEventHeader": header,
                **{n: v for n, v in payload.items() if v is not None or kind == "UPDATE"},
            }
            rows.append((entity, at.now, orjson.dumps(body).decode()))
        self._store.connection.executemany("insert into event (entity, at, body) values (?, ?, ?)", rows)

    def last(self) -> int:
        """The newest replay id."""
        with self._store.lock:
            row = self._store.connection.execute("select seq from sqlite_sequence where name = 'event'").fetchone()
        return int(row[0]) if row else 0

    def earliest(self) -> int:
        """The oldest replay id still kept; drops what is older than three days."""
        with self._store.lock:
            limit = stamp(self._store.clock.now() - RETENTION)
            self._store.connection.execute("delete from event where at < ?", (limit,))
            row = self._store.connection.execute("select min(replay_id) from event").fetchone()
        return int(row[0]) if row[0] is not None else self.last() + 1

    def after(self, replay_id: int, entity: str | None, limit: int = 100) -> list[tuple[int, str, dict[str, Any]]]:
        """(replay id, entity, payload) after a replay id, of one object or of all."""
        with self._store.lock:
            rows = self._store.connection.execute(
                "select replay_id, entity, body from event where replay_id > ? and (? is null or entity = ?)"
                " order by replay_id limit ?",
                (replay_id, entity, entity, limit),
            ).fetchall()
        return [(row[0], row[1], orjson.loads(row[2])) for row in rows]


def _shown(owner: ObjectDef, values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: to_json(owner.fields[name], value)
        for name, value in values.items()
        if name in owner.fields and name not in ("SystemModstamp", "IsDeleted")
    }
