"""Which conditions hold now, as the operational store and the published snapshot know them.

Failed runs are Dagster's to tell, see defs/maintenance.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from arsync_pipelines.domain.alerts import AlertKind, Condition
from arsync_pipelines.domain.cases import CaseState, Origin
from arsync_pipelines.ops.alerts import QuotaSeen
from arsync_pipelines.ops.cases.find import CaseFilter, CaseGroup
from arsync_pipelines.ops.cases.store import CaseStore
from arsync_pipelines.ports.warehouse import Snapshot, Warehouse

LOOKED_FOR = frozenset(AlertKind) - {AlertKind.RUN_FAILED}
"""Kinds that `holding` finds all conditions of."""

_CRITICAL = """
select check_name, legal_entity_id, currency, count(*) as findings, sum(amount) as amount,
    arg_max(detail, amount) as example
from recon_finding where closed_at is null and severity = 'critical'
group by check_name, legal_entity_id, currency order by all
"""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When something is worth an alert: a read older than `freshness`, a quota used up to `quota_percent`."""

    freshness: timedelta = timedelta(hours=24)
    quota_percent: int = 80


def holding(
    cases: CaseStore, warehouse: Warehouse, quotas: Sequence[QuotaSeen], connections: Collection[str],
    thresholds: Thresholds, now: datetime,
) -> list[Condition]:  # fmt: skip
    """Every condition of LOOKED_FOR. `connections`: those configured; what is not is not missed."""
    snapshot = warehouse.current_snapshot()
    return [
        *_rejected(cases, now),
        *_overdue(cases, now),
        *_quotas([seen for seen in quotas if seen.connection in connections], thresholds.quota_percent, now),
        *(_stale(snapshot, connections, thresholds.freshness, now) if snapshot else ()),
        *(_differences(warehouse, snapshot) if snapshot else ()),
    ]


def _rejected(cases: CaseStore, now: datetime) -> list[Condition]:
    found = []
    for origin in _REFUSED:
        for group in cases.groups(CaseFilter(states=(CaseState.OPEN,), origin=origin), now):
            title = f"{_rows(group.cases)} of {_where(group)} {_REFUSED[origin]}: {group.code}"
            text = f"{group.example} {_at_risk(group.amounts)} For {_team(group.owner)}: {_look(group)}"
            found.append(
                Condition(AlertKind.REJECTED_ROWS, group.fingerprint, title, _plain(text), group.cases)
            )  # fmt: skip
    return found


_REFUSED: Mapping[Origin, str] = {
    "push": "rejected", "ingest": "set aside", "landing": "not as expected", "drift": "taken from us in the target"
}  # fmt: skip


def _overdue(cases: CaseStore, now: datetime) -> list[Condition]:
    return [
        Condition(
            AlertKind.SLA_BREACH, group.fingerprint,
            f"{group.cases} case{'s' * (group.cases > 1)} of {_where(group)} overdue: {group.code}",
            _plain(
                f"Due since {group.sla_due_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC. {_at_risk(group.amounts)} "
                f"For {_team(group.owner)}: {_look(group)}"
            ),
            group.cases,
        )
        for group in cases.groups(CaseFilter(overdue_at=now), now)
    ]  # fmt: skip


def _quotas(levels: Sequence[QuotaSeen], percent: int, now: datetime) -> list[Condition]:
    """A level that was seen more than a day ago says nothing: quotas are of a day."""
    return [
        Condition(
            AlertKind.QUOTA, f"{seen.connection} {seen.quota.name}",
            f"{seen.connection}: {seen.quota.percent} % of {seen.quota.name} used",
            f"{seen.quota.used:,} of {seen.quota.allowed:,}, seen {seen.seen_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC. "
            "Push less often, find who else uses them up, or raise the limit.",
            seen.quota.percent,
        )
        for seen in levels
        if seen.quota.percent >= percent and seen.seen_at > now - timedelta(days=1)
    ]  # fmt: skip


def _stale(
    snapshot: Snapshot, connections: Collection[str], allowed: timedelta, now: datetime
) -> list[Condition]:  # fmt: skip
    found = []
    watermarks: Mapping[str, Mapping[str, Mapping[str, Any]]] = snapshot.manifest.get("watermarks", {})
    for connection in sorted(connections):
        read = {stream: _instant(w["read_started_at"]) for stream, w in watermarks.get(connection, {}).items()}
        late = sorted((at, stream) for stream, at in read.items() if at < now - allowed)
        if late:
            oldest, stream = late[0]
            title = f"{connection}: {len(late)} of {len(read)} streams not read for {_hours(now - oldest)}"
            text = (
                f"{stream} was last read on {oldest:%Y-%m-%d %H:%M} UTC; {_hours(allowed)} are allowed. See the last "
                "runs, or whether the sensors are on."
            )
            found.append(Condition(AlertKind.FRESHNESS, connection, title, text, len(late)))
    return found


def _differences(warehouse: Warehouse, snapshot: Snapshot) -> list[Condition]:
    known = warehouse.query_snapshot(
        snapshot,
        "select 1 from information_schema.columns where table_name = 'recon_finding' and column_name = 'severity'",
    )
    if not known:
        return []
    return [
        Condition(
            AlertKind.RECONCILIATION, f"{row['check_name']} {row['legal_entity_id']} {row['currency']}",
            f"{row['check_name']}: {row['findings']} critical finding{'s' * (row['findings'] > 1)}"
            + (f" in {row['legal_entity_id']}" if row["legal_entity_id"] else ""),
            _plain(
                f"{_at_risk({row['currency'] or '': row['amount']}) if row['amount'] is not None else ''} "
                f"{row['example'] or ''} `arsync prove` shows all."
            ),
            row["findings"],
        )
        for row in warehouse.query_snapshot(snapshot, _CRITICAL)
    ]  # fmt: skip


def _rows(number: int) -> str:
    return f"{number:,} row{'s' * (number != 1)}"


def _where(group: CaseGroup) -> str:
    return ".".join(filter(None, (group.connection, group.object)))


def _team(owner: str) -> str:
    return owner.replace("_", " ")


def _look(group: CaseGroup) -> str:
    return f"`arsync cases list --group {group.fingerprint}`"


def _at_risk(amounts: Mapping[str, Decimal]) -> str:
    told = ", ".join(f"{amount:,.2f} {currency}".strip() for currency, amount in sorted(amounts.items()))
    return f"At risk: {told}." if told else ""


def _hours(span: timedelta) -> str:
    return f"{int(span.total_seconds() // 3600)} hours"


def _plain(text: str) -> str:
    return " ".join(text.split())


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
