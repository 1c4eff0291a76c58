"""CustomObject and CustomField components: from their Metadata API form to the catalog and back."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from arsync_pipelines.sandbox.salesforce.history import TRACKED_FIELDS
from arsync_pipelines.sandbox.salesforce.schema import FieldDef, ObjectDef, build_object
from arsync_pipelines.sandbox.salesforce.standard_objects import currency_code, owner
from arsync_pipelines.sandbox.salesforce.store import Store

TYPES = {
    "Text": "string",
    "Number": "double",
    "Currency": "currency",
    "Percent": "percent",
    "Date": "date",
    "DateTime": "datetime",
    "Checkbox": "boolean",
    "Lookup": "reference",
    "MasterDetail": "reference",
    "Picklist": "picklist",
    "Url": "url",
    "Email": "email",
    "Phone": "phone",
    "TextArea": "textarea",
    "LongTextArea": "textarea",
}
_FIXED_LENGTH = {
    "Url": 255,
    "Email": 80,
    "Phone": 40,
    "TextArea": 255,
    "Picklist": 255,
    "Lookup": 18,
    "MasterDetail": 18,
}
_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*__c", re.ASCII)
_INDEXED = ("Text", "Number", "Email")


@dataclass(slots=True)
class ComponentError(Exception):
    """One component is refused."""

    code: str
    message: str
    field: str = ""

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def _truth(value: Any) -> bool:
    return value is True or str(value).lower() == "true"


def _whole(body: dict[str, Any], name: str, default: int) -> int:
    text = str(body.get(name) or default)
    if not text.isdigit():
        raise ComponentError("FIELD_INTEGRITY_EXCEPTION", f"{name} must be a whole number, not {text}", name)
    return int(text)


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name) or len(name) > 43:
        raise ComponentError(
            "INVALID_FULL_NAME" if not name.endswith("__c") else "FIELD_INTEGRITY_EXCEPTION",
            f"{name} is no valid API name: it must begin with a letter, hold letters, digits and single underscores,"
            " be at most 40 characters and end with __c",
            "fullName",
        )
    return name


def field_from(store: Store, name: str, body: dict[str, Any]) -> FieldDef:
    """A field definition from its component. Raises ComponentError."""
    _checked_name(name)
    kind = str(body.get("type") or "")
    if kind not in TYPES:
        raise ComponentError("FIELD_INTEGRITY_EXCEPTION", f"Field type {kind or 'missing'} is not supported", "type")
    made = FieldDef(
        name,
        TYPES[kind],
        str(body.get("label") or name.removesuffix("__c").replace("_", " ")),
        required=_truth(body.get("required")) or kind == "MasterDetail",
        unique=_truth(body.get("unique")),
        external_id=_truth(body.get("externalId")),
        case_sensitive=_truth(body.get("caseSensitive")),
        metadata_type=kind,
        tracked=_truth(body.get("trackHistory")),
    )
    if (made.external_id or made.unique) and kind not in _INDEXED:
        raise ComponentError(
            "FIELD_INTEGRITY_EXCEPTION", f"A {kind} field can be neither unique nor an external ID", "type"
        )
    if kind in ("Text", "LongTextArea"):
        length = _whole(body, "length", 0)
        if not 1 <= length <= (255 if kind == "Text" else 131072):
            raise ComponentError("FIELD_INTEGRITY_EXCEPTION", f"Must specify 'length' of a {kind} field", "length")
        return replace(made, length=length)
    if kind in ("Number", "Currency", "Percent"):
        precision, scale = _whole(body, "precision", 0), _whole(body, "scale", 0)
        if not 1 <= precision <= 18 or scale > precision:
            raise ComponentError(
                "FIELD_INTEGRITY_EXCEPTION", "Must specify 'precision' (1 to 18) and 'scale'", "precision"
            )
        return replace(made, precision=precision, scale=scale)
    if kind == "Checkbox":
        if body.get("defaultValue") is None:
            raise ComponentError(
                "FIELD_INTEGRITY_EXCEPTION", "Must specify 'defaultValue' for a Checkbox", "defaultValue"
            )
        return replace(made, default=_truth(body["defaultValue"]))
    if kind in ("Lookup", "MasterDetail"):
        target = store.find_object(str(body.get("referenceTo") or ""))
        if target is None:
            raise ComponentError(
                "FIELD_INTEGRITY_EXCEPTION",
                f"referenceTo value of '{body.get('referenceTo')}' does not resolve to a valid sObject type",
                "referenceTo",
            )
        return replace(made, length=18, reference_to=target.name, relationship=name.removesuffix("__c") + "__r")
    if kind == "Picklist":
        return replace(made, length=255, **_picklist(body))
    return replace(made, length=_FIXED_LENGTH.get(kind, 0))


def _picklist(body: dict[str, Any]) -> dict[str, Any]:
    values = (body.get("valueSet") or {}).get("valueSetDefinition") or {}
    entries = values.get("value") or []
    entries = entries if isinstance(entries, list) else [entries]
    names = tuple(str(one.get("fullName") or one.get("valueName")) for one in entries)
    return {"picklist": names, "restricted": _truth((body.get("valueSet") or {}).get("restricted"))}


def split(full_name: str) -> tuple[str, str]:
    """`Account.X__c` -> its two parts."""
    parent, _, name = full_name.partition(".")
    return parent, name


def save_field(store: Store, full_name: str, body: dict[str, Any], *, create: bool, update: bool) -> bool:
    """Create or change a field; True when it was created. Raises ComponentError."""
    parent_name, name = split(full_name)
    parent = store.find_object(parent_name)
    if parent is None or not name:
        raise ComponentError(
            "INVALID_CROSS_REFERENCE_KEY", f"Entity '{parent_name}' of field {full_name} was not found"
        )
    existing = parent.find(name)
    if existing is not None and not update:
        raise ComponentError(
            "DUPLICATE_DEVELOPER_NAME", f"There is already a field named {name} on {parent.label}.", "fullName"
        )
    if existing is None and not create:
        raise ComponentError(
            "INVALID_CROSS_REFERENCE_KEY", f"In field: fullName - no CustomField named {full_name} found"
        )
    if existing is not None and not existing.custom:
        made = replace(existing, tracked=_truth(body.get("trackHistory")))  # all that is known of standard fields here
    else:
        made = field_from(store, name, body)
    if made.tracked:
        _may_track(parent, name)
    if existing is not None and existing.type != made.type:
        raise ComponentError(
            "FIELD_INTEGRITY_EXCEPTION", f"{name}: the type of a field with data cannot be changed", "type"
        )
    store.add_field(parent, made)
    return existing is None


def _may_track(parent: ObjectDef, name: str) -> None:
    """Raises ComponentError unless the object can keep the history of one more field."""
    if not parent.history:
        raise ComponentError(
            "FIELD_INTEGRITY_EXCEPTION", f"The entity: {parent.name} does not have history tracking enabled"
        )
    tracked = [one.name for one in parent.fields.values() if one.tracked and one.name.lower() != name.lower()]
    if len(tracked) >= TRACKED_FIELDS:
        raise ComponentError(
            "FIELD_INTEGRITY_EXCEPTION", "exceeded the allowed number of fields to track on a given entity"
        )


def save_object(store: Store, name: str, body: dict[str, Any], *, create: bool, update: bool) -> bool:
    """Create or change a custom object with the fields it brings; True when it was created."""
    existing = store.find_object(name)
    if existing is not None and not update:
        raise ComponentError("DUPLICATE_DEVELOPER_NAME", f"There is already an object named {name}.", "fullName")
    if existing is None and not create:
        raise ComponentError("INVALID_CROSS_REFERENCE_KEY", f"no CustomObject named {name} found")
    if existing is None:
        _checked_name(name)
        for needed in ("label", "pluralLabel", "nameField", "deploymentStatus", "sharingModel"):
            if not body.get(needed):
                raise ComponentError("REQUIRED_FIELD_MISSING", f"Required field is missing: {needed}", needed)
        store.add_object(_new_object(store, name, body))
    elif existing.custom and body.get("label"):
        existing.label, existing.plural = str(body["label"]), str(body.get("pluralLabel") or existing.plural)
    saved = store.objects[name.lower()]
    if "enableHistory" in body and _truth(body["enableHistory"]) != saved.history:
        store.keep_history(saved, not saved.history)
    fields = body.get("fields") or []
    for one in fields if isinstance(fields, list) else [fields]:
        save_field(store, f"{name}.{one.get('fullName')}", one, create=True, update=True)
    return existing is None


def _new_object(store: Store, name: str, body: dict[str, Any]) -> ObjectDef:
    name_field = body["nameField"]
    automatic = name_field.get("type") == "AutoNumber"
    named = FieldDef(
        "Name",
        "string",
        str(name_field.get("label") or "Name"),
        80,
        required=not automatic,
        createable=not automatic,
        updateable=not automatic,
    )
    serial = store.next_number("object")
    prefix = (
        "a" + "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[serial // 36] + "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[serial % 36]
    )
    made = build_object(name, prefix, str(body["label"]), str(body["pluralLabel"]), [named, currency_code(), owner()])
    if automatic:
        made.auto_number = str(name_field.get("displayFormat") or "{00000}")
    return made


def delete(store: Store, kind: str, full_name: str) -> None:
    """Remove a custom field or object with its data. Raises ComponentError."""
    parent_name, name = split(full_name)
    parent = store.find_object(parent_name)
    if kind == "CustomObject" and parent is not None and parent.custom and not name:
        store.drop_object(parent)
        return
    item = parent.find(name) if parent is not None and kind == "CustomField" else None
    if parent is None or item is None or not item.custom:
        raise ComponentError("INVALID_CROSS_REFERENCE_KEY", f"no {kind} named {full_name} found")
    store.drop_field(parent, item.name)


def show_field(parent: ObjectDef, item: FieldDef, *, qualified: bool) -> dict[str, Any]:
    """A field's component, as readMetadata gives it."""
    body: dict[str, Any] = {
        "fullName": f"{parent.name}.{item.name}" if qualified else item.name,
        "externalId": item.external_id,
        "label": item.label,
        "trackHistory": item.tracked,
        "type": item.metadata_type,
    }
    if item.metadata_type in ("Text", "LongTextArea"):
        body["length"] = item.length
    if item.metadata_type in ("Number", "Currency", "Percent"):
        body |= {"precision": item.precision, "scale": item.scale}
    if item.metadata_type == "Checkbox":
        body["defaultValue"] = str(bool(item.default)).lower()
    else:
        body["required"] = item.required
    if item.reference_to:
        body |= {"referenceTo": item.reference_to}
    if item.metadata_type in _INDEXED:
        body["unique"] = item.unique
    return body


def show_object(item: ObjectDef) -> dict[str, Any]:
    """An object's component with its custom fields."""
    name = item.find("Name")
    return {
        "fullName": item.name,
        "deploymentStatus": "Deployed",
        "enableHistory": item.history,
        "fields": [show_field(item, one, qualified=False) for one in item.fields.values() if one.custom],
        "label": item.label,
        "nameField": {"label": name.label if name else "Name", "type": "AutoNumber" if item.auto_number else "Text"},
        "pluralLabel": item.plural,
        "sharingModel": "ReadWrite",
    }
