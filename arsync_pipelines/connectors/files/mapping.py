"""A mapping bound to the columns of one file: cells in, a canonical row out, or the reason why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from difflib import get_close_matches
from string import Formatter
from typing import Any
from zoneinfo import ZoneInfo

from arsync_pipelines.connectors.files import values
from arsync_pipelines.connectors.files.options import (
    ColumnSource,
    Constant,
    EntityOptions,
    FilesOptions,
    Template,
)
from arsync_pipelines.connectors.files.spec import FIELDS, KEYS, Entity, ValueKind
from arsync_pipelines.connectors.files.values import BadValue, Cell
from arsync_pipelines.domain.errors import SourceContractBroken

Pick = Callable[[Sequence[Cell]], Cell]


class Mapping:
    """Raises SourceContractBroken at construction for a column that the file lacks or has twice."""

    def __init__(
        self,
        where: str,
        entity: Entity,
        options: FilesOptions,
        columns: Sequence[str],
        *,
        entity_options: EntityOptions,
    ) -> None:
        self._where = f"{where}: [{entity}.columns]"
        self._columns = columns
        self._options = entity_options
        self._currency = options.currency
        self._zone = ZoneInfo(options.time_zone)
        self._true = frozenset(value.lower() for value in entity_options.true_values)
        self._false = frozenset(value.lower() for value in entity_options.false_values)
        self._fields = FIELDS[entity]
        self._picks = {name: self._pick(name, source) for name, source in entity_options.columns.items()}
        self._key = KEYS[entity]
        self._finish = {"customers": _finish_customer, "invoices": _finish_invoice}.get(entity)

    def key(self, cells: Sequence[Cell]) -> tuple[str] | None:
        """The primary key, or None where the row does not carry it."""
        written = values.text(self._picks[self._key](cells))
        return (written,) if written else None

    def row(self, cells: Sequence[Cell]) -> dict[str, Any]:
        """The canonical row. Raises BadValue naming the field."""
        row: dict[str, Any] = dict.fromkeys(self._fields)
        for name, pick in self._picks.items():
            try:
                row[name] = self._value(self._fields[name].kind, pick(cells))
            except BadValue as error:
                raise BadValue(f"{name}: {error}") from None
        if row["currency"] is None:
            row["currency"] = self._currency or None
        for name, canonical in self._fields.items():
            if canonical.required and row[name] is None:
                raise BadValue(f"{name}: is missing")
        if self._finish:
            self._finish(row)
        for name, value in row.items():
            if isinstance(value, Decimal):
                try:
                    row[name] = values.money(value, row["currency"])
                except BadValue as error:
                    raise BadValue(f"{name}: {error}") from None
        return row

    def _value(self, kind: ValueKind, cell: Cell) -> Any:
        if kind == "date":
            return values.iso_date(cell, self._options.date_format, self._zone)
        if kind == "amount":
            return values.amount(cell, self._options.decimal, self._options.thousands)
        if kind == "currency":
            return values.currency_code(cell)
        if kind == "boolean":
            return values.boolean(cell, self._true, self._false)
        return values.text(cell)

    def _pick(self, name: str, source: ColumnSource) -> Pick:
        if isinstance(source, Constant):
            constant = source.value
            return lambda _: constant
        if isinstance(source, Template):
            pieces = [
                (literal, self._position(name, column) if column else None)
                for literal, column, _, _ in Formatter().parse(source.template)
            ]

            def fill(cells: Sequence[Cell]) -> Cell:
                filled = [(literal, "" if at is None else values.text(cells[at])) for literal, at in pieces]
                return None if any(part is None for _, part in filled) else "".join(f"{a}{b}" for a, b in filled)

            return fill
        position = self._position(name, source)
        return lambda cells: cells[position]

    def _position(self, name: str, column: str) -> int:
        found = [at for at, known in enumerate(self._columns) if known == column]
        if len(found) == 1:
            return found[0]
        listed = ", ".join(repr(known) for known in self._columns)
        if found:
            raise SourceContractBroken(f"{self._where} {name}: the file has {len(found)} columns {column!r}: {listed}")
        close = get_close_matches(column, self._columns, 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise SourceContractBroken(
            f"{self._where} {name}: the file has no column {column!r}{hint or '.'} It has {listed}"
        )


def _finish_customer(row: dict[str, Any]) -> None:
    row["name"] = row["name"] or row["customer_id"]


def _finish_invoice(row: dict[str, Any]) -> None:
    """An invoice is quoted by its id unless it has a number; settled means in full unless said otherwise."""
    row["number"] = row["number"] or row["invoice_id"]
    if row["settled_date"] and row["settled_amount"] is None:
        row["settled_amount"] = row["amount"]
