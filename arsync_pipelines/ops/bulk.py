"""Many rows in few statements, in the way that each database is quick at. All else of the store is common to both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, bindparam, cast, func, update
from sqlalchemy.dialects import postgresql, sqlite

_PART = 2000  # bound values of one statement; SQLite takes 32,766


def parts(values: Sequence[Any]) -> Iterator[list[Any]]:
    """The values in slices that fit one IN list."""
    for start in range(0, len(values), _PART):
        yield list(values[start : start + _PART])


def insert_into(db: Connection, table: Table) -> Any:
    """The dialect's INSERT, for its on_conflict clauses."""
    return postgresql.insert(table) if db.dialect.name == "postgresql" else sqlite.insert(table)


def set_each(
    db: Connection,
    table: Table,
    key: Column[Any],
    columns: Sequence[Column[Any]],
    rows: Sequence[Mapping[str, Any]],
    *guards: ColumnElement[bool],
) -> None:
    """Set `columns` of the rows that `key` names and for which `guards` hold, each to its own values; `rows` carry key
    and columns under their names."""
    if not rows:
        return
    named = [key, *columns]
    if db.dialect.name == "postgresql":
        lists = [
            cast(bindparam(f"given_{c.name}", [row[c.name] for row in rows]), postgresql.ARRAY(c.type)) for c in named
        ]
        given = func.unnest(*lists).table_valued(*(c.name for c in named), name="given").render_derived()
        statement = update(table).where(key == given.c[key.name], *guards)
        db.execute(statement.values({c: given.c[c.name] for c in columns}))
        return
    statement = update(table).where(key == bindparam(f"given_{key.name}"), *guards)
    statement = statement.values({c: bindparam(f"given_{c.name}", type_=c.type) for c in columns})
    db.execute(statement, [{f"given_{c.name}": row[c.name] for c in named} for row in rows])
