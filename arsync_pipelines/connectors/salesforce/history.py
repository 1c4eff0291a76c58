"""Who changed which field of a record last, where an org keeps field history. Nothing fails for want of it.

LastModifiedById is of the record: who changes another field afterwards stands there. A history row tells of one field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from arsync_pipelines.connectors.salesforce import soql
from arsync_pipelines.connectors.salesforce.api import SalesforceApi
from arsync_pipelines.connectors.salesforce.payload import ObjectShape, shown
from arsync_pipelines.domain.comparison import same
from arsync_pipelines.domain.drift import FieldEdit
from arsync_pipelines.domain.errors import SourceError
from arsync_pipelines.ports.sink import Sighting

QUERY_RECORDS = 200
"""Records that one query asks about: their ids fit into a URL."""

QUERY_ROWS = 2000
"""Most rows that it reads, newest first: one page. What is older than that names nobody."""


class FieldHistory:
    """The history of one org's objects; what an object has of it is asked once."""

    def __init__(self, api: SalesforceApi) -> None:
        self._api = api
        self._kept: dict[str, list[str]] = {}

    def added(self, shape: ObjectShape, seen: Mapping[str, Sighting]) -> Mapping[str, Sighting]:
        """The same sightings, living ones with who changed each field last. What an org answers instead of its history
        stands in `edits_unknown`."""
        living = {s.record_id: key for key, s in seen.items() if not s.is_deleted}
        try:
            fields = self._fields(shape) if living else []
            if not fields:
                return seen
            rows = self._rows(shape, list(living), fields)
        except SourceError as error:
            return {key: replace(s, edits_unknown=str(error)) for key, s in seen.items()}
        own = self._api.auth.user_id
        return {
            **seen,
            **{
                key: replace(seen[key], edits=edits(shape, seen[key], rows.get(id, ()), own))
                for id, key in living.items()
            },
        }

    def _fields(self, shape: ObjectShape) -> list[str]:
        """Our fields that the object's history can tell of; [] where the org keeps none."""
        if shape.sobject not in self._kept:
            described = self._api.describe(history_object(shape.sobject)) or {}
            # a restricted picklist: other names in a filter could be refused
            told = [f.get("picklistValues") or [] for f in described.get("fields", []) if f["name"] == "Field"]
            names = {str(one["value"]) for values in told for one in values} if described.get("queryable") else set()
            self._kept[shape.sobject] = [shape.names[name] for name in shape.kinds if shape.names[name] in names]
        return self._kept[shape.sobject]

    def _rows(self, shape: ObjectShape, records: Sequence[str], of: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """History rows of the fields `of` by record, newest first."""
        parent = "ParentId" if shape.sobject.endswith("__c") else f"{shape.sobject}Id"
        fields = [parent, "Field", "NewValue", "CreatedById", "CreatedBy.Name", "CreatedDate"]
        queries = [
            soql.history(
                history_object(shape.sobject), fields, parent, records[start : start + QUERY_RECORDS], of, QUERY_ROWS
            )
            for start in range(0, len(records), QUERY_RECORDS)
        ]
        found: dict[str, list[dict[str, Any]]] = {}
        for rows in self._api.query_each(queries):
            for row in rows:
                found.setdefault(str(row[parent]), []).append(row)
        return found


def history_object(sobject: str) -> str:
    """`Account` -> `AccountHistory`, `AR_Invoice__c` -> `AR_Invoice__History`."""
    return (sobject.removesuffix("c") if sobject.endswith("__c") else sobject) + "History"


def edits(shape: ObjectShape, seen: Sighting, rows: Sequence[Mapping[str, Any]], own_user: str) -> dict[str, FieldEdit]:
    """Canonical field -> its last edit. `rows`: a record's history, newest first.

    An edit is named only where it wrote the value that was seen: otherwise the field was changed while it was looked
    at, or while its history was off. Rows of one second come in no order, and a lookup has two, of an id and a name.
    """
    found: dict[str, FieldEdit] = {}
    for name, kind in shape.kinds.items():
        mine = [row for row in rows if row["Field"] == shape.names[name]]
        newest = [row for row in mine if row["CreatedDate"] == mine[0]["CreatedDate"]]
        for row in newest:
            if same(shown(kind, row["NewValue"]), seen.values.get(name)):
                found[name] = _edit(row, own_user)
                break
    return found


def _edit(row: Mapping[str, Any], own_user: str) -> FieldEdit:
    by_id, by = str(row["CreatedById"]), row.get("CreatedBy") or {}
    return FieldEdit(by_id, str(by.get("Name") or ""), by_id[:15] == own_user[:15], soql.instant(row["CreatedDate"]))
