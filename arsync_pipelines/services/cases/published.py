"""Exception cases as they stand, copied from the operational store to the warehouse, where a mart shows them.

All of them, in place of what was copied before: a case changes for as long as it stands.
"""

from __future__ import annotations

from datetime import UTC, datetime

from arsync_pipelines.ops.cases.find import CaseFilter
from arsync_pipelines.ops.cases.store import CaseStore
from arsync_pipelines.ports.warehouse import Warehouse

TABLE = "raw_arsync__case"
_TEXTS = (
    "case_id", "fingerprint", "origin", "state", "failure_class", "code", "system", "connection", "object",
    "business_key", "field", "legal_entity_id", "customer_id", "region", "invoice", "currency", "owner", "assignee",
    "correlation_id",
)  # fmt: skip
_TIMES = ("first_seen_at", "last_seen_at", "moved_at", "sla_due_at", "waived_until")
_COLUMNS = {
    **dict.fromkeys(_TEXTS, "varchar"), "amount": "varchar", "occurrences": "integer",
    **dict.fromkeys(_TIMES, "timestamp"),
}  # fmt: skip


def copy(store: CaseStore, warehouse: Warehouse) -> int:
    """Replace what was copied; how many cases. Inside `warehouse.writing()`."""
    rows = [
        (
            *(str(getattr(case, name)) or None for name in _TEXTS),
            None if case.amount is None else format(case.amount, "f"),
            case.occurrences,
            *(_naive(getattr(case, name)) for name in _TIMES),
        )
        for case in store.find(CaseFilter(states=()))
    ]
    warehouse.replace_table(TABLE, _COLUMNS, rows)
    return len(rows)


def _naive(at: datetime | None) -> datetime | None:
    """UTC without a zone, as the warehouse keeps instants."""
    return None if at is None else at.astimezone(UTC).replace(tzinfo=None)
