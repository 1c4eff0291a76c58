"""Brings the operational store to the newest schema. Several processes may open it at once: one migrates, all wait.

A revision is one transaction with all others of the same opening: a store is wholly upgraded or as it was.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from arsync_pipelines.domain.errors import OpsStoreError
from arsync_pipelines.ops.migrations import HEAD, VERSION_TABLE

_LOCK = 0x61727379  # any number that nobody else takes an advisory lock on


def upgrade(engine: Engine) -> None:
    """Run what is missing. Raises OpsStoreError for a store that a newer arsync has made."""
    with engine.connect().execution_options(arsync_reading=True) as db:
        if _revision(db) == HEAD:
            return
    with engine.begin() as db:  # on SQLite this takes the write lock
        if engine.dialect.name == "postgresql":
            db.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        found = _revision(db)
        if found == HEAD:
            return
        if found is not None and found > HEAD:
            raise OpsStoreError(
                f"the operational store {engine.url.render_as_string()} has schema {found}, made by a newer arsync; "
                f"this one knows {HEAD}. Upgrade arsync."
            )
        _run(db)


def _revision(db: Connection) -> str | None:
    if not inspect(db).has_table(VERSION_TABLE):
        return None
    found = db.execute(text(f"select version_num from {VERSION_TABLE}")).scalar()
    return None if found is None else str(found)


def _run(db: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = db
    command.upgrade(config, "head")
