"""Table of what was archived: a row per file. It is what authorises the removal of the rows in that file, so it is kept
as the audit is: triggers refuse to change it, and take a row for the audit only where it continues the chain."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from arsync_pipelines.ops.tables.base import Instant, metadata

archive_segment = Table(
    "archive_segment",
    metadata,
    Column("segment_id", Integer, primary_key=True, autoincrement=False),
    # of ops.archive.kinds, or `audit`
    Column("kind", String(20), nullable=False),
    # canonical JSON, table -> rows
    Column("rows", Text, nullable=False),
    # canonical JSON, state -> rows of the first table
    Column("states", Text, nullable=False),
    Column("first_id", String(255), nullable=False),
    Column("last_id", String(255), nullable=False),
    # of the audit alone: the rows, the hash that the first follows, and the hash of the last
    Column("first_seq", BigInteger),
    Column("last_seq", BigInteger),
    Column("previous_hash", String(64), nullable=False),
    Column("last_hash", String(64), nullable=False),
    # the instants between which its rows began and ended
    Column("from_at", Instant, nullable=False),
    Column("to_at", Instant, nullable=False),
    Column("file", String(200), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Index("archive_segment_kind", "kind", "last_seq"),
)
