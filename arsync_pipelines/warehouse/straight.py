"""The short way into a raw table, for the first read of a stream: rows go in as they are read, and are judged there.

A first read brings rows nobody has, so staging them first would only write them twice. Whatever turns out otherwise
(a key that is known or comes twice, a value that does not fit) is `Unsuited`: the caller rolls back and loads the batch
the careful way (loading.py), which also says what is wrong.
"""

from __future__ import annotations

import duckdb

from arsync_pipelines.domain.failpoint import failpoint
from arsync_pipelines.ports.warehouse import Batch, LoadResult
from arsync_pipelines.warehouse import bookkeeping
from arsync_pipelines.warehouse.landed import hash_expression, typed_select
from arsync_pipelines.warehouse.step import Step, any_known, begin, fill_keys, has_rows, insert
from arsync_pipelines.warehouse.tables import identifier


class Unsuited(Exception):
    """The batch cannot be stored the short way; nothing of the transaction may be kept."""


def load_straight(db: duckdb.DuckDBPyConnection, batch: Batch) -> LoadResult:
    """Store a batch of rows that are all new inside the caller's transaction; raises Unsuited when they are not."""
    if (
        not batch.row_count
        or batch.spec.delete_detection == "full"
        or bookkeeping.was_read(db, batch.connection, batch.spec.name)
        or bookkeeping.is_loaded(db, batch.batch_id)
    ):
        raise Unsuited
    step = begin(db, batch)
    first = not has_rows(step)
    rows = f"(select *, {hash_expression(batch.spec)} as _row_hash from ({typed_select(batch)}) where not _misfit)"
    try:
        insert(step, rows, f"{step.first_seq - 1} + row_number() over ()", step.deleted)
    except duckdb.InvalidInputException as error:
        raise Unsuited from error
    failpoint("warehouse.staged")
    deleted = _judge(step)
    if not first and _any_seen_before(step):
        raise Unsuited
    warnings = bookkeeping.note_undeclared(db, batch, step.now)
    result = LoadResult(
        rows=batch.row_count, new_versions=batch.row_count - deleted, deleted=deleted, warnings=warnings
    )
    bookkeeping.record(db, batch, result, step.now, last_seq=step.first_seq + batch.row_count)
    return result


def _judge(step: Step) -> int:
    """How many of the rows just stored are deleted; raises Unsuited unless all are there, with keys that differ."""
    stored = f"(from {step.table} where _seq >= {step.first_seq})"
    required = [f"count({identifier(field.name)})" for field in step.spec.fields if field.required]
    counts = step.db.execute(
        f"select (select count(*) from (select distinct {step.keys} from {stored})), count(*), "
        f"count(*) filter (where {step.without_key}), count(*) filter (where _is_deleted)"
        + "".join(f", {count}" for count in required)
        + f" from {stored}"
    ).fetchone()
    distinct, total, without_key, deleted, *filled = counts or (0, 0, 0, 0)
    if not distinct == total == step.batch.row_count or without_key or 0 in filled:
        raise Unsuited
    return int(deleted)


def _any_seen_before(step: Step) -> bool:
    """Whether an earlier batch stored one of these keys, or one of the scopes that this batch shows whole."""
    spec = step.spec
    if spec.delete_detection == "scope":
        fill_keys(step, "scopes", spec.scope, step.batch.scopes)
        if any_known(step, "scopes", spec.scope):
            return True
    stored = f"(select {step.keys} from {step.table} where _seq >= {step.first_seq})"
    return any_known(step, stored, spec.primary_key)
