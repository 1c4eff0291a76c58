"""The life of a business fact: from the source's record, through snapshot and intent, to the target's acceptance.

Read from the published snapshot and the operational store, and from its archive where the store has none; which raw
versions there are is asked of the working warehouse, without waiting for whoever writes there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from arsync_pipelines.domain.comparison import changes
from arsync_pipelines.domain.errors import ArsyncError, WarehouseError
from arsync_pipelines.ops.inbox import InboxEntry, InboxStore
from arsync_pipelines.ops.tracing import Attempt, TraceStore
from arsync_pipelines.ports.source import StreamSpec
from arsync_pipelines.ports.warehouse import Snapshot, Warehouse

VERSIONS = 10
"""Most raw versions, and most versions of an intent, that are shown."""

Records = Mapping[tuple[str, str], StreamSpec]
"""(connection, `invoice` or `customer`) -> stream that holds such a record, with `id` alone as its key."""


class NothingKnown(ArsyncError):
    """Neither the operational store nor the snapshot knows what was asked for."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened. `at` in UTC; `kind`: received, loaded, published, planned, attempt, audit, accepted."""

    at: datetime
    kind: str
    text: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A record that the fact stands on. `versions`: raw rows of it, newest first; None when they could not be read."""

    connection: str
    stream: str
    record_key: str
    about: Mapping[str, Any]
    versions: Sequence[Mapping[str, Any]] | None


@dataclass(frozen=True, slots=True)
class Trace:
    """All that is known, `steps` in order of time."""

    key: str
    records: Sequence[SourceRecord]
    intents: Sequence[Mapping[str, Any]]
    steps: Sequence[Step]
    notes: Sequence[str]


class TraceService:
    """Traces facts. `records` says which streams to look into."""

    def __init__(self, warehouse: Warehouse, traces: TraceStore, inbox: InboxStore, records: Records) -> None:
        self._warehouse = warehouse
        self._traces = traces
        self._inbox = inbox
        self._records = records

    def trace(self, key: str) -> Trace:
        """The fact with this correlation id, intent id, business key, invoice number or source id, or event id.

        Raises NothingKnown.
        """
        snapshot = self._warehouse.current_snapshot()
        notes: list[str] = []
        business_keys = self._business_keys(snapshot, key)
        intents = [row for one in business_keys for row in self._traces.intents(one, VERSIONS)]
        intents = list({row["intent_id"]: row for row in intents}.values())
        events = self._inbox.find(key)
        archived: list[str] = []
        if not intents and not events:
            intents = [*self._traces.archived_intents(business_keys, notes)[:VERSIONS]]
            archived = [row["intent_id"] for row in intents]
            events = self._traces.archived_events([key], notes)
            if intents or events:
                notes.append("what was sent or received stands in the archive only")
        records = self._source_records(snapshot, key, intents, events, notes)
        if not intents and not events and not records:
            raise NothingKnown(
                f"nothing is known of {key!r}. Give a correlation id (`arsync status --json`, `arsync dead-letters`, a "
                "log line), an intent, an invoice number, the key of a record in the CRM or in its source, or an event"
            )
        keys = {record.record_key for record in records}
        known = {(e.connection, e.event_id) for e in events}
        for entry in (e for one in sorted(keys) for e in self._inbox.find(one)):
            if (entry.connection, entry.event_id) not in known:
                events.append(entry)
                known.add((entry.connection, entry.event_id))
        steps = [*_received(events), *_loaded(records), *self._published(snapshot, intents, notes)]
        if archived:
            attempts = self._traces.archived_attempts(archived, notes)
        else:
            attempts = self._traces.attempts([row["intent_id"] for row in intents])
        steps += [*_sent(intents, attempts)]
        ids = [row["correlation_id"] for row in intents] + [e.correlation_id for e in events]
        began = [row["created_at"] for row in intents] + [e.received_at for e in events]
        steps += [
            Step(row.at, "audit", f"{row.action} (row {row.seq})", {"actor": row.actor, **json.loads(row.detail)})
            for row in self._traces.audit(ids, min(began, default=None), notes)
        ]
        order = {kind: number for number, kind in enumerate(_ORDER)}
        steps.sort(key=lambda step: (step.at, order[step.kind]))
        return Trace(key, records, [_shown(row) for row in intents], steps, list(dict.fromkeys(notes)))

    def _business_keys(self, snapshot: Snapshot | None, key: str) -> list[str]:
        """`key` itself, and keys of invoices that people know by it."""
        if snapshot is None or "fct_invoice" not in snapshot.manifest.get("row_counts", {}):
            return [key]
        rows = self._warehouse.query_snapshot(
            snapshot, "select invoice_id from fct_invoice where number = ? or source_id = ? order by 1", [key, key]
        )
        return [key, *(row["invoice_id"] for row in rows if row["invoice_id"] != key)]

    def _source_records(
        self, snapshot: Snapshot | None, key: str, intents: Sequence[Mapping[str, Any]],
        events: Sequence[InboxEntry], notes: list[str],
    ) -> list[SourceRecord]:  # fmt: skip
        found: dict[tuple[str, str, str], Mapping[str, Any]] = {}
        tables = snapshot.manifest.get("row_counts", {}) if snapshot else {}
        if snapshot is None:
            notes.append("nothing is published yet: source records cannot be told")
        elif "fct_invoice" in tables:
            keys = [key, *(row["business_key"] for row in intents if row["object"] == "invoice")]
            for about in self._invoices(snapshot, keys):
                self._add(found, "invoice", about)
            for about in self._customers(snapshot, key, intents, tables):
                self._add(found, "customer", about)
        for entry in events:
            for hint in entry.hints:
                if hint.record_key and any(spec.name == hint.stream for spec in self._records.values()):
                    found.setdefault((entry.connection, hint.stream, hint.record_key), {})
        return [
            SourceRecord(connection, stream, record, about, self._versions(connection, stream, record, notes))
            for (connection, stream, record), about in found.items()
        ]

    def _add(self, found: dict[tuple[str, str, str], Mapping[str, Any]], kind: str, about: Mapping[str, Any]) -> None:
        spec = self._records.get((about["connection"], kind))
        if spec is not None:
            found[about["connection"], spec.name, about["source_id"]] = about

    def _invoices(self, snapshot: Snapshot, keys: Sequence[str]) -> list[dict[str, Any]]:
        marks = ", ".join("?" * len(keys))
        return self._warehouse.query_snapshot(
            snapshot,
            "select connection, source_id, number, status, currency, total_amount, open_amount, customer_id "
            f"from fct_invoice where invoice_id in ({marks}) or number in ({marks}) or source_id in ({marks})",
            [*keys, *keys, *keys],
        )

    def _customers(
        self, snapshot: Snapshot, key: str, intents: Sequence[Mapping[str, Any]], tables: Mapping[str, int]
    ) -> list[dict[str, Any]]:
        """Records of the customers behind accounts and balances that are asked for."""
        wanted = [key, *(row["business_key"] for row in intents if row["object"] != "invoice")]
        marks = ", ".join("?" * len(wanted))
        found = []
        for table, column in (
            ("int_salesforce__account_desired", "account_id"),
            ("int_salesforce__account_balance_desired", "external_id"),
        ):
            if table in tables:
                found += self._warehouse.query_snapshot(
                    snapshot,
                    "select distinct source.connection, source.source_id, source.customer_id, source.match_method "
                    f"from {table} as desired inner join bridge_customer_source as source using (customer_id) "
                    f"where desired.{column} in ({marks})",
                    wanted,
                )
        return found

    def _versions(
        self, connection: str, stream: str, record: str, notes: list[str]
    ) -> Sequence[Mapping[str, Any]] | None:
        specs = [s for (name, _), s in self._records.items() if name == connection and s.name == stream]
        if not specs:
            return None
        (key,) = specs[0].primary_key
        try:
            with self._warehouse.writing(timeout=2):
                return self._warehouse.query(
                    "select raw._seq as version, raw._loaded_at as loaded_at, raw._batch_id as batch_id, "
                    "batch.landed_at, raw._is_deleted as is_deleted "
                    f"from {specs[0].table} as raw left join _arsync_batch as batch "
                    "on batch.batch_id = raw._batch_id and batch.connection = raw._connection and batch.stream = ? "
                    f"where raw._connection = ? and raw.{key} = ? order by raw._seq desc limit {VERSIONS}",
                    [stream, connection, record],
                )
        except WarehouseError as error:
            note = f"raw versions are not shown, the warehouse is busy: {error}"
            if note not in notes:
                notes.append(note)
            return None

    def _published(
        self, snapshot: Snapshot | None, intents: Sequence[Mapping[str, Any]], notes: list[str]
    ) -> list[Step]:
        steps = []
        for snapshot_id in sorted({row["snapshot_id"] for row in intents}):
            if snapshot is not None and snapshot.snapshot_id == snapshot_id:
                about = {n: snapshot.manifest.get(n) for n in ("run_id", "as_of_date")}
                steps.append(Step(_instant(snapshot.manifest["created_at"]), "published", snapshot_id, about))
            elif at := _moment_of(snapshot_id):
                steps.append(Step(at, "published", f"{snapshot_id} (not the current one)"))
            else:
                notes.append(f"snapshot {snapshot_id} is not the current one")
        return steps


_ORDER = ("received", "loaded", "published", "planned", "attempt", "audit", "accepted")


def _received(events: Sequence[InboxEntry]) -> list[Step]:
    return [
        Step(
            e.received_at, "received", f"{e.kind} {e.event_id} from {e.connection}: {e.state.value}",
            {"signature": e.signature, "run_id": e.run_id, "settled_at": e.settled_at, "reason": e.reason},
        )
        for e in events
    ]  # fmt: skip


def _loaded(records: Sequence[SourceRecord]) -> list[Step]:
    return [
        Step(
            _instant(row["loaded_at"]), "loaded",
            f"{r.connection}.{r.stream} {r.record_key}: " + ("gone" if row["is_deleted"] else "version")
            + f" {row['version']}",
            {"batch_id": row["batch_id"], "landed_at": row["landed_at"]},
        )
        for r in records for row in r.versions or ()
    ]  # fmt: skip


def _sent(intents: Sequence[Mapping[str, Any]], attempts: Sequence[Attempt]) -> list[Step]:
    steps = []
    for row in intents:
        what = f"{row['object']} {row['business_key']} version {row['version']}"
        fields = sorted(changes(json.loads(row["before"]), json.loads(row["payload"])))
        told = {"connection": row["connection"], "intent_id": row["intent_id"], "fields": fields}
        steps.append(Step(row["created_at"], "planned", f"{what} for {row['connection']}", told))
        if row["state"] == "acknowledged" and row["settled_at"] is not None:
            text = f"{what}: {row['connection']} holds it as {row['target_id'] or row['business_key']}"
            seconds = round((row["settled_at"] - row["created_at"]).total_seconds(), 3)
            steps.append(Step(row["settled_at"], "accepted", text, {"seconds_since_planned": seconds}))
    for one in attempts:
        text = f"{one.kind} {one.number}: {one.outcome or 'under way'}"
        detail = {"ended_at": one.ended_at, "code": one.code, "message": one.message, "intent_id": one.intent_id}
        steps.append(Step(one.started_at, "attempt", text, {n: v for n, v in detail.items() if v}))
    return steps


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """An intent without its payload: values of records stay where they are kept."""
    left_out = {"payload", "before", "payload_hash", "idempotency_key", "next_attempt_at"}
    return {name: value for name, value in row.items() if name not in left_out}


def _instant(value: Any) -> datetime:
    """An instant of the warehouse or of a manifest, which have it in UTC."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _moment_of(snapshot_id: str) -> datetime | None:
    """When a snapshot was made, as its name has it (s00000012-20260701T060000Z)."""
    try:
        return datetime.strptime(snapshot_id.rpartition("-")[2], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
