"""Opens the operational store: SQLite in WAL mode with full syncing, so that what was stored survives a power cut, or
Postgres. Either is brought to the newest schema when it is opened."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from arsync_pipelines.domain.errors import ConfigError, OpsStoreError
from arsync_pipelines.ops.upgrade import upgrade


def open_sqlite(path: Path) -> Engine:
    """An engine on `path`. Every transaction takes the write lock at its start unless it only reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("pragma journal_mode=wal")
        connection.execute("pragma synchronous=full")
        connection.execute("pragma foreign_keys=on")
        connection.execute("pragma cache_size=-65536")  # 64 MB: ids are random, their indexes are touched everywhere

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # a deferred transaction that turns into a writer half-way fails at once instead of waiting
        reading = connection.get_execution_options().get("arsync_reading", False)
        connection.exec_driver_sql("begin" if reading else "begin immediate")

    upgrade(engine)
    return engine


def open_postgres(url: str) -> Engine:
    """An engine on a Postgres database. Raises ConfigError for another address, OpsStoreError when it cannot be opened;
    neither shows the password."""
    try:
        address = make_url(url)
    except ArgumentError:
        address = None
    if address is None or address.get_backend_name() not in {"postgresql", "postgres"}:
        raise ConfigError("ops.url: not an address of the form postgresql://user:password@host:port/database")
    engine = create_engine(
        address.set(drivername="postgresql+psycopg2"), pool_pre_ping=True, connect_args={"options": "-c timezone=utc"}
    )
    try:
        upgrade(engine)
    except OperationalError as error:
        engine.dispose()
        where = f"{address.host}:{address.port or 5432}/{address.database}"
        reason = str(error.orig).strip().splitlines()[0]
        raise OpsStoreError(
            f"the operational store {where} cannot be opened: {reason}. Check ops.url and that the server runs."
        ) from None
    return engine
