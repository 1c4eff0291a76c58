"""Records as an org holds them, with who changed them last. No request is made here.

LastModifiedById is of the record, not of a field: who changed which field is history.py's. Deleting and merging count
as a change of the record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from arsync_pipelines.connectors.salesforce import soql
from arsync_pipelines.connectors.salesforce.payload import ObjectShape, observed
from arsync_pipelines.ports.sink import Sighting

STAMPS: tuple[str, ...] = ("IsDeleted", "LastModifiedById", "LastModifiedBy.Name", "LastModifiedDate")
"""Fields that tell who and when, of every object."""

MERGED: tuple[str, ...] = ("MasterRecordId",)
"""The field that tells of a merge, of accounts."""


def sighting(shape: ObjectShape, record: Mapping[str, Any], own_user: str) -> Sighting:
    """A record with STAMPS as a sighting. `own_user`: id of the user that we act as, of 15 or 18 characters."""
    by_id = str(record.get("LastModifiedById") or "")
    by = record.get("LastModifiedBy") or {}
    return Sighting(
        record_id=str(record["Id"]),
        values=observed(shape, record, {}),
        by_id=by_id,
        by=str(by.get("Name") or ""),
        is_own_user=bool(by_id) and by_id[:15] == own_user[:15],
        changed_at=_instant(record.get("LastModifiedDate")),
        is_deleted=bool(record.get("IsDeleted")),
        merged_into=str(record.get("MasterRecordId") or ""),
    )


def newest(found: Sequence[Sighting]) -> Sighting:
    """Of several records under one key a living one before deleted ones, and of these the one that changed last."""
    return max(found, key=lambda s: (not s.is_deleted, s.changed_at.timestamp() if s.changed_at else 0.0))


def _instant(value: Any) -> datetime | None:
    return soql.instant(str(value)) if value else None
