"""One landed batch becomes versions, tombstones and a moved cursor, in one transaction.

A version is stored when its content or its deletion differs from the version before it. What a batch proves about rows
that are gone depends on the stream's delete detection (ports.source.StreamSpec).
"""

from __future__ import annotations

import duckdb

from arsync_pipelines.domain.errors import LoadRefused
from arsync_pipelines.domain.failpoint import failpoint
from arsync_pipelines.ports.warehouse import Batch, LoadResult
from arsync_pipelines.warehouse import bookkeeping
from arsync_pipelines.warehouse.landed import (
    first_misfit,
    first_without_key,
    hash_expression,
    key_expression,
    typed_select,
)
from arsync_pipelines.warehouse.step import Step, any_known, begin, fill_keys, has_rows, insert
from arsync_pipelines.warehouse.tables import columns, identifier

_MOST_ROWS_GONE_AT_ONCE = 100
"""A complete read that shows no row at all is believed only while no more than this many are known."""


def load(db: duckdb.DuckDBPyConnection, batch: Batch) -> LoadResult:
    """Store a batch inside the caller's transaction; does nothing when its id was loaded before.

    Raises LoadRefused when rows do not fit; the caller rolls back.
    """
    if bookkeeping.is_loaded(db, batch.batch_id):
        return LoadResult(rows=batch.row_count, new_versions=0, deleted=0, repeated=True)
    step = begin(db, batch)
    first = not has_rows(step)
    _stage(step)
    failpoint("warehouse.staged")
    new, flagged = _insert_versions(step, known=not first and any_known(step, "incoming", step.spec.primary_key))
    gone = 0 if first else _insert_tombstones(step)
    if step.spec.delete_detection == "full":
        _remember_seen(step)
    warnings = bookkeeping.note_undeclared(db, batch, step.now)
    result = LoadResult(rows=batch.row_count, new_versions=new, deleted=flagged + gone, warnings=warnings)
    bookkeeping.record(db, batch, result, step.now, last_seq=step.first_seq + batch.row_count + gone)
    return result


def _stage(step: Step) -> None:
    """Fill the temporary table `incoming` (typed columns, hash, deletion) and refuse what does not fit."""
    batch, spec = step.batch, step.spec
    rows = (
        typed_select(batch)
        if batch.files
        else f"select {columns(step.names)}, false as _misfit from {step.table} limit 0"
    )
    try:
        step.db.execute(
            f"create or replace temp table incoming as select *, {step.deleted} as _is_deleted, "
            f"{hash_expression(spec)} as _row_hash from ({rows})"
        )
    except duckdb.InvalidInputException as error:
        raise LoadRefused(f"{step.where}: a landing file is not readable as JSON lines: {error}") from error
    required = [field for field in spec.fields if field.required]
    counts = step.db.execute(
        f"select count(*), count(*) filter (where _misfit), count(*) filter (where {step.without_key})"
        + "".join(f", count({identifier(field.name)})" for field in required)
        + " from incoming"
    ).fetchone()
    total, misfits, without_key, *filled = counts or (0, 0, 0)
    if total != batch.row_count:
        raise LoadRefused(
            f"{step.where}: the landing files hold {total} rows and their manifest {batch.row_count}; "
            "a file was changed after landing. Remove this batch's folder and read the stream again"
        )
    if misfits:
        raise LoadRefused(f"{step.where}: {first_misfit(batch)}. The source changed a type; nothing was stored")
    if without_key:
        key = ", ".join(spec.primary_key)
        raise LoadRefused(f"{step.where}: a row has no primary key ({key}): {first_without_key(batch)}")
    for field, count in zip(required, filled, strict=True):
        if total and not count:
            raise LoadRefused(
                f"{step.where}: column vanished: {field.name!r} (source field {field.source!r}) has a value in none "
                f"of {total} rows. Restore the field at the source or its permission; nothing was stored"
            )


def _insert_versions(step: Step, known: bool) -> tuple[int, int]:
    """Insert rows that differ from the version before them; (versions, deletions flagged by the source)."""
    if not step.batch.row_count:
        return 0, 0
    order = "rowid - (select min(rowid) from incoming)"  # rows of an open transaction are numbered from far above 0
    same_batch = (
        f"select *, {order} as _ord, lag(_row_hash) over versions as _before, "
        "lag(_is_deleted) over versions as _was_deleted "
        f"from incoming window versions as (partition by {step.keys} order by rowid)"
    )
    distinct = step.db.execute(f"select count(*) from (select distinct {step.keys} from incoming)").fetchone()
    if distinct and distinct[0] == step.batch.row_count:
        same_batch = f"select *, {order} as _ord, null::ubigint as _before, null::boolean as _was_deleted from incoming"
    stored = (
        f"select {step.keys}, arg_max(_row_hash, _seq) as _stored, arg_max(_is_deleted, _seq) as _stored_deleted "
        f"from {step.table} semi join incoming using ({step.keys}) where _connection = ? group by {step.keys}"
    )
    join = f"left join stored using ({step.keys})" if known else ""
    before = "coalesce(_before, _stored)" if known else "_before"
    was_deleted = "coalesce(_was_deleted, _stored_deleted)" if known else "_was_deleted"
    fresh = (
        f"(with same_batch as ({same_batch}){f', stored as ({stored})' if known else ''} "
        f"select same_batch.* from same_batch {join} "
        f"where {before} is distinct from _row_hash or {was_deleted} is distinct from _is_deleted)"
    )
    inserted = insert(step, fresh, f"{step.first_seq} + _ord", "_is_deleted", [step.batch.connection] if known else [])
    if not (inserted and step.spec.deleted_flag):
        return inserted, 0
    flagged = step.db.execute(
        f"select count(*) from {step.table} where _seq >= ? and _is_deleted", [step.first_seq]
    ).fetchone()
    return inserted - int(flagged[0] if flagged else 0), int(flagged[0] if flagged else 0)


def _insert_tombstones(step: Step) -> int:
    """Repeat the last version of every vanished key as deleted."""
    detection = step.spec.delete_detection
    if detection == "scope" and step.batch.scopes:
        fill_keys(step, "scopes", step.spec.scope, step.batch.scopes)
        if not any_known(step, "scopes", step.spec.scope):
            return 0
        _find_gone_in_scopes(step)
    elif detection == "full" and step.batch.final:
        _find_gone_in_full_read(step)
    else:
        return 0
    found = step.db.execute("select count(*) from gone").fetchone()
    count = int(found[0]) if found else 0
    if count:
        step.db.execute(
            f"create or replace temp table tombstones as select stored.*, row_number() over (order by _seq) as _ord "
            f"from {step.table} as stored semi join gone using (_seq)"
        )
        insert(step, "tombstones", f"{step.first_seq + step.batch.row_count} + _ord", "true")
    return count


def _find_gone_in_scopes(step: Step) -> None:
    """Temporary table `gone`: `_seq` of current versions within the batch's scopes that the batch does not show."""
    scope = columns(step.spec.scope)
    fill_keys(step, "present", step.spec.primary_key, step.batch.present)
    step.db.execute(
        f"""
        create or replace temp table gone as
        with candidates as (
            select distinct {step.keys} from {step.table} semi join scopes using ({scope})
            anti join incoming using ({step.keys}) anti join present using ({step.keys})
            where _connection = ?),
        latest as (
            select max(_seq) as _seq from {step.table} semi join candidates using ({step.keys})
            where _connection = ? group by {step.keys})
        select _seq from {step.table} semi join latest using (_seq) semi join scopes using ({scope})
        where not _is_deleted
        """,
        [step.batch.connection, step.batch.connection],
    )


def _find_gone_in_full_read(step: Step) -> None:
    """Temporary table `gone`: `_seq` of current versions that no batch of this read has shown."""
    batch = step.batch
    fill_keys(step, "present", step.spec.primary_key, batch.present)
    step.db.execute(
        f"""
        create or replace temp table gone as
        with latest as (
            select {step.keys}, max(_seq) as _seq, arg_max(_is_deleted, _seq) as _is_deleted
            from {step.table} where _connection = ? group by {step.keys})
        select _seq from latest anti join incoming using ({step.keys}) anti join present using ({step.keys})
        where not _is_deleted and {key_expression(step.spec)} not in (
            select key from _arsync_seen where connection = ? and stream = ? and read_id = ?)
        """,
        [batch.connection, batch.connection, step.spec.name, batch.read_id],
    )
    gone, shown = step.db.execute(
        "select (select count(*) from gone), (select count(*) from incoming) + (select count(*) from _arsync_seen "
        "where connection = ? and stream = ? and read_id = ?)",
        [batch.connection, step.spec.name, batch.read_id],
    ).fetchone() or (0, 0)
    if gone > _MOST_ROWS_GONE_AT_ONCE and not shown:
        raise LoadRefused(
            f"{step.where}: the complete read shows no row, but {gone} are known; not believed. Check the source's "
            "permissions and filter; if the data is really gone, remove the connection's rows first"
        )


def _remember_seen(step: Step) -> None:
    """Keep the keys of an unfinished full read until its final batch; forget them with it or with a newer read."""
    batch, spec = step.batch, step.spec
    unfinished = "" if batch.final else " and read_id <> ?"
    parameters = [batch.connection, spec.name] + ([] if batch.final else [batch.read_id])
    step.db.execute(f"delete from _arsync_seen where connection = ? and stream = ?{unfinished}", parameters)
    if batch.final:
        return
    fill_keys(step, "present", spec.primary_key, batch.present)
    step.db.execute(
        f"insert into _arsync_seen select distinct ?, ?, ?, {key_expression(spec)} "
        f"from (select {step.keys} from incoming union all select {step.keys} from present)",
        [batch.connection, spec.name, batch.read_id],
    )
