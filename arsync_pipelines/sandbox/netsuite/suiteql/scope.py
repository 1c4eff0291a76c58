"""Names in a query: tables, aliases, columns and their kinds. Unknown names end in the vendor's 400."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from ...core.drift import Columns
from ..errors import bad_query
from ..schema import TABLES, Kind

# what a value is while it is lowered: `money` counts hundredths, `num` is a plain number, `any` is not known
Value = tuple[exp.Expr, Kind]


@dataclass
class Source:
    """A table or derived table in FROM. `table` is the SuiteQL table's name, "" for a derived one."""

    table: str
    columns: Mapping[str, Kind]
    required: frozenset[str] = frozenset()
    held: Mapping[str, str] = field(default_factory=dict)  # names that a fault gave -> the column of the store

    def stored(self, name: str) -> str:
        """The store's name of a column."""
        return self.held.get(name, name)


@dataclass
class Scope:
    parent: Scope | None = None
    sources: dict[str, Source] = field(default_factory=dict)
    ctes: dict[str, dict[str, Kind]] = field(default_factory=dict)

    def find_cte(self, name: str) -> dict[str, Kind] | None:
        return self.ctes.get(name) or (self.parent.find_cte(name) if self.parent else None)

    def add(self, alias: str, source: Source) -> None:
        if alias in self.sources:
            raise bad_query(f"Search error occurred: Alias '{alias}' is used twice.")
        self.sources[alias] = source

    def find(self, column: str, table: str) -> tuple[str, Source] | None:
        """(alias, source) that holds the column, innermost scope first; None where there is none."""
        if table:
            source = self.sources.get(table)
            if source is not None:
                return (table, source) if column in source.columns else None
        else:
            holders = [(alias, source) for alias, source in self.sources.items() if column in source.columns]
            if len(holders) > 1:
                raise bad_query(f"Search error occurred: Column '{column}' is ambiguous.")
            if holders:
                return holders[0]
        return self.parent.find(column, table) if self.parent else None

    def column(self, node: exp.Column) -> tuple[exp.Column, Kind, Source]:
        """The column as the store names it. Raises the vendor's 400 when it is unknown."""
        name, table = node.name.lower(), node.table.lower()
        found = self.find(name, table)
        if found is None:
            known = ", ".join(f"{alias}={source.table or alias}" for alias, source in self.sources.items())
            written = f"{table}.{name}" if table else name
            raise bad_query(
                f"Search error occurred: Unknown identifier '{written}'. Available identifiers are: {{{known}}}"
            )
        alias, source = found
        return column(alias, source.stored(name)), source.columns[name], source


def column(alias: str, name: str) -> exp.Column:
    return exp.Column(this=quoted(name), table=quoted(alias))


def quoted(name: str) -> exp.Identifier:
    return exp.Identifier(this=name, quoted=True)


def table_source(name: str, drift: Columns) -> Source:
    """A table of the account, with what faults made of its columns."""
    table = TABLES.get(name)
    if table is None:
        raise bad_query(f"Search error occurred: Record '{name}' was not found.")
    columns = {key: kind for key, kind in table.columns.items() if (name, key) not in drift.gone}
    held = {new.lower(): old for new, old in drift.of(name).items()}
    columns |= {new: table.columns[old] for new, old in held.items()}
    return Source(name, columns, table.required, held)
