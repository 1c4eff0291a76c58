"""What the org knows about its objects and fields. Stored rows are the store's business, wire shapes describe.py's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

NUMBERS = frozenset({"double", "currency", "percent", "int"})
TEXTS = frozenset({"string", "textarea", "picklist", "url", "email", "phone"})
IDS = frozenset({"id", "reference"})
HISTORY_PREFIX = "017"  # of the rows of every history object


@dataclass(frozen=True, slots=True)
class FieldDef:
    """One field; `type` is the describe type (string, currency, reference, ...)."""

    name: str
    type: str
    label: str = ""
    length: int = 0
    precision: int = 18
    scale: int = 0
    required: bool = False
    unique: bool = False
    external_id: bool = False
    case_sensitive: bool = False
    reference_to: str = ""
    relationship: str = ""
    createable: bool = True
    updateable: bool = True
    default: Any = None
    picklist: tuple[str, ...] = ()
    restricted: bool = False
    metadata_type: str = ""  # the Metadata API's name of the type (Text, Number, Lookup, ...), custom fields only
    tracked: bool = False  # changes of it become history rows, while the object keeps history

    @property
    def custom(self) -> bool:
        """Whether the org made it."""
        return self.name.endswith("__c")

    def to_dict(self) -> dict[str, Any]:
        """JSON form for the store."""
        return asdict(self)

    @classmethod
    def from_dict(cls, body: dict[str, Any]) -> FieldDef:
        """The inverse of `to_dict`."""
        return cls(**{**body, "picklist": tuple(body["picklist"])})


@dataclass(slots=True)
class ObjectDef:
    """One object and its fields, found without regard to case."""

    name: str
    prefix: str
    label: str
    plural: str
    fields: dict[str, FieldDef] = field(default_factory=dict)
    cascades: tuple[str, ...] = ()  # children "Object.Field" that are deleted with their parent
    auto_number: str = ""  # display format of the name field when the org numbers records
    history: bool = False  # changes of its tracked fields are kept, in the object that `history_object` makes
    history_of: str = ""  # the object whose changes this one holds: nobody writes it
    _by_lower: dict[str, FieldDef] = field(default_factory=dict)
    _by_relationship: dict[str, FieldDef] = field(default_factory=dict)

    @property
    def custom(self) -> bool:
        """Whether the org made it."""
        return self.name.endswith("__c")

    @property
    def table(self) -> str:
        """Name of its table in the store."""
        return "o_" + self.name

    @property
    def history_name(self) -> str:
        """Name of the object that holds its history."""
        return (self.name.removesuffix("c") if self.custom else self.name) + "History"

    def add(self, item: FieldDef) -> None:
        """Add or replace a field."""
        self.fields[item.name] = item
        self._by_lower[item.name.lower()] = item
        if item.relationship:
            self._by_relationship[item.relationship.lower()] = item

    def drop(self, name: str) -> None:
        """Forget a field."""
        item = self.fields.pop(name)
        self._by_lower.pop(name.lower())
        if item.relationship:
            self._by_relationship.pop(item.relationship.lower(), None)

    def find(self, name: str) -> FieldDef | None:
        """The field of that name in any case."""
        return self._by_lower.get(name.lower())

    def relationship(self, name: str) -> FieldDef | None:
        """The reference field behind a relationship name such as `Account__r` or `Owner`."""
        return self._by_relationship.get(name.lower())


def build_object(
    name: str, prefix: str, label: str, plural: str, fields: Iterable[FieldDef], cascades: tuple[str, ...] = ()
) -> ObjectDef:
    """An object with the system fields every object has, and its own."""
    made = ObjectDef(name, prefix, label, plural, cascades=cascades)
    made.add(FieldDef("Id", "id", "Record ID", 18, createable=False, updateable=False))
    made.add(FieldDef("IsDeleted", "boolean", "Deleted", createable=False, updateable=False, default=False))
    for item in fields:
        made.add(item)
    for stamp, label_text in (("CreatedDate", "Created Date"), ("LastModifiedDate", "Last Modified Date")):
        made.add(FieldDef(stamp, "datetime", label_text, createable=False, updateable=False))
    made.add(FieldDef("SystemModstamp", "datetime", "System Modstamp", createable=False, updateable=False))
    for who in ("CreatedBy", "LastModifiedBy"):
        made.add(
            FieldDef(
                f"{who}Id",
                "reference",
                f"{who} ID",
                18,
                reference_to="User",
                relationship=who,
                createable=False,
                updateable=False,
            )
        )
    return made


def history_object(owner: ObjectDef) -> ObjectDef:
    """The object that holds what was changed in an object's records: `AccountHistory`, `AR_Invoice__History`."""
    label = f"{owner.label} History"
    made = ObjectDef(owner.history_name, HISTORY_PREFIX, label, label, history_of=owner.name)
    link = ("ParentId", "Parent") if owner.custom else (f"{owner.name}Id", owner.name)
    for name, kind, length, target, relation in (
        ("Id", "id", 18, "", ""),
        ("IsDeleted", "boolean", 0, "", ""),
        (link[0], "reference", 18, owner.name, link[1]),
        ("CreatedById", "reference", 18, "User", "CreatedBy"),
        ("CreatedDate", "datetime", 0, "", ""),
        ("Field", "picklist", 255, "", ""),
        ("DataType", "picklist", 40, "", ""),
        ("OldValue", "anyType", 0, "", ""),
        ("NewValue", "anyType", 0, "", ""),
    ):
        default = False if kind == "boolean" else None
        told = ("created", *map(history_field, owner.fields.values())) if name == "Field" else ()
        made.add(
            FieldDef(
                name, kind, name, length, reference_to=target, relationship=relation, createable=False,
                updateable=False, default=default, picklist=told, restricted=bool(told),
            )
        )  # fmt: skip
    return made


def history_field(item: FieldDef) -> str:
    """How history calls a field; standard lookups go by the name of their relationship."""
    return item.name.removesuffix("Id") if item.type == "reference" and not item.custom else item.name
