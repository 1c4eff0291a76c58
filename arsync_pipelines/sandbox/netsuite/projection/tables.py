"""Upserts of whole rows into the account's tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from ..schema import TABLES


@lru_cache(maxsize=64)
def upsert_sql(table: str, columns: tuple[str, ...]) -> str:
    names = ", ".join(f'"{name}"' for name in columns)
    marks = ", ".join("?" for _ in columns)
    key = TABLES[table].key
    keys = ", ".join(f'"{name}"' for name in key)
    sets = ", ".join(f'"{name}" = excluded."{name}"' for name in columns if name not in key)
    return f'insert into "{table}" ({names}) values ({marks}) on conflict ({keys}) do update set {sets}'


def upsert(db: sqlite3.Connection, table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
    """`columns` separated by blanks, in the order of the rows' values."""
    db.executemany(upsert_sql(table, tuple(columns.split())), rows)
