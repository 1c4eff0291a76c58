"""Writing records: insert, update, upsert, delete, each with its rules, one record at a time inside a transaction.

Every door (single record, collections, composite, bulk) comes through here, so every door has the same rules. Wire
shapes and partial success are the doors' business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from arsync_pipelines.sandbox.core.faults import Faults
from arsync_pipelines.sandbox.salesforce import history, ids
from arsync_pipelines.sandbox.salesforce.errors import RowError, reject
from arsync_pipelines.sandbox.salesforce.incoming import read_fields
from arsync_pipelines.sandbox.salesforce.schema import FieldDef, ObjectDef
from arsync_pipelines.sandbox.salesforce.store import VENDOR, Change, Store, Transaction, new_id
from arsync_pipelines.sandbox.salesforce.values import to_stored


@dataclass(slots=True)
class Actor:
    """Who writes and through which door; ends up in stamps and in a change event's `changeOrigin`."""

    user_id: str
    origin: str
    method: str = ""
    path: str = ""
    strict_json: bool = False  # a record that stood alone: type errors are parser errors


@dataclass(slots=True)
class Outcome:
    """What became of one record. `matches` lists the ids when an external id was not unique."""

    id: str | None = None
    created: bool = False
    errors: list[RowError] = field(default_factory=list)
    matches: list[str] = field(default_factory=list)

    @property
    def success(self) -> bool:
        return not self.errors


class Records:
    """The write rules over one store."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self._store = store
        self._faults = faults

    # -- finding -------------------------------------------------------------------------------------------------

    def find(self, owner: ObjectDef, record_id: str) -> dict[str, Any] | None:
        """A stored row by 15- or 18-character id, deleted or not."""
        wanted = ids.normalize(record_id)
        names = [*owner.fields, "_api"]
        chosen = ", ".join(f'"{name}"' for name in names)
        row = self._store.connection.execute(
            f'select {chosen} from "{owner.table}" where "Id" = ?', (wanted,)
        ).fetchone()
        return dict(zip(names, row, strict=True)) if row else None

    def matches(self, owner: ObjectDef, key: FieldDef, value: Any) -> list[str]:
        """Ids of the living records that carry an external id."""
        cursor = self._store.connection.execute(
            f'select "Id" from "{owner.table}" where "{key.name}" = ? and "IsDeleted" = 0 limit 10', (value,)
        )
        return [row[0] for row in cursor]

    # -- writing -------------------------------------------------------------------------------------------------

    def insert(
        self, at: Transaction, owner: ObjectDef, body: Mapping[str, Any], actor: Actor, key: str = ""
    ) -> Outcome:
        """Create a record. Raises RecordFailure. `key` is what the journal files it under (the new id when empty)."""
        _writable(owner, "create")
        incoming = read_fields(self._store, owner, body, creating=True, strict_json=actor.strict_json)
        self._lock(owner, incoming.values, "", actor)
        values = incoming.values
        missing = [
            item.name
            for item in owner.fields.values()
            if item.required and values.get(item.name) is None and item.createable
        ]
        if missing:
            raise reject("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", *missing)
        self._check_unique(owner, values, "")
        record_id = new_id(self._store, owner)
        for item in owner.fields.values():
            if item.default is not None and item.name not in values:
                values[item.name] = int(item.default) if item.type == "boolean" else item.default
        if owner.find("OwnerId") and values.get("OwnerId") is None:
            values["OwnerId"] = actor.user_id
        if owner.auto_number:
            values["Name"] = _auto_name(owner.auto_number, self._store.next_number(f"name:{owner.name}"))
        written = ",".join(values)
        derive(owner, values, values)
        values |= {
            "Id": record_id,
            "CreatedDate": at.now,
            "CreatedById": actor.user_id,
            "LastModifiedDate": at.now,
            "LastModifiedById": actor.user_id,
            "SystemModstamp": at.now,
            "_api": f",{written},",
        }
        columns = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join("?" * len(values))
        self._store.connection.execute(
            f'insert into "{owner.table}" ({columns}) values ({marks})', list(values.values())
        )
        self._note(at, owner, "CREATE", record_id, actor, {k: v for k, v in values.items() if k not in ("Id", "_api")})
        history.note_created(self._store, at, owner, record_id, actor.user_id)
        at.journal.append(("create", owner.name, key or record_id, {**incoming.shown, **_who(record_id, actor)}))
        return Outcome(record_id, created=True)

    def update(
        self, at: Transaction, owner: ObjectDef, record_id: str, body: Mapping[str, Any], actor: Actor, key: str = ""
    ) -> Outcome:
        """Change a living record. Raises RecordFailure."""
        _writable(owner, "update")
        before = self._living(owner, record_id)
        record_id = before["Id"]
        incoming = read_fields(self._store, owner, body, creating=False, strict_json=actor.strict_json)
        values = incoming.values
        self._lock(owner, values, record_id, actor)
        emptied = [name for name, value in values.items() if value is None and owner.fields[name].required]
        if emptied:
            raise reject("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(emptied)}]", *emptied)
        self._check_unique(owner, values, record_id)
        written = before["_api"] or ","
        written += "".join(f"{name}," for name in values if f",{name}," not in written)
        derive(owner, {**before, **values}, values)
        changed = {name: value for name, value in values.items() if before.get(name) != value}
        values |= {"LastModifiedDate": at.now, "LastModifiedById": actor.user_id, "SystemModstamp": at.now}
        changed |= {"LastModifiedDate": at.now}
        assignments = ", ".join(f'"{name}" = ?' for name in values)
        self._store.connection.execute(
            f'update "{owner.table}" set {assignments}, _api = ? where "Id" = ?', [*values.values(), written, record_id]
        )
        self._note(at, owner, "UPDATE", record_id, actor, changed)
        history.note_changes(self._store, at, owner, record_id, actor.user_id, before, changed)
        at.journal.append(("update", owner.name, key or record_id, {**incoming.shown, **_who(record_id, actor)}))
        return Outcome(record_id)

    def upsert(
        self,
        at: Transaction,
        owner: ObjectDef,
        key: FieldDef,
        key_value: Any,
        body: Mapping[str, Any],
        actor: Actor,
        *,
        update_only: bool = False,
    ) -> Outcome:
        """Create or change by external id (or Id). Raises RecordFailure; several matches come back in `matches`."""
        if key.type == "id":
            if key_value in (None, ""):
                return self.insert(at, owner, body, actor)
            return self.update(at, owner, str(key_value), body, actor)
        stored = to_stored(key, key_value, strict_json=actor.strict_json)
        if stored is None:
            raise reject("MISSING_ARGUMENT", f"{key.name} not specified", key.name)
        found = self.matches(owner, key, stored)
        if len(found) > 1:
            error = RowError(
                "DUPLICATE_EXTERNAL_ID",
                f"{key.name}: more than one record found for external id field: [{', '.join(found)}]",
                (key.name,),
                300,
            )
            return Outcome(errors=[error], matches=found)
        if found:
            return self.update(at, owner, found[0], body, actor, str(stored))
        if update_only:
            raise reject("NOT_FOUND", "The requested resource does not exist", status=404)
        return self.insert(at, owner, {**body, key.name: key_value}, actor, str(stored))

    def delete(self, at: Transaction, owner: ObjectDef, record_id: str, actor: Actor) -> Outcome:
        """Move a record to the recycle bin, with its children; lookups of custom objects are cleared."""
        _writable(owner, "delete")
        before = self._living(owner, record_id)
        self._lock(owner, {}, before["Id"], actor)
        self.bury(at, owner, before["Id"], actor)
        return Outcome(before["Id"])

    def merge(self, at: Transaction, owner: ObjectDef, master_id: str, losers: Sequence[str], actor: Actor) -> None:
        """Merge records into a living master: they go to the recycle bin, what hangs on them hangs on the master."""
        master = self._living(owner, master_id)["Id"]
        for loser in losers:
            before = self._living(owner, loser)
            if before["Id"] == master:
                raise reject("INVALID_CROSS_REFERENCE_KEY", "a record cannot be merged with itself", "Id")
            self.bury(at, owner, before["Id"], actor, master)
        if losers:
            self.update(at, owner, master, {}, actor)

    def bury(self, at: Transaction, owner: ObjectDef, record_id: str, actor: Actor, master: str | None = None) -> None:
        """Mark a record as deleted (merged into `master`) and let what hangs on it follow."""
        connection = self._store.connection
        connection.execute(
            f'update "{owner.table}" set "IsDeleted" = 1, _deleted_at = ?, "LastModifiedDate" = ?, "SystemModstamp" = ?'
            ', "LastModifiedById" = ?' + (', "MasterRecordId" = ?' if master else "") + ' where "Id" = ?',
            [at.now, at.now, at.now, actor.user_id, *([master] if master else []), record_id],
        )
        connection.execute("insert or replace into deletion values (?, ?, ?)", (owner.name, record_id, at.now))
        self._note(at, owner, "DELETE", record_id, actor, {})
        if actor.origin:
            at.journal.append(("delete", owner.name, record_id, _who(record_id, actor)))
        for child in list(self._store.objects.values()):
            for item in child.fields.values():
                if item.reference_to != owner.name or not item.createable:
                    continue
                hanging = connection.execute(
                    f'select "Id" from "{child.table}" where "{item.name}" = ? and "IsDeleted" = 0', (record_id,)
                ).fetchall()
                for (child_id,) in hanging:
                    if master is None and f"{child.name}.{item.name}" in owner.cascades:
                        self.bury(at, child, child_id, actor)
                    else:
                        self._relink(at, child, child_id, item.name, master, actor)
                        links = ({item.name: record_id}, {item.name: master})
                        history.note_changes(self._store, at, child, child_id, actor.user_id, *links)

    def _relink(
        self, at: Transaction, child: ObjectDef, child_id: str, name: str, target: str | None, actor: Actor
    ) -> None:
        self._store.connection.execute(
            f'update "{child.table}" set "{name}" = ?, "SystemModstamp" = ? where "Id" = ?', (target, at.now, child_id)
        )
        self._note(at, child, "UPDATE", child_id, actor, {name: target})

    # -- rules ---------------------------------------------------------------------------------------------------

    def _living(self, owner: ObjectDef, record_id: str) -> dict[str, Any]:
        wanted = ids.normalize(record_id)
        if wanted is None or not wanted.startswith(owner.prefix):
            raise reject("MALFORMED_ID", f"{owner.label} ID: id value of incorrect type: {record_id}", "Id")
        row = self.find(owner, wanted)
        if row is None:
            raise reject("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", status=404)
        if row["IsDeleted"]:
            raise reject("ENTITY_IS_DELETED", "entity is deleted", status=404)
        return row

    def _lock(self, owner: ObjectDef, values: dict[str, Any], record_id: str, actor: Actor) -> None:
        if not self._faults.hit(VENDOR, "lock_row", actor.method, actor.path):
            return
        parents = [values[name] for name, item in owner.fields.items() if item.reference_to and values.get(name)]
        blocked = record_id or (parents[0] if parents else "")
        raise reject("UNABLE_TO_LOCK_ROW", f"unable to obtain exclusive access to this record or 1 records: {blocked}")

    def _check_unique(self, owner: ObjectDef, values: dict[str, Any], record_id: str) -> None:
        for name, value in values.items():
            if value is None or not owner.fields[name].unique:
                continue
            for other in self.matches(owner, owner.fields[name], value):
                if other != record_id:
                    raise reject(
                        "DUPLICATE_VALUE",
                        f"duplicate value found: {name} duplicates value on record with id: {other[:15]}",
                    )

    def _note(
        self, at: Transaction, owner: ObjectDef, kind: str, record_id: str, actor: Actor, values: dict[str, Any]
    ) -> None:
        at.changes.append(Change(owner.name, kind, record_id, actor.origin, actor.user_id, values))


def _writable(owner: ObjectDef, operation: str) -> None:
    if owner.history_of:
        raise reject("INVALID_TYPE_FOR_OPERATION", f"entity type {owner.name} does not support {operation}")


def _who(record_id: str, actor: Actor) -> dict[str, str]:
    """What the journal keeps of a write besides the body: whose it was, of which record."""
    return {"Id": record_id, "LastModifiedById": actor.user_id}


def derive(owner: ObjectDef, seen: Mapping[str, Any], values: dict[str, Any]) -> None:
    """Fills what the platform computes: full names, and whether a stage is closed."""
    if "LastName" in owner.fields and ("LastName" in values or "FirstName" in values):
        values["Name"] = " ".join(part for part in (seen.get("FirstName"), seen.get("LastName")) if part)
    if owner.name == "Opportunity" and "StageName" in values:
        values["IsWon"] = int(values["StageName"] == "Closed Won")
        values["IsClosed"] = int(str(values["StageName"]).startswith("Closed"))


def _auto_name(display: str, number: int) -> str:
    """`INV-{0000}` and 7 give INV-0007."""
    head, brace, rest = display.partition("{")
    width, _, tail = rest.partition("}")
    return f"{head}{number:0{len(width)}d}{tail}" if brace else f"{display}{number}"
