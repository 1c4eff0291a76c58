"""SuiteQL text for walking one stream by keyset; which streams there are and what they ask for is `query.py`.

Ids are written into the text as digits (checked), stamps are bound: comparing an id with a bound text would depend on
the server's conversions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from arsync_pipelines.ports.source import StreamSpec

TIMESTAMP = "YYYY-MM-DD HH24:MI:SS"
_BOUND = f"TO_TIMESTAMP(?, '{TIMESTAMP}')"


def time_text(expression: str) -> str:
    """A timestamp as text, in the account's time."""
    return f"TO_CHAR({expression}, '{TIMESTAMP}')"


@dataclass(frozen=True, slots=True)
class Statement:
    """One SuiteQL text with its anonymous binds."""

    text: str
    binds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StreamQuery:
    """`columns`: raw column -> expression. `stamp`: raw column and expression of the cursor ("" for a full read).

    `key`: the raw column that orders rows within a second, and its expression. `unique`: the key names one row; else it
    names a group of rows that a page must hold whole. `child`: raw column that only a child row has, for streams with
    a parent; `inner`: expressions that order the children of one parent. `first`: which rows a read from the
    beginning wants, where `where` asks for more: parents that may have lost their children since.
    """

    spec: StreamSpec
    columns: Mapping[str, str]
    tables: str
    key: tuple[str, str]
    stamp: tuple[str, str] = ("", "")
    unique: bool = True
    child: str = ""
    inner: tuple[tuple[str, str], ...] = ()
    where: str = ""
    first: str = ""
    times: tuple[str, ...] = field(default=())

    def after(self, stamp: str, keys: Sequence[int] = (), *, until: str = "") -> Statement:
        """Rows after (stamp, key), or from `stamp` on without a key; up to and with `until`, in keyset order.

        The bound on the stamp alone stands first, so that an index on (stamp, key) is walked and nothing is sorted.
        """
        conditions = [self.where] if self.where else []
        binds: list[str] = []
        column = self.stamp[1]
        if column and stamp:
            conditions.append(f"{column} >= {_BOUND}")
            binds.append(stamp)
            if keys:
                conditions.append(f"({column} > {_BOUND} OR {self.key[1]} > {int(keys[0])})")
                binds.append(stamp)
        elif keys:
            conditions.append(f"{self.key[1]} > {int(keys[0])}")
        if until:
            conditions.append(f"{column} <= {_BOUND}")
            binds.append(until)
        order = f"{column}, {self.key[1]}" if column else self.key[1]
        return self._select(conditions, order, binds)

    def newest(self) -> Statement:
        """The last change of any parent, of whatever kind."""
        parent = self.tables.partition(" LEFT JOIN ")[0]
        return Statement(f"SELECT {time_text(f'MAX({self.stamp[1]})')} AS latest FROM {parent}")

    def from_the_beginning(self, newest: str) -> StreamQuery:
        """For a read of everything: `where` in full only for what changes while it goes on, that is after `newest`."""
        meanwhile = f"{self.stamp[1]} >= TO_TIMESTAMP('{newest}', '{TIMESTAMP}')"
        return replace(self, where=f"({self.first} OR ({self.where} AND {meanwhile}))")

    def block(self, before: str, after: str, keys: Sequence[int] = ()) -> Statement:
        """Rows stamped strictly between two certain times, ordered by key alone."""
        conditions = [self.where] if self.where else []
        conditions += [f"{self.stamp[1]} > {_BOUND}", f"{self.stamp[1]} < {_BOUND}"]
        if keys:
            conditions.append(f"{self.key[1]} > {int(keys[0])}")
        return self._select(conditions, self.key[1], [before, after])

    def within(self, key: int, inner: Sequence[int] = ()) -> Statement:
        """Children of one parent after the inner key `inner`."""
        expressions = [expression for _, expression in self.inner]
        conditions = [f"{self.key[1]} = {int(key)}"]
        if inner:
            conditions.append(_greater(expressions, inner))
        return self._select(conditions, ", ".join(expressions), [])

    def newer(self, stamp: str, keys: Sequence[int]) -> Statement:
        """Keys of what changed after (stamp, key), of everything without them; children are not joined."""
        parent = self.tables.partition(" LEFT JOIN ")[0]
        conditions = [self.where] if self.where else []
        binds: list[str] = []
        if stamp:
            conditions.append(f"{self.stamp[1]} >= {_BOUND}")
            binds.append(stamp)
        if stamp and keys:
            conditions.append(f"({self.stamp[1]} > {_BOUND} OR {self.key[1]} > {int(keys[0])})")
            binds.append(stamp)
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return Statement(f"SELECT {self.key[1]} AS id FROM {parent}{where}", tuple(binds))

    def extent(self) -> Statement:
        """Row count of a table that is read whole, and its last modification where it has one."""
        latest = self.columns.get("lastmodifieddate")
        column = f", MAX({latest}) AS latest" if latest else ""
        return Statement(f"SELECT COUNT(*) AS rows_total{column} FROM {self.tables}")

    def everything(self) -> Statement:
        """All columns of the stream's own table, newest rows first, in so far as keys tell."""
        table = (self.tables.partition(" LEFT JOIN ")[2] if self.child else self.tables).split()[0]
        return Statement(f"SELECT * FROM {table} ORDER BY {self.key[0]} DESC")

    @property
    def asked(self) -> frozenset[str]:
        """Columns of tables that the query reads, under their own names."""
        return frozenset(re.findall(r"\b[a-z]\.(\w+)", " ".join(self.columns.values()))) | self.columns.keys()

    def probe(self, column: str) -> Statement:
        """A query that works exactly when `column` can be read."""
        return Statement(f"SELECT {self.columns[column]} AS {column} FROM {self.tables}")

    def _select(self, conditions: Sequence[str], order: str, binds: Sequence[str]) -> Statement:
        columns = ", ".join(f"{expression} AS {name}" for name, expression in self.columns.items())
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return Statement(f"SELECT {columns} FROM {self.tables}{where} ORDER BY {order}", tuple(binds))


def _greater(expressions: Sequence[str], values: Sequence[int]) -> str:
    """(a, b, c) > (x, y, z), spelled out: SuiteQL compares no tuples."""
    head, value = expressions[0], int(values[0])
    if len(expressions) == 1:
        return f"{head} > {value}"
    return f"({head} > {value} OR ({head} = {value} AND {_greater(expressions[1:], values[1:])}))"
