"""The operational store on every database that it may be kept in. A new one adds a line to DATABASES."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import text

from arsync_pipelines.ops.store import OpsStore, open_store
from tests.contract.ops.values import Place
from tests.fixtures.postgres import Postgres, postgres

__all__ = ["postgres"]

Address = Callable[[pytest.FixtureRequest], str]
_numbers = count()


def _empty(request: pytest.FixtureRequest) -> str:
    server: Postgres = request.getfixturevalue("postgres")
    return server.database(f"empty_{next(_numbers)}")


def _migrated(request: pytest.FixtureRequest) -> str:
    server: Postgres = request.getfixturevalue("postgres")
    template = request.getfixturevalue("migrated_template")
    name = f"ops_{next(_numbers)}"
    server.execute(f'create database "{name}" template "{template}"')
    return server.url_of(name)


DATABASES: dict[str, tuple[Address, Address]] = {
    "sqlite": (lambda _request: "", lambda _request: ""),
    "postgres": (_empty, _migrated),
}


@pytest.fixture(scope="session")
def migrated_template(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database of the newest schema; copying it is quicker than migrating for every test."""
    url = postgres.database("ops_template")
    open_store(tmp_path_factory.mktemp("template") / "ops.sqlite", url).close()
    return "ops_template"


@pytest.fixture(params=sorted(DATABASES))
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place where no store is yet."""
    return Place(tmp_path, DATABASES[request.param][0](request))


@pytest.fixture(params=sorted(DATABASES))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place for a store; on Postgres one of the newest schema."""
    return Place(tmp_path, DATABASES[request.param][1](request))


@pytest.fixture
def ops(place: Place) -> Iterator[OpsStore]:
    """An empty store."""
    opened = place.open()
    yield opened
    opened.close()


@pytest.fixture
def tamper(ops: OpsStore) -> Callable[[str], None]:
    """Runs SQL as somebody would who owns the database: the guarding triggers do not bind him."""

    def run(sql: str) -> None:
        with ops.engine.begin() as db:
            if ops.engine.dialect.name == "postgresql":
                db.execute(text("set local session_replication_role = replica"))
            else:
                triggers = db.execute(text("select name from sqlite_master where type = 'trigger'")).scalars().all()
                for name in triggers:
                    db.execute(text(f"drop trigger {name}"))
            for statement in sql.split(";"):
                if statement.strip():
                    db.execute(text(statement))

    return run
