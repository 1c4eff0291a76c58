"""What is measured of the operational store and the published snapshot, each time metrics are exported: few queries, of
which none locks anybody out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from arsync_pipelines.ops.store import OpsStore
from arsync_pipelines.ports.warehouse import Warehouse
from arsync_pipelines.telemetry.otel import Level, OtelListener


def observe(listener: OtelListener, ops: OpsStore, warehouse: Warehouse) -> None:
    """Measure these from now on."""
    listener.observe("intents", "Intended changes in the store, by state.", lambda: _intents(ops))
    listener.observe("quota.left", "Requests that a quota still allows, as last told.", lambda: _quotas(ops))
    listener.observe("inbox.pending", "Events whose records are not read again yet.", lambda: _pending(ops))
    listener.observe("inbox.oldest", "Age of the oldest of them.", lambda: _oldest(ops), "s")
    listener.observe("cases", "Exception cases that stand, by owner and class.", lambda: _cases(ops))
    listener.observe("lag", "Time since a stream of the published snapshot was read.", lambda: _lag(warehouse), "s")


def _intents(ops: OpsStore) -> Iterator[Level]:
    for row in ops.intents.counts():
        yield row["intents"], {name: row[name] for name in ("connection", "object", "state")}


def _quotas(ops: OpsStore) -> Iterator[Level]:
    for seen in ops.alerts.quotas():
        yield seen.quota.allowed - seen.quota.used, {"connection": seen.connection, "quota": seen.quota.name}


def _pending(ops: OpsStore) -> Iterator[Level]:
    for one in ops.inbox.backlog():
        yield one.events, {"connection": one.connection}


def _oldest(ops: OpsStore) -> Iterator[Level]:
    now = datetime.now(UTC)
    for one in ops.inbox.backlog():
        yield max(0.0, (now - one.oldest).total_seconds()), {"connection": one.connection}


def _cases(ops: OpsStore) -> Iterator[Level]:
    counted = Counter((case.owner, case.failure_class, case.state.value) for case in ops.cases.find())
    for (owner, failure_class, state), number in sorted(counted.items()):
        yield number, {"owner": owner, "class": failure_class, "state": state}


def _lag(warehouse: Warehouse) -> Iterator[Level]:
    snapshot, now = warehouse.current_snapshot(), datetime.now(UTC)
    if snapshot is None:
        return
    for connection, streams in snapshot.manifest.get("watermarks", {}).items():
        for stream, read in streams.items():
            at = datetime.fromisoformat(read["read_started_at"])
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            yield max(0.0, (now - at).total_seconds()), {"connection": connection, "stream": stream}
