"""Tables of leases: who may act under a name, until when, and with which token."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, String, Table

from arsync_pipelines.ops.tables.base import Instant, metadata

lease = Table(
    "lease",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("holder", String(100), nullable=False),
    # of its last holder; a token is given once, whatever the name
    Column("token", BigInteger, nullable=False, unique=True),
    Column("expires_at", Instant, nullable=False),
)

lease_counter = Table(
    "lease_counter",
    metadata,
    # one row: the highest token ever given
    Column("counter_id", Integer, primary_key=True, autoincrement=False),
    Column("token", BigInteger, nullable=False),
    CheckConstraint("counter_id = 1", name="lease_counter_only"),
)
