"""Table of drift: one row for each thing that others did to our records. What became of it is its intent's state."""

from __future__ import annotations

from typing import get_args

from sqlalchemy import Boolean, CheckConstraint, Column, Index, String, Table, Text

from arsync_pipelines.domain.drift import Action, Kind
from arsync_pipelines.ops.tables.base import Instant, metadata


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} in ({listed})", name=f"drift_finding_{column}")


drift_finding = Table(
    "drift_finding",
    metadata,
    Column("finding_id", String(36), primary_key=True),
    Column("connection", String(100), nullable=False),
    Column("object", String(60), nullable=False),
    Column("business_key", String(255), nullable=False),
    Column("parent_key", String(255), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("action", String(20), nullable=False),
    Column("found_at", Instant, nullable=False),
    Column("snapshot_id", String(64), nullable=False),
    Column("record_id", String(64), nullable=False),
    Column("by_id", String(64), nullable=False),
    Column("by_name", Text, nullable=False),
    Column("is_own_user", Boolean, nullable=False),
    Column("changed_at", Instant),
    Column("merged_into", String(64), nullable=False),
    # canonical field -> {verdict, acknowledged, desired, observed, edit, edit_unknown}
    Column("fields", Text, nullable=False),
    # what puts it right; "" when nothing is sent
    Column("intent_id", String(36), nullable=False),
    Column("correlation_id", String(36), nullable=False),
    _one_of("kind", get_args(Kind)),
    _one_of("action", get_args(Action)),
    Index("drift_finding_record", "connection", "object", "business_key", "found_at"),
    Index("drift_finding_found", "found_at"),
)
