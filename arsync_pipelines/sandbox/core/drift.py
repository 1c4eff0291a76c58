"""Schema drift: what the faults in force make of columns. How a vendor then answers is the vendor's business."""

from __future__ import annotations

from dataclasses import dataclass

from .faults import Faults, Rule


@dataclass(frozen=True, slots=True)
class Columns:
    """Changes to columns, as (table, column) in lower case.

    `gone` can be asked for no longer. `new` are (table, name as it is written, column): shown under that name is what
    the column holds.
    """

    gone: frozenset[tuple[str, str]] = frozenset()
    new: frozenset[tuple[str, str, str]] = frozenset()

    def of(self, table: str) -> dict[str, str]:
        """New names of a table and the columns that they show."""
        return {name: held for owner, name, held in self.new if owner == table.lower()}


UNCHANGED = Columns()


def columns_in(faults: Faults, vendor: str, method: str, path: str) -> Columns:
    """The columns as a request finds them. Every kind strikes once per request."""
    gone: set[tuple[str, str]] = set()
    new: set[tuple[str, str, str]] = set()
    for kind in ("drop_column", "rename_column", "add_column"):
        rule = faults.hit(vendor, kind, method, path)
        if rule is None:
            continue
        if kind != "add_column":
            gone.add((_named(rule, "table"), _named(rule, "column")))
        if kind == "rename_column":
            new.add((_named(rule, "table"), str(rule.params["to"]), _named(rule, "column")))
        if kind == "add_column":
            new.add((_named(rule, "table"), str(rule.params["column"]), _named(rule, "like")))
    return Columns(frozenset(gone), frozenset(new)) if gone or new else UNCHANGED


def _named(rule: Rule, what: str) -> str:
    return str(rule.params[what]).lower()
