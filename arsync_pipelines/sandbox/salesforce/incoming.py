"""A client's record body to stored values: which fields exist and may be written, and what lookups point to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from arsync_pipelines.sandbox.salesforce.errors import reject
from arsync_pipelines.sandbox.salesforce.schema import FieldDef, ObjectDef
from arsync_pipelines.sandbox.salesforce.store import Store
from arsync_pipelines.sandbox.salesforce.values import to_stored


@dataclass(slots=True)
class Incoming:
    """`values` by field name in stored form; `shown` is the body as sent, for the journal."""

    values: dict[str, Any] = field(default_factory=dict)
    shown: dict[str, Any] = field(default_factory=dict)


def read_fields(
    store: Store, owner: ObjectDef, body: Mapping[str, Any], *, creating: bool, strict_json: bool
) -> Incoming:
    """Check and convert a body. Raises RecordFailure."""
    out = Incoming()
    for name, value in body.items():
        if name == "attributes":
            continue
        relation = owner.relationship(name) if value is None or isinstance(value, dict) else None
        if relation is not None:
            item, stored = relation, by_foreign_key(store, relation, value, strict_json=strict_json)
        else:
            found = owner.find(name)
            if found is None:
                raise reject("INVALID_FIELD", f"No such column '{name}' on sobject of type {owner.name}", name)
            item, stored = found, to_stored(found, value, strict_json=strict_json)
            if found.type == "reference" and stored is not None:
                _check_target(store, found, stored)
        if item.name == "Id" or not (item.createable if creating else item.updateable):
            verb = "create" if creating else "update"
            raise reject(
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                f"Unable to {verb} fields: {item.name}. Please check the security settings of this field and verify"
                " that it is read/write for your profile or permission set.",
                item.name,
            )
        out.values[item.name] = stored
        out.shown[name] = value
    return out


def by_foreign_key(
    store: Store, relation: FieldDef, value: Mapping[str, Any] | None, *, strict_json: bool
) -> str | None:
    """The id behind `"Account__r": {"ERP_Customer_Id__c": "C-1"}`; null clears the lookup."""
    if value is None:
        return None
    given = {name: one for name, one in value.items() if name != "attributes"}
    target = store.find_object(relation.reference_to)
    if target is None or len(given) != 1:
        raise reject(
            "INVALID_FIELD", f"Exactly one foreign key field is needed in {relation.relationship}", relation.name
        )
    name, wanted = next(iter(given.items()))
    key = target.find(name)
    if key is None or not (key.external_id or key.type == "id"):
        raise reject("INVALID_FIELD", f"The field {name} is not an external id of entity {target.name}", name)
    if wanted in (None, ""):
        return None
    stored = to_stored(key, wanted, strict_json=strict_json)
    rows = store.connection.execute(
        f'select "Id" from "{target.table}" where "{key.name}" = ? and "IsDeleted" = 0 limit 2', (stored,)
    ).fetchall()
    if not rows:
        raise reject(
            "INVALID_FIELD",
            f"Foreign key external ID: {str(wanted).lower()} not found for field {key.name} in entity {target.name}",
        )
    if len(rows) > 1:
        raise reject(
            "DUPLICATE_EXTERNAL_ID",
            f"{key.name}: more than one record found for external id field: [{', '.join(row[0] for row in rows)}]",
            key.name,
        )
    return str(rows[0][0])


def _check_target(store: Store, item: FieldDef, target_id: str) -> None:
    target = store.find_object(item.reference_to)
    if target is None or not target_id.startswith(target.prefix):
        raise reject("FIELD_INTEGRITY_EXCEPTION", f"{item.label}: id value of incorrect type: {target_id}", item.name)
    row = store.connection.execute(f'select "IsDeleted" from "{target.table}" where "Id" = ?', (target_id,)).fetchone()
    if row is None:
        raise reject("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", item.name)
    if row[0]:
        raise reject("ENTITY_IS_DELETED", "entity is deleted", item.name)
