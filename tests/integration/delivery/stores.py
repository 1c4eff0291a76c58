"""Empty operational stores by the thousand, on either database: each a copy of one that was migrated once.

with stores("postgres") as fresh:
    with fresh.place() as place:
        place.open()
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from sqlalchemy import event

from arsync_pipelines.ops.clock import Clock
from arsync_pipelines.ops.store import OpsStore, open_store
from tests.contract.ops.values import Place
from tests.fixtures.postgres import Postgres, running_postgres

DATABASES = ("sqlite", "postgres")


class Stores(Protocol):
    """Places for stores on one database."""

    database: str

    def place(self) -> AbstractContextManager[Place]:
        """A place with an empty store of the newest schema; gone in the end."""
        ...


class SqliteStores:
    """Files, copied."""

    database = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()
        open_store(folder / "template" / "ops.sqlite").close()

    @contextmanager
    def place(self) -> Iterator[Place]:
        folder = self._folder / str(next(self._numbers))
        shutil.copytree(self._folder / "template", folder)
        try:
            yield Place(folder, "")
        finally:
            shutil.rmtree(folder)


class PostgresStores:
    """Databases of one server, copied."""

    database = "postgres"

    def __init__(self, folder: Path, server: Postgres) -> None:
        self._folder = folder
        self._server = server
        self._numbers = count()
        self._template = f"template_of_{folder.name}"
        open_store(folder / "ops.sqlite", server.database(self._template)).close()

    @contextmanager
    def place(self) -> Iterator[Place]:
        number = next(self._numbers)
        name, folder = f"{self._template}_{number}", self._folder / str(number)
        folder.mkdir()
        self._server.execute(f'create database "{name}" template "{self._template}"')
        try:
            yield Place(folder, self._server.url_of(name))
        finally:
            self._server.execute(f'drop database "{name}" with (force)')
            shutil.rmtree(folder)


@contextmanager
def stores(database: str, server: Postgres | None = None) -> Iterator[Stores]:
    """Stores on "sqlite" or "postgres"; without a `server`, one of its own."""
    with TemporaryDirectory() as folder:
        if database == "sqlite":
            yield SqliteStores(Path(folder))
        elif server is not None:
            yield PostgresStores(Path(folder), server)
        else:
            with running_postgres() as own:
                yield PostgresStores(Path(folder), own)


def opened_for_simulation(place: Place, clock: Clock) -> OpsStore:
    """A store that several simulated processes use in turn, without what only a power cut would need."""
    ops = place.open(clock)
    if ops.engine.dialect.name == "sqlite":
        ops.engine.dispose()

        @event.listens_for(ops.engine, "connect")
        def _no_sync(connection: Any, _record: Any) -> None:
            connection.execute("pragma synchronous=off")

    return ops
