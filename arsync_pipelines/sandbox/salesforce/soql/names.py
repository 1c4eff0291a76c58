"""Resolves the paths of a query against the catalog: relationship names become joins, field names columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from arsync_pipelines.sandbox.core.drift import Columns
from arsync_pipelines.sandbox.salesforce.errors import SalesforceError
from arsync_pipelines.sandbox.salesforce.schema import FieldDef, ObjectDef
from arsync_pipelines.sandbox.salesforce.soql.tokens import located
from arsync_pipelines.sandbox.salesforce.soql.tree import Path, Select

Finder = Callable[[str], ObjectDef | None]
ADVICE = (
    " If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please"
    " reference your WSDL or the describe call for the appropriate names."
)


@dataclass(frozen=True, slots=True)
class Column:
    """A resolved field: where it is shown (`relations` + name) and the SQL that reads it."""

    relations: tuple[str, ...]
    item: FieldDef
    owner: ObjectDef
    alias: str
    held: str = ""  # the store's name of a field that a fault named otherwise

    @property
    def sql(self) -> str:
        return f'{self.alias}."{self.held or self.item.name}"'


class Names:
    """Resolution for one query; collects the joins it needs. `drift`: what faults made of the fields."""

    def __init__(self, query: Select, text: str, find: Finder, drift: Columns, root: str) -> None:
        self._text = text
        self._find = find
        self._drift = drift
        found = find(query.source)
        if found is None:
            raise located(
                text,
                query.source_position,
                "INVALID_TYPE",
                f"sObject type '{query.source}' is not supported. If you are attempting to use a custom object, be sure"
                " to append the '__c' after the entity name. Please reference your WSDL or the describe call for the"
                " appropriate names.",
            )
        self.object = found
        self.root = root
        self._own = {query.source.lower(), query.alias.lower()}
        self.joins: list[str] = []
        self._aliases: dict[tuple[str, ...], tuple[str, ObjectDef]] = {}

    def column(self, path: Path) -> Column:
        """The column of a path. Raises INVALID_FIELD."""
        parts = path.parts
        if len(parts) > 1 and parts[0].lower() in self._own and self.object.relationship(parts[0]) is None:
            parts = parts[1:]
        if len(parts) > 6:
            raise self._no(path, "SELECT: more than five levels of relationships")
        owner, alias = self.object, self.root
        shown: tuple[str, ...] = ()
        for name in parts[:-1]:
            relation = owner.relationship(name)
            target = self._find(relation.reference_to) if relation else None
            if relation is None or target is None:
                raise self._no(path, f"Didn't understand relationship '{name}' in field path.{ADVICE}")
            shown = (*shown, relation.relationship)
            alias, owner = self._join(shown, alias, relation, target)
        held = {new.lower(): old for new, old in self._drift.of(owner.name).items()}.get(parts[-1].lower(), "")
        item = owner.find(held or parts[-1])
        if item is None or (not held and (owner.name.lower(), item.name.lower()) in self._drift.gone):
            raise self._no(path, f"No such column '{parts[-1]}' on entity '{owner.name}'.{ADVICE}")
        if held:
            return Column(shown, replace(item, name=parts[-1]), owner, alias, item.name)
        return Column(shown, item, owner, alias)

    def _join(self, shown: tuple[str, ...], alias: str, relation: FieldDef, target: ObjectDef) -> tuple[str, ObjectDef]:
        if shown not in self._aliases:
            made = f"{self.root}_{len(self._aliases) + 1}"
            self.joins.append(f'left join "{target.table}" {made} on {made}."Id" = {alias}."{relation.name}"')
            self._aliases[shown] = (made, target)
        return self._aliases[shown]

    def parents(self) -> dict[tuple[str, ...], tuple[str, ObjectDef]]:
        """The joined relationships: (alias, object) by path."""
        return self._aliases

    def _no(self, path: Path, message: str) -> SalesforceError:
        return located(self._text, path.position, "INVALID_FIELD", message)
