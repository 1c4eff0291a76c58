"""Differences -> push intents. Reads one published snapshot, never the working warehouse.

A difference becomes an intent unless the target already has it: a snapshot may have looked at the target before our
last write was acknowledged. What a person must decide (a rejected payload, unchanged) is held, not sent again.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from arsync_pipelines.domain.comparison import changes
from arsync_pipelines.domain.drift import DriftFinding
from arsync_pipelines.domain.push import IntentState, PushIntent, Reason, payload_hash
from arsync_pipelines.domain.urgency import UrgencyRule, priority_of
from arsync_pipelines.ops.intents import IntentStore
from arsync_pipelines.ops.rows import LatestVersion
from arsync_pipelines.ports.sink import Sink
from arsync_pipelines.ports.warehouse import Snapshot, Warehouse

_NAMESPACE = uuid.UUID("6a1d2bd4-6a2b-5d0e-9c3c-2f0b8f1f6f5e")


@dataclass(frozen=True, slots=True)
class Difference:
    """One record that should change: `fields` maps canonical names to (before, after). `was_planned`: a version of it
    was planned before. `reason` as the intent's."""

    connection: str
    object: str
    business_key: str
    parent_key: str
    is_new: bool
    payload: Mapping[str, Any]
    before: Mapping[str, Any]
    fields: Mapping[str, tuple[Any, Any]]
    was_planned: bool = False
    reason: Reason = "change"


@dataclass(slots=True)
class Plan:
    """What would be sent, and what is not and why. `gone` are waiting intents whose difference has disappeared.

    `seen`: when the target was looked at for each object, None where the snapshot cannot tell. `drift`: what others did
    to our records, `drift_held` how many differences a person must decide on because of it.
    """

    snapshot_id: str
    differences: list[Difference] = field(default_factory=list)
    already_sent: int = 0
    waiting: int = 0
    held: int = 0
    gone: list[str] = field(default_factory=list)
    seen: dict[str, datetime | None] = field(default_factory=dict)
    drift: list[DriftFinding] = field(default_factory=list)
    drift_held: int = 0


def sync_table(system: str, object_name: str) -> str:
    """Name of the difference table of one object."""
    return f"sync_{system}__{object_name}"


def make_plan(warehouse: Warehouse, snapshot: Snapshot, store: IntentStore, sink: Sink, objects: Sequence[str]) -> Plan:
    """The differences for `sink` in `snapshot` that are not sent, not waiting and not held."""
    connection, system = sink.connection, sink.system
    plan = Plan(snapshot.snapshot_id)
    for object_name in objects:
        seen_at = _target_seen_at(snapshot, connection, sink.capabilities.observed_in[object_name])
        plan.seen[object_name] = seen_at
        rows = warehouse.query_snapshot(
            snapshot,
            f"select business_key, parent_key, is_new, payload, before from {sync_table(system, object_name)}"
            " where connection = ? order by parent_key, business_key",
            [connection],
        )
        keys = {row["business_key"] for row in rows}
        latest = store.latest_versions(connection, object_name, keys)
        for row in rows:
            _consider(plan, connection, object_name, row, latest.get(row["business_key"]), seen_at)
        waiting = store.waiting_keys(connection, object_name)
        plan.gone += [intent_id for key, intent_id in waiting.items() if key not in keys]
    return plan


def _consider(
    plan: Plan,
    connection: str,
    object_name: str,
    row: Mapping[str, Any],
    latest: LatestVersion | None,
    seen_at: datetime | None,
) -> None:
    payload: dict[str, Any] = json.loads(row["payload"])
    before: dict[str, Any] = json.loads(row["before"])
    fields = changes(before, payload)
    if not fields and not row["is_new"]:
        return
    difference = Difference(
        connection, object_name, row["business_key"], row["parent_key"], bool(row["is_new"]), payload, before, fields,
        was_planned=latest is not None,
    )  # fmt: skip
    if latest is not None and latest.payload_hash == payload_hash("upsert", payload):
        if latest.state is IntentState.ACKNOWLEDGED and _not_seen_since(latest.settled_at, seen_at):
            plan.already_sent += 1
            return
        if latest.state in (IntentState.PENDING, IntentState.IN_FLIGHT, IntentState.UNKNOWN):
            plan.waiting += 1
            return
        if latest.state is IntentState.REJECTED:
            plan.held += 1
            return
    plan.differences.append(difference)


def to_intents(plan: Plan, store: IntentStore, now: datetime, urgency: Sequence[UrgencyRule] = ()) -> list[PushIntent]:
    """Versioned intents for a plan's differences; ids follow from the content, so planning twice makes them once."""
    intents = []
    keys: dict[tuple[str, str], list[str]] = {}
    for d in plan.differences:
        keys.setdefault((d.connection, d.object), []).append(d.business_key)
    versions = {scope: store.latest_versions(*scope, of) for scope, of in keys.items()}
    for d in plan.differences:
        latest = versions[d.connection, d.object].get(d.business_key)
        version = latest.version + 1 if latest else 1
        identity = f"{d.connection}|{d.object}|{d.business_key}|{version}"
        intents.append(
            PushIntent(
                intent_id=str(uuid.uuid5(_NAMESPACE, identity)),
                connection=d.connection,
                object=d.object,
                business_key=d.business_key,
                version=version,
                payload=d.payload,
                before=d.before,
                parent_key=d.parent_key,
                correlation_id=str(uuid.uuid5(_NAMESPACE, f"{plan.snapshot_id}|{identity}")),
                snapshot_id=plan.snapshot_id,
                created_at=now,
                priority=priority_of(urgency, d.object, d.fields),
                reason=d.reason,
            )
        )
    return intents


def _not_seen_since(settled_at: datetime | None, seen_at: datetime | None) -> bool:
    """True when the snapshot looked at the target before our write was acknowledged (or never looked)."""
    return settled_at is not None and (seen_at is None or seen_at <= settled_at)


def _target_seen_at(snapshot: Snapshot, connection: str, stream: str) -> datetime | None:
    """When the read of `stream` began that showed the snapshot what the target holds."""
    watermarks = snapshot.manifest.get("watermarks", {})
    text = watermarks.get(connection, {}).get(stream, {}).get("read_started_at")
    if not text:
        return None
    seen = datetime.fromisoformat(text)
    return seen if seen.tzinfo else seen.replace(tzinfo=UTC)
