"""Dagster's own storage: SQLite in the instance's folder, or Postgres when the environment names a database.

The event log in SQLite keeps its connections: Dagster's own opens an engine, waits for the disk and closes the file for
each of the thousand events of a run, which costs more than the run's work. After a power cut the last events of a run
may be missing; nothing of the pipeline's own state is kept here.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import dagster as dg
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClass, ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from sqlalchemy import Connection, Engine, create_engine, make_url
from sqlalchemy.event import listen

from arsync_pipelines import bootstrap

_OPEN_SHARDS = 8

# what a run is going to make, an event for every asset and check, is stored in one go and not one by one
os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "1000")


class ChosenStorage(DagsterStorage, ConfigurableClass):
    """Named in dagster.yaml; building it answers one of the two storages."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {"base_dir": dg.Field(str, is_required=False)}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Any:  # one of the two storages, never this class itself
        home, postgres_url = bootstrap.dagster_storage()
        if postgres_url:
            config: Any = {"postgres_url": _with_driver(postgres_url), "should_autocreate_tables": True}
            return DagsterPostgresStorage.from_config_value(inst_data, config)
        return SqliteStorage(config_value.get("base_dir") or str(home))


class SqliteStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage with an event log that keeps its connections."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = KeptEventLog(self._event_log_storage._base_dir)


class _Batch:
    """Connections, by file, on which a batch of events is being stored; `ending` commits them."""

    def __init__(self, ending: ExitStack) -> None:
        self.ending = ending
        self.connections: dict[str, Connection] = {}


class KeptEventLog(SqliteEventLogStorage):
    """One engine per database file, the few used last kept open; files and tables are Dagster's."""

    def __init__(self, base_dir: str) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._columns: set[str] = set()
        self._batch = threading.local()
        super().__init__(base_dir)
        self._db_lock: Any = threading.RLock()  # one file after the other, within a batch

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        batch: _Batch | None = getattr(self._batch, "open", None)
        if batch is None:
            with self._transaction(shard) as connection:
                yield connection
        else:
            if shard not in batch.connections:
                batch.connections[shard] = batch.ending.enter_context(self._transaction(shard))
            yield batch.connections[shard]

    @contextmanager
    def _transaction(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def store_event(self, event: dg.EventLogEntry) -> None:
        """Store it and touch the run's file: the UI watches that one, and the news stand in the one beside it."""
        super().store_event(event)
        os.utime(self.path_for_shard(event.run_id))

    def store_event_batch(self, events: Sequence[dg.EventLogEntry]) -> None:
        """Store them in one transaction of each file: all of them, or none, and Dagster stores them one by one."""
        with ExitStack() as ending:
            self._batch.open = _Batch(ending)
            ending.callback(setattr, self._batch, "open", None)
            super().store_event_batch(events)

    def has_asset_key_col(self, column_name: str) -> bool:
        """Whether Dagster's table has a column, which it asks thrice for every event: what is there stays."""
        return column_name in self._columns or super().has_asset_key_col(column_name)

    def _has_asset_key_col_on_connection(self, conn: Connection, column_name: str) -> bool:
        if column_name not in self._columns and super()._has_asset_key_col_on_connection(conn, column_name):
            self._columns.add(column_name)
        return column_name in self._columns

    def _engine(self, shard: str) -> Engine:
        engine = self._engines.pop(shard, None)
        if engine is None:
            timeout = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
            engine = create_engine(self.conn_string_for_shard(shard), connect_args=timeout, pool_size=1)
            listen(engine, "connect", _spare_the_disk)
        self._engines[shard] = engine
        while len(self._engines) > _OPEN_SHARDS:
            self._engines.popitem(last=False)[1].dispose()
        return engine

    def dispose(self) -> None:
        """Close the files."""
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()
        super().dispose()


def _with_driver(address: str) -> str:
    """The address with the driver that Dagster brings, where it names none: SQLAlchemy would take another."""
    url = make_url(address)
    if url.drivername in {"postgres", "postgresql"}:
        url = url.set(drivername="postgresql+psycopg2")
    return url.render_as_string(hide_password=False)


def _spare_the_disk(connection: Any, _record: Any) -> None:
    connection.execute("pragma journal_mode = wal")  # Dagster turns to it too, but only after a wait for each table
    connection.execute("pragma synchronous = normal")
