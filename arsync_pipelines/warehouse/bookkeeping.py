"""What is remembered of loads: batches, cursors, reads, rows set aside, keys seen that no spec declares.

Every function runs inside the transaction of the load it records.
"""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb
import orjson

from arsync_pipelines.ports.source import Cursor, StreamSpec
from arsync_pipelines.ports.warehouse import Batch, LoadResult
from arsync_pipelines.warehouse.tables import identifier


def is_loaded(db: duckdb.DuckDBPyConnection, batch_id: str) -> bool:
    """Whether a batch of this id was committed before."""
    return db.execute("select 1 from _arsync_batch where batch_id = ?", [batch_id]).fetchone() is not None


def last_seq(db: duckdb.DuckDBPyConnection) -> int:
    """The highest `_seq` ever given out, over all tables; it never falls, also not when rows are forgotten."""
    found = db.execute("select max(last_seq) from _arsync_seq").fetchone()
    return int(found[0]) if found and found[0] is not None else 0


def last_batch(db: duckdb.DuckDBPyConnection, connection: str, stream: str) -> str:
    """Id of the batch loaded last for a stream, or ""."""
    found = db.execute(
        "select batch_id from _arsync_cursor where connection = ? and stream = ?", [connection, stream]
    ).fetchone()
    return str(found[0]) if found else ""


def cursor(db: duckdb.DuckDBPyConnection, connection: str, stream: str) -> Cursor | None:
    """The committed cursor of a stream, or None before its first load."""
    found = db.execute(
        "select cursor from _arsync_cursor where connection = ? and stream = ?", [connection, stream]
    ).fetchone()
    if found is None:
        return None
    value: Cursor = orjson.loads(found[0])
    return value


def record(db: duckdb.DuckDBPyConnection, batch: Batch, result: LoadResult, now: datetime, last_seq: int) -> None:
    """Write the batch, move the cursor, keep the rows set aside and, with the final batch, close the read."""
    stream = batch.spec.name
    landed_at = max((path.stat().st_mtime for path in batch.files), default=now.replace(tzinfo=UTC).timestamp())
    db.execute(
        "insert into _arsync_batch values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            batch.batch_id,
            batch.read_id,
            batch.connection,
            stream,
            batch.row_count,
            result.new_versions,
            result.deleted,
            len(batch.set_aside),
            datetime.fromtimestamp(landed_at, UTC).replace(tzinfo=None),
            now,
            [str(path) for path in batch.files],
            last_seq,
        ],
    )
    db.execute("delete from _arsync_seq")
    db.execute("insert into _arsync_seq values (?)", [last_seq])
    db.execute("delete from _arsync_cursor where connection = ? and stream = ?", [batch.connection, stream])
    db.execute(
        "insert into _arsync_cursor values (?, ?, ?, ?, ?)",
        [batch.connection, stream, orjson.dumps(batch.cursor).decode(), batch.batch_id, now],
    )
    for row in batch.set_aside:
        db.execute(
            "insert into raw_arsync__set_aside values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                batch.connection,
                stream,
                row.get("file"),
                row.get("line"),
                row.get("reason"),
                orjson.dumps(row.get("row"), default=str).decode(),
                batch.read_id,
                now,
                orjson.dumps(row["key"]).decode() if row.get("key") else None,
            ],
        )
    if batch.final:
        _close_read(db, batch)


def was_read(db: duckdb.DuckDBPyConnection, connection: str, stream: str) -> bool:
    """Whether a stream was ever read to its end."""
    found = db.execute("select 1 from raw_arsync__read where connection = ? and stream = ?", [connection, stream])
    return found.fetchone() is not None


def note_undeclared(db: duckdb.DuckDBPyConnection, batch: Batch, now: datetime) -> tuple[str, ...]:
    """One warning naming keys that this stream had never carried; what its first read carries is taken as usual."""
    if not batch.undeclared:
        return ()
    of_stream = (batch.connection, batch.spec.name)
    rows = db.execute("select key from _arsync_undeclared where connection = ? and stream = ?", [*of_stream]).fetchall()
    unseen = sorted(set(batch.undeclared) - {key for (key,) in rows})
    for key in unseen:
        db.execute("insert into _arsync_undeclared values (?, ?, ?, ?)", [*of_stream, key, now])
    if not unseen or not was_read(db, *of_stream):
        return ()
    return (f"{batch.connection}.{batch.spec.name}: new columns at the source, not declared: {', '.join(unseen)}",)


def forget(db: duckdb.DuckDBPyConnection, connection: str, spec: StreamSpec) -> None:
    """Remove rows and bookkeeping of one stream of one connection; `_seq` goes on from where it was."""
    db.execute(f"delete from {identifier(spec.table)} where _connection = ?", [connection])
    for table in (
        "_arsync_cursor",
        "_arsync_batch",
        "_arsync_seen",
        "_arsync_undeclared",
        "raw_arsync__read",
        "raw_arsync__total",
        "raw_arsync__set_aside",
    ):
        db.execute(f"delete from {table} where connection = ? and stream = ?", [connection, spec.name])


def _close_read(db: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    started = datetime.fromisoformat(batch.read_started_at)
    if started.tzinfo is not None:
        started = started.astimezone(UTC).replace(tzinfo=None)
    of_stream = [batch.connection, batch.spec.name]
    db.execute("delete from raw_arsync__read where connection = ? and stream = ?", of_stream)
    db.execute(
        'insert into raw_arsync__read select ?, ?, ?, sum("rows"), sum("new" + deleted) from _arsync_batch '
        "where connection = ? and stream = ? and read_id = ?",
        [*of_stream, started, *of_stream, batch.read_id],
    )
