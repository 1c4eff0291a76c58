"""Published states: one folder each with a read-only database file and a manifest, and a link `current` to the newest.

    <folder>/s00000012-20260701T060000Z/arsync.duckdb
    <folder>/s00000012-20260701T060000Z/manifest.json
    <folder>/current -> s00000012-20260701T060000Z

A folder appears by rename when it is complete, the link changes by rename after it: a reader gets a whole state or the
one before, and a file that someone has open lives on until it is closed.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from arsync_pipelines.domain.durable import point_to, sha256, sync, write_synced
from arsync_pipelines.domain.errors import WarehouseError
from arsync_pipelines.domain.failpoint import failpoint
from arsync_pipelines.ports.warehouse import Snapshot, TableFunction
from arsync_pipelines.warehouse.tables import identifier, literal

_DATABASE = "arsync.duckdb"
_MANIFEST = "manifest.json"
_log = logging.getLogger(__name__)


class SnapshotStore:
    """The folder of snapshots; `publish` needs the writer's connection, everything else needs nothing of the writer."""

    def __init__(self, folder: Path, keep: int) -> None:
        if keep < 2:
            raise ValueError("keep at least 2 snapshots: a reader may have just asked for the previous one")
        self._folder = folder.absolute()
        self._keep = keep
        self._verified: dict[Path, tuple[int, int]] = {}

    def publish(
        self,
        db: duckdb.DuckDBPyConnection,
        tables: Sequence[str],
        manifest: Mapping[str, Any],
        functions: Sequence[TableFunction] = (),
    ) -> Snapshot:
        """Copy `tables` of `db` into a new snapshot, create `functions` in it and make it current.

        The manifest written is the one given plus snapshot_id, created_at, row_counts (by table), file (size, sha256).
        Raises WarehouseError when a table is missing; then nothing has changed for readers.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        for left_over in self._folder.glob(".*.tmp"):
            shutil.rmtree(left_over)
        now = datetime.now(UTC)
        known = self._names()
        number = int(known[-1][1:9]) + 1 if known else 1
        snapshot_id = f"s{number:08d}-{now:%Y%m%dT%H%M%SZ}"
        building = self._folder / f".{snapshot_id}.tmp"
        building.mkdir()
        database = building / _DATABASE
        failpoint("publish.started")
        counts = _copy(db, tables, database)
        _create(functions, database)
        failpoint("publish.copied")
        sync(database)
        complete = {
            **manifest,
            "snapshot_id": snapshot_id,
            "created_at": now.isoformat(timespec="seconds"),
            "row_counts": counts,
            "file": {"size": database.stat().st_size, "sha256": sha256(database)},
        }
        write_synced(building / _MANIFEST, json.dumps(complete, indent=2, default=str).encode())
        database.chmod(0o444)
        sync(building)
        final = self._folder / snapshot_id
        building.rename(final)
        sync(self._folder)
        failpoint("publish.before_pointer")
        point_to(self._folder / "current", snapshot_id)
        failpoint("publish.published")
        self._drop_old(snapshot_id)
        return Snapshot(snapshot_id, final / _DATABASE, complete)

    def current(self) -> Snapshot | None:
        """The snapshot that `current` names; when it is damaged, the newest good one before it, with a warning."""
        named = self._named()
        if named is None:
            return None
        for name in [named, *(older for older in reversed(self._names()) if older < named)]:
            problem, snapshot = self._examine(name)
            if snapshot is not None:
                return snapshot
            if self._named() != named:
                return self.current()
            _log.warning("snapshot %s is not usable (%s); looking at the one before it", name, problem)
        raise WarehouseError(f"no usable snapshot in {self._folder}: publish again to make one")

    @contextmanager
    def open(self, snapshot: Snapshot) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection to a snapshot; raises WarehouseError when it is gone or the statement fails."""
        try:
            with duckdb.connect(
                snapshot.path, read_only=True, config={"autoinstall_known_extensions": "false"}
            ) as connection:
                yield connection
        except duckdb.Error as error:
            gone = "" if snapshot.path.exists() else " (it is beyond retention; ask for the current one again)"
            raise WarehouseError(f"snapshot {snapshot.snapshot_id}{gone}: {error}") from error

    def _named(self) -> str | None:
        try:
            return (self._folder / "current").readlink().name
        except FileNotFoundError:
            return None

    def _names(self) -> list[str]:
        """Complete snapshots, oldest first."""
        return sorted(path.name for path in self._folder.glob("s*-*") if path.is_dir())

    def _examine(self, name: str) -> tuple[str, Snapshot | None]:
        """What is wrong with a snapshot, or the snapshot. The checksum is computed once per process and file."""
        folder = self._folder / name
        database = folder / _DATABASE
        try:
            manifest = json.loads((folder / _MANIFEST).read_text())
            file, stat = manifest["file"], database.stat()
            if stat.st_size != file["size"]:
                return f"{stat.st_size} bytes instead of {file['size']}", None
            identity = (stat.st_ino, stat.st_mtime_ns)
            if self._verified.get(database) != identity:
                if sha256(database) != file["sha256"]:
                    return "its content does not match its checksum", None
                self._verified[database] = identity
        except (OSError, ValueError, KeyError, TypeError) as error:
            return f"{type(error).__name__}: {error}", None
        return "", Snapshot(name, database, manifest)

    def _drop_old(self, current: str) -> None:
        for name in self._names()[: -self._keep]:
            if name != current:
                shutil.rmtree(self._folder / name, ignore_errors=True)
                self._verified.pop(self._folder / name / _DATABASE, None)


def _copy(db: duckdb.DuckDBPyConnection, tables: Sequence[str], target: Path) -> dict[str, int]:
    """Copy tables or views with their comments into a new file, all of one state; rows by table."""
    existing = {
        name: (schema, comment)
        for name, schema, comment in db.execute(
            "select table_name, schema_name, comment from duckdb_tables() where database_name = current_database() "
            "union all select view_name, schema_name, comment from duckdb_views() "
            "where database_name = current_database() and not internal"
        ).fetchall()
    }
    missing = sorted(set(tables) - set(existing))
    if missing:
        raise WarehouseError(f"cannot publish: no such table in the warehouse: {', '.join(missing)}. Build it first")
    counts: dict[str, int] = {}
    db.execute(f"attach {literal(str(target))} as published")
    try:
        db.begin()
        for table in dict.fromkeys(tables):
            name, (schema, comment) = identifier(table), existing[table]
            copied = db.execute(f"create table published.main.{name} as from {identifier(schema)}.{name}").fetchone()
            counts[table] = int(copied[0]) if copied else 0
            if comment:
                db.execute(f"comment on table published.main.{name} is {literal(comment)}")
            for column, text in db.execute(
                "select column_name, comment from duckdb_columns() where database_name = current_database() "
                "and schema_name = ? and table_name = ? and comment is not null",
                [schema, table],
            ).fetchall():
                db.execute(f"comment on column published.main.{name}.{identifier(column)} is {literal(text)}")
        db.commit()
    except BaseException:
        db.rollback()
        raise
    finally:
        db.execute("detach published")
    return counts


def _create(functions: Sequence[TableFunction], target: Path) -> None:
    """Create functions in a file opened by itself: the engine looks for what they name where it is the only one."""
    if not functions:
        return
    with duckdb.connect(target, config={"autoinstall_known_extensions": "false"}) as db:
        for function in functions:
            name = identifier(function.name)
            db.execute(f"create macro {name}({function.parameters}) as table {function.body}")
            db.execute(f"comment on macro table {name} is {literal(function.description)}")
