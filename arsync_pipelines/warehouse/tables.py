"""Tables that the warehouse itself keeps: bookkeeping of loads, and raw tables made from stream specs."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

import duckdb

from arsync_pipelines.domain.errors import WarehouseError
from arsync_pipelines.ports.source import StreamSpec

SQL_TYPES = {"text": "VARCHAR", "integer": "BIGINT", "boolean": "BOOLEAN", "json": "JSON"}

META_COLUMNS = {
    "_connection": "VARCHAR",
    "_batch_id": "VARCHAR",
    "_seq": "BIGINT",
    "_loaded_at": "TIMESTAMP",
    "_is_deleted": "BOOLEAN",
    "_row_hash": "UBIGINT",
}

BOOKKEEPING = """
create table if not exists _arsync_cursor (
    connection varchar, stream varchar, cursor json, batch_id varchar, updated_at timestamp);
create table if not exists _arsync_batch (
    batch_id varchar, read_id varchar, connection varchar, stream varchar, "rows" bigint, "new" bigint, deleted bigint,
    set_aside bigint, landed_at timestamp, loaded_at timestamp, files varchar[], last_seq bigint);
create table if not exists _arsync_seq (last_seq bigint);
create table if not exists _arsync_seen (connection varchar, stream varchar, read_id varchar, key varchar);
create table if not exists _arsync_undeclared (
    connection varchar, stream varchar, key varchar, first_seen_at timestamp);
create table if not exists raw_arsync__read (
    connection varchar, stream varchar, read_started_at timestamp, rows_read bigint, rows_new bigint);
create table if not exists raw_arsync__total (
    connection varchar, stream varchar, object varchar, currency varchar, row_count bigint, amount varchar,
    stood_still boolean, taken_at timestamp);
create table if not exists raw_arsync__sync (
    run_id varchar, connection varchar, stream varchar, state varchar, failure_class varchar, rows_read bigint,
    rows_new bigint, logged_at timestamp);
create table if not exists raw_arsync__step (
    step_id varchar, run_id varchar, step varchar, state varchar, failure_class varchar, logged_at timestamp);
create table if not exists raw_arsync__set_aside (
    connection varchar, stream varchar, file varchar, line bigint, reason varchar, "row" json, read_id varchar,
    seen_at timestamp);
alter table raw_arsync__set_aside add column if not exists key varchar;
"""

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def identifier(name: str) -> str:
    """`name` quoted for SQL; raises WarehouseError unless it is a plain identifier."""
    if not _IDENTIFIER.fullmatch(name):
        raise WarehouseError(f"{name!r} is not a table or column name: letters, digits and underscores only")
    return f'"{name}"'


def literal(text: str) -> str:
    """`text` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def columns(names: Sequence[str], table: str = "") -> str:
    """Comma-separated quoted columns, qualified by `table` when given."""
    prefix = f"{table}." if table else ""
    return ", ".join(prefix + identifier(name) for name in names)


def ensure_tables(connection: duckdb.DuckDBPyConnection, specs: Sequence[StreamSpec]) -> None:
    """Make raw tables where missing; add columns that a spec declares anew.

    Raises WarehouseError where a column exists with another type: raw is then to be rebuilt.
    """
    tables: dict[str, dict[str, str]] = defaultdict(dict)  # asked for once: DuckDB lists the whole catalog every time
    for table, name, sql_type in connection.execute(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where schema_name = current_schema() and database_name = current_database()"
    ).fetchall():
        tables[table][name] = sql_type
    for spec in specs:
        declared = {field.name: SQL_TYPES[field.kind] for field in spec.fields} | META_COLUMNS
        present = tables.get(spec.table)
        if present is None:
            body = ", ".join(f"{identifier(name)} {sql_type}" for name, sql_type in declared.items())
            connection.execute(f"create table {identifier(spec.table)} ({body})")
            continue
        for name, sql_type in declared.items():
            if name not in present:
                connection.execute(f"alter table {identifier(spec.table)} add column {identifier(name)} {sql_type}")
            elif present[name] != sql_type:
                raise WarehouseError(
                    f"{spec.table}.{name} is {present[name]} in the warehouse and {sql_type} in the stream's "
                    "declaration; drop the table and load it again from the landing files"
                )
