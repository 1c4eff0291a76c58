"""Table of what all who send to a connection share: a row of domain.limits.LimitState each."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Integer, String, Table, false

from arsync_pipelines.ops.tables.base import Instant, metadata

connection_limit = Table(
    "connection_limit",
    metadata,
    Column("connection", String(100), primary_key=True),
    Column("tokens", Float, nullable=False),
    Column("refilled_at", Instant, nullable=False),
    # the vendor asked for silence until then
    Column("not_before", Instant),
    # UTC day of `used`, ISO 8601
    Column("day", String(10), nullable=False),
    Column("used", Integer, nullable=False),
    # the vendor's own count
    Column("told_used", Integer),
    Column("told_limit", Integer),
    Column("told_at", Instant),
    Column("failures", Integer, nullable=False),
    Column("openings", Integer, nullable=False),
    Column("open_until", Instant),
    Column("probing", Boolean, nullable=False, server_default=false()),
)
