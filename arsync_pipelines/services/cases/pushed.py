"""Held intents as problems: what is at risk and for whom, by their payload and the published snapshot."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from arsync_pipelines.domain.cases import Problem
from arsync_pipelines.domain.push import FailureClass, IntentState
from arsync_pipelines.domain.taxonomy import Taxonomy
from arsync_pipelines.ops.cases.held import HeldIntent
from arsync_pipelines.ports.warehouse import Snapshot, Warehouse
from arsync_pipelines.services.plan import sync_table

NOT_CONFIRMED = "NOT_CONFIRMED"
_AT_RISK = ("open_amount", "open_balance")
_FIELDS = re.compile(r"\(fields ([\w, .]+)\)")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the published snapshot says of the records of one object of one connection.

    `rows`: by business key, those that differ from the target still. `seen_at`: when the target was looked at for it,
    None for a snapshot that cannot tell.
    """

    rows: Mapping[str, Mapping[str, Any]]
    seen_at: datetime | None

    def has_gone(self, intent: HeldIntent) -> bool:
        """Whether the target was looked at after the intent came to be held, and no longer differs."""
        return self.seen_at is not None and self.seen_at > intent.held_at and intent.business_key not in self.rows


NOTHING_KNOWN = Wanted({}, None)


def wanted(
    warehouse: Warehouse, snapshot: Snapshot, tables: frozenset[str], system: str, connection: str, name: str,
    keys: Sequence[str], stream: str,
) -> Wanted:  # fmt: skip
    """What `snapshot` (with these `tables`) says of the records `keys` of an object, which `stream` reads back."""
    table = sync_table(system, name)
    if not {table, "dim_customer", "dim_legal_entity"} <= tables:
        return NOTHING_KNOWN
    rows = warehouse.query_snapshot(
        snapshot,
        "select d.business_key, d.customer_id, d.legal_entity_id, c.name as customer_name,"
        f" coalesce(c.country, e.country) as region from {table} as d"
        " left join dim_customer as c on d.customer_id = c.customer_id"
        " left join dim_legal_entity as e on d.legal_entity_id = e.legal_entity_id"
        " where d.connection = ? and d.business_key in (select unnest(?::varchar[]))",
        [connection, list(keys)],
    )
    text = snapshot.manifest.get("watermarks", {}).get(connection, {}).get(stream, {}).get("read_started_at")
    seen = datetime.fromisoformat(text) if text else None
    if seen is not None and seen.tzinfo is None:
        seen = seen.replace(tzinfo=UTC)
    return Wanted({row["business_key"]: row for row in rows}, seen)


def problem(taxonomy: Taxonomy, system: str, intent: HeldIntent, known: Mapping[str, Any]) -> Problem:
    """What is wrong with a held intent; `known` is the snapshot's row for its record, {} without one."""
    code = intent.code or (NOT_CONFIRMED if intent.state is IntentState.DEAD else "")
    failure_class = FailureClass(intent.failure_class) if intent.failure_class else None
    failure = taxonomy.find(system, code, failure_class)
    named = _FIELDS.search(intent.message)
    payload = intent.payload
    return Problem(
        origin="push",
        failure=failure,
        code=code or failure.code,
        system=system,
        connection=intent.connection,
        object=intent.object,
        record=intent.business_key,
        business_key=intent.business_key,
        evidence=f"{intent.intent_id} {intent.held_at.astimezone(UTC).isoformat()}",
        message=intent.message or failure.title,
        seen_at=intent.held_at,
        failure_class=failure_class,
        field=named.group(1) if named else "",
        legal_entity_id=known.get("legal_entity_id") or "",
        customer_id=known.get("customer_id") or "",
        customer_name=known.get("customer_name") or "",
        region=known.get("region") or "",
        invoice=str(payload.get("number") or "") if intent.object == "invoice" else "",
        amount=_amount(payload),
        currency=str(payload.get("currency") or ""),
        correlation_id=intent.correlation_id,
        intent_id=intent.intent_id,
    )


def _amount(payload: Mapping[str, Any]) -> Decimal | None:
    for name in _AT_RISK:
        if payload.get(name) is not None:
            try:
                return Decimal(str(payload[name]))
            except InvalidOperation:
                return None
    return None
