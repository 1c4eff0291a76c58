"""Field history: what became of the tracked fields of records, written in the transaction that changes them.

Kept per object (`enableHistory`) and field (`trackHistory`), see metadata/components.py. A new record leaves one row
`created`; deleting leaves none. A changed lookup leaves two, one of ids and one of names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from arsync_pipelines.sandbox.salesforce import ids
from arsync_pipelines.sandbox.salesforce.schema import HISTORY_PREFIX, FieldDef, ObjectDef, history_field
from arsync_pipelines.sandbox.salesforce.store import Store, Transaction
from arsync_pipelines.sandbox.salesforce.values import to_json

TRACKED_FIELDS = 20
"""Most tracked fields of one object."""

LONGEST = 255
"""Text fields that can be longer are told to have changed, without their values."""

_DATA_TYPES = {
    "boolean": "Boolean",
    "currency": "Currency",
    "date": "DateOnly",
    "datetime": "DateTime",
    "double": "Double",
    "email": "Email",
    "int": "Double",
    "percent": "Percent",
    "phone": "Phone",
    "picklist": "DynamicEnum",
    "reference": "EntityId",
    "textarea": "MultiLineText",
    "url": "Url",
}


def note_created(store: Store, at: Transaction, owner: ObjectDef, record_id: str, user_id: str) -> None:
    """A record was made."""
    if owner.history:
        _insert(store, at, owner, record_id, user_id, [("created", "Text", None, None)])


def note_changes(
    store: Store, at: Transaction, owner: ObjectDef, record_id: str, user_id: str, before: Mapping[str, Any],
    changed: Mapping[str, Any],
) -> None:  # fmt: skip
    """Stored values `changed` took the place of those in `before`."""
    if not owner.history:
        return
    rows: list[tuple[str, str, Any, Any]] = []
    for name, value in changed.items():
        item = owner.fields.get(name)
        if item is not None and item.tracked and before.get(name) != value:
            rows += _rows(store, item, before.get(name), value)
    if rows:
        _insert(store, at, owner, record_id, user_id, rows)


def _rows(store: Store, item: FieldDef, old: Any, new: Any) -> list[tuple[str, str, Any, Any]]:
    kind = _DATA_TYPES.get(item.type, "Text")
    if item.length > LONGEST:
        return [(item.name, kind, None, None)]
    if item.type != "reference":
        shown = [None if value is None else to_json(item, value) for value in (old, new)]
        return [(item.name, kind, shown[0], shown[1])]
    name = history_field(item)
    return [(name, kind, old, new), (name, "Text", _name(store, item, old), _name(store, item, new))]


def _name(store: Store, item: FieldDef, record_id: str | None) -> str | None:
    target = store.find_object(item.reference_to)
    if record_id is None or target is None or target.find("Name") is None:
        return record_id
    query = f'select "Name" from "{target.table}" where "Id" = ?'
    row = store.connection.execute(query, (record_id,)).fetchone()
    return None if row is None else str(row[0])


def _insert(
    store: Store, at: Transaction, owner: ObjectDef, record_id: str, user_id: str,
    rows: Iterable[tuple[str, str, Any, Any]],
) -> None:  # fmt: skip
    made = store.objects[owner.history_name.lower()]
    names = [name for name in made.fields if name != "IsDeleted"]
    columns, marks = ", ".join(f'"{name}"' for name in names), ", ".join("?" * len(names))
    store.connection.executemany(
        f'insert into "{made.table}" ({columns}) values ({marks})',
        [
            (
                ids.make(HISTORY_PREFIX, store.next_number("id:History")), record_id, user_id, at.now, field, kind,
                *(None if value is None else orjson.dumps(value).decode() for value in (old, new)),
            )
            for field, kind, old, new in rows
        ],
    )  # fmt: skip
