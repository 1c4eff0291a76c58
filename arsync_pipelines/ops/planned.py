"""Storing new intents: versions only rise, and what a newer version replaces is superseded in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from arsync_pipelines.domain.errors import StaleWrite
from arsync_pipelines.domain.push import IntentState, PushIntent
from arsync_pipelines.ops.bulk import insert_into, parts
from arsync_pipelines.ops.rows import stands_in, to_row
from arsync_pipelines.ops.tables import push_intent, push_key
from arsync_pipelines.ops.unit import Unit

_REPLACEABLE = stands_in(push_intent.c.state, IntentState.PENDING, IntentState.REJECTED, IntentState.DEAD)

_TOLD = {
    "connection": "connection", "object": "object", "key": "business_key", "version": "version",
    "operation": "operation", "payload_hash": "payload_hash", "snapshot": "snapshot_id",
}  # fmt: skip


def add(unit: Unit, intents: Sequence[PushIntent], now: datetime) -> None:
    """Store intents as pending. Raises StaleWrite when a key has the same or a newer version already."""
    # always in the order of the keys: two planners that lock several keys do so in the same order
    ordered = sorted(intents, key=lambda i: (i.connection, i.object, i.business_key, i.version))
    for (connection, object_name), group in groupby(ordered, key=lambda i: (i.connection, i.object)):
        for part in parts(list(group)):
            _raise_versions(unit, connection, object_name, part)
            _supersede(unit, connection, object_name, part, now)
            rows = [to_row(intent, now) for intent in part]
            try:
                unit.db.execute(insert(push_intent), rows)
            except IntegrityError as error:
                raise StaleWrite(
                    f"{connection} {object_name}: another planner has stored the same versions meanwhile; plan again"
                ) from error
            for intent, row in zip(part, rows, strict=True):
                detail = {name: row[column] for name, column in _TOLD.items()}
                if intent.priority:
                    detail["priority"] = intent.priority
                if intent.reason != "change":
                    detail["reason"] = intent.reason
                fields = sorted(intent.payload)
                unit.note(
                    now, "intent.added", "intent", intent.intent_id, intent.correlation_id, fields=fields, **detail
                )


def _raise_versions(unit: Unit, connection: str, object_name: str, intents: Sequence[PushIntent]) -> None:
    keys = push_key.c
    query = (
        select(keys.business_key, keys.latest_version)
        .where(keys.connection == connection, keys.object == object_name)
        .where(keys.business_key.in_([intent.business_key for intent in intents]))
        .order_by(keys.business_key)
        .with_for_update()
    )
    latest: dict[str, int] = {row.business_key: row.latest_version for row in unit.db.execute(query)}
    for intent in intents:
        known = latest.get(intent.business_key, 0)
        if intent.version <= known:
            raise StaleWrite(
                f"{connection} {object_name} {intent.business_key}: version {intent.version} is stale, version {known} "
                "is stored already; plan again"
            )
        latest[intent.business_key] = intent.version
    stored = insert_into(unit.db, push_key)
    stored = stored.on_conflict_do_update(
        index_elements=[keys.connection, keys.object, keys.business_key],
        set_={"latest_version": stored.excluded.latest_version},
        where=keys.latest_version < stored.excluded.latest_version,
    )
    unit.db.execute(
        stored,
        [
            {"connection": connection, "object": object_name, "business_key": key, "latest_version": latest[key]}
            for key in dict.fromkeys(intent.business_key for intent in intents)
        ],
    )


def _supersede(unit: Unit, connection: str, object_name: str, intents: Sequence[PushIntent], now: datetime) -> None:
    newest = {intent.business_key: intent.version for intent in intents}
    query = (
        select(push_intent.c.intent_id, push_intent.c.business_key, push_intent.c.correlation_id)
        .where(push_intent.c.connection == connection, push_intent.c.object == object_name)
        .where(push_intent.c.business_key.in_(list(newest)), _REPLACEABLE)
        .order_by(push_intent.c.business_key, push_intent.c.version)
        .with_for_update()
    )
    replaced = unit.db.execute(query).all()
    supersede(unit, [row.intent_id for row in replaced], now)
    for row in replaced:
        by = newest[row.business_key]
        unit.note(now, "intent.superseded", "intent", row.intent_id, row.correlation_id, by_version=by)


def supersede(unit: Unit, intent_ids: Sequence[str], now: datetime) -> None:
    """Move intents to `superseded`; telling the audit why is the caller's."""
    for part in parts(intent_ids):
        unit.db.execute(
            update(push_intent)
            .where(push_intent.c.intent_id.in_(part))
            .values(state=IntentState.SUPERSEDED.value, settled_at=now)
        )
