"""Opens the operational store. SQLite runs in WAL mode with full syncing: what was stored survives a power cut."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event

from arsync_pipelines.ops.tables import metadata


def open_sqlite(path: Path) -> Engine:
    """An engine on `path`, its tables created where missing. Every transaction takes the write lock at its start."""
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("pragma journal_mode=wal")
        connection.execute("pragma synchronous=full")
        connection.execute("pragma foreign_keys=on")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # a deferred transaction that turns into a writer half-way fails at once instead of waiting
        connection.exec_driver_sql("begin immediate")

    metadata.create_all(engine)
    return engine
