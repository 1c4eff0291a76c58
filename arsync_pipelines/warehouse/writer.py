"""The one writing connection of a file in this process: opened late, kept while dbt writes, closed with the lock."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb

from arsync_pipelines.domain.errors import WarehouseError
from arsync_pipelines.warehouse.lock import WriterLock
from arsync_pipelines.warehouse.tables import BOOKKEEPING

_writers: weakref.WeakValueDictionary[Path, Writer] = weakref.WeakValueDictionary()
_registry = threading.Lock()
_ORPHAN_S = 30.0
_CLOSING = {"checkpoint_threshold", "wal_autocheckpoint"}
"""Settings that a borrower may leave: what it wrote goes into the file when the connection is closed."""


class Writer:
    """Use `Writer.of`: all warehouses of one process on one file share the lock and the connection."""

    def __init__(self, database: Path, config: Mapping[str, str]) -> None:
        self.lock = WriterLock(database)
        self._database = database
        self.options = dict(config)
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._closing: threading.Thread | None = None
        self._operation = threading.RLock()
        self._lent = False

    @classmethod
    def of(cls, database: Path, config: Mapping[str, str]) -> Writer:
        """The process's writer of that file, made with `config` if it is the first."""
        path = database.absolute()
        with _registry:
            writer = _writers.get(path)
            if writer is None:
                writer = _writers[path] = cls(path, config)
            return writer

    @contextmanager
    def writing(self, timeout: float, *, closing_behind: bool = False) -> Iterator[None]:
        """Hold the writer lock; the last to leave closes the connection, or with `closing_behind` lets a thread do it.

        Committed rows stand in the log beside the file already; closing brings them into the file.
        """
        self._await_closing()
        self.lock.acquire(timeout)
        try:
            yield
        finally:
            with self._operation:
                if self.lock.is_last and closing_behind and self._connection is not None:
                    self._close_behind()
                else:
                    if self.lock.is_last:  # before the lock goes: whoever waits for it opens the file at once
                        self._close()
                    self.lock.release()

    @contextmanager
    def operation(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The connection, for one operation at a time. Raises WarehouseError outside writing() or while lent."""
        self._await_closing()
        if not self.lock.held:
            raise WarehouseError("the working warehouse may be used inside writing() only; readers open a snapshot")
        with self._operation:
            if self._lent:
                raise WarehouseError("the working warehouse is lent to dbt; wait until its build has ended")
            if self._connection is None:
                self._await_closing()  # again: who entered just before the last one left gets here first now
                self._connection = self._open()
            try:
                yield self._connection
            except duckdb.Error as error:
                if isinstance(error, duckdb.FatalException | duckdb.InternalException | duckdb.IOException):
                    self._close()
                raise WarehouseError(f"the warehouse {self._database} refused: {error}") from error

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """An operation that commits at its end, or leaves nothing."""
        with self.operation() as connection:
            connection.begin()
            try:
                yield connection
                connection.commit()
            except BaseException as error:
                self._roll_back(connection, error)
                raise

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Inside writing(): keep out of the file, which another library of this process writes. Other threads wait.

        It shares the engine with our connection, if it opens the file with our very options: nothing is closed,
        written to the disk and opened again in between. What it sets there is set back.
        """
        with self.operation() as connection:
            before = _settings(connection)
            self._lent = True
            try:
                yield
            finally:
                self._lent = False
                self._set_back(connection, before)

    def _open(self) -> duckdb.DuckDBPyConnection:
        ends = time.monotonic() + _ORPHAN_S
        try:
            while True:
                try:
                    connection = duckdb.connect(self._database, config=dict(self.options))
                    break
                except duckdb.IOException as error:
                    # the child of a process that was killed may still be writing: it ends by itself
                    if "lock" not in str(error) or time.monotonic() > ends:
                        raise
                    time.sleep(0.2)
            connection.execute("set enable_progress_bar = false")  # it would stand in the midst of our own output
            connection.execute(BOOKKEEPING)
            return connection
        except duckdb.Error as error:
            raise WarehouseError(
                f"cannot open the warehouse {self._database}: {error}. If another program has it open, close that; if "
                "the file is damaged or of a newer version, move it away and load again from the landing files"
            ) from error

    def _set_back(self, connection: duckdb.DuckDBPyConnection, before: Mapping[str, str]) -> None:
        """Give the engine the settings it had; one that is of no use any more is closed, to be opened anew."""
        try:
            for name, value in _settings(connection).items():
                if value != before.get(name) and name not in _CLOSING:
                    given = self.options.get(name)
                    connection.execute(f"reset global {name}" if given is None else f"set global {name} = '{given}'")
        except duckdb.Error:
            self._close()

    def _close_behind(self) -> None:
        connection, self._connection = self._connection, None

        def close() -> None:
            try:
                if connection is not None:
                    connection.close()
            finally:
                self.lock.release()

        self._closing = threading.Thread(target=close, name="arsync-close")
        self._closing.start()

    def _await_closing(self) -> None:
        """Until what a thread closes is closed: a file that is being closed may not be opened a second time."""
        closing = self._closing
        if closing is not None:
            closing.join()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @staticmethod
    def _roll_back(connection: duckdb.DuckDBPyConnection, error: BaseException) -> None:
        """Undo; what failed first matters, so a failing rollback is only noted on it."""
        try:
            connection.rollback()
        except duckdb.Error as rollback_error:
            error.add_note(f"rolling back failed as well: {rollback_error}")


def _settings(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The engine's settings; those of a single connection are not of interest here."""
    return dict(connection.execute("select name, value from duckdb_settings() where scope = 'GLOBAL'").fetchall())
