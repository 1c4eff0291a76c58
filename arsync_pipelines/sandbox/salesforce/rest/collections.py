"""sObject collections: up to 200 records a call, one result per record in the order of the request, HTTP 200."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from arsync_pipelines.sandbox.salesforce import ids
from arsync_pipelines.sandbox.salesforce.errors import RecordFailure, RowError, SalesforceError, reject
from arsync_pipelines.sandbox.salesforce.org import Org
from arsync_pipelines.sandbox.salesforce.records import Outcome
from arsync_pipelines.sandbox.salesforce.rest.rows import external_key
from arsync_pipelines.sandbox.salesforce.schema import FieldDef, ObjectDef
from arsync_pipelines.sandbox.salesforce.store import Transaction
from arsync_pipelines.sandbox.salesforce.values import to_json
from arsync_pipelines.sandbox.salesforce.wire import Call, Reply

LIMIT = 200
_ROLLED_BACK = RowError(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)

Act = Callable[[Transaction], Outcome]


class _RolledBack(Exception):
    """Leaves the savepoint of an all-or-none call that had a failure."""


def run(org: Org, call: Call, acts: list[Act], *, all_or_none: bool) -> list[Outcome]:
    """Do each record; with all-or-none, one failure undoes and marks the others."""
    outcomes: list[Outcome] = []
    with org.store.transaction() as at:
        at.request_id = call.request_id or at.request_id
        try:
            with org.store.savepoint(at):
                for act in acts:
                    try:
                        outcomes.append(act(at))
                    except RecordFailure as refused:
                        outcomes.append(Outcome(errors=[refused.error]))
                if all_or_none and any(not one.success for one in outcomes):
                    raise _RolledBack
        except _RolledBack:
            outcomes = [one if not one.success else Outcome(errors=[_ROLLED_BACK]) for one in outcomes]
    return outcomes


def _results(outcomes: list[Outcome], *, upsert: bool = False) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    for one in outcomes:
        result: dict[str, Any] = {"id": one.id} if one.success else {}
        result |= {"success": one.success, "errors": [error.as_row() for error in one.errors]}
        if upsert:
            result["created"] = one.created
        out.append(result)
    return out


def _records(call: Call) -> tuple[list[dict[str, Any]], bool]:
    body = call.object()
    records = body.get("records")
    if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
        raise SalesforceError(400, "JSON_PARSER_ERROR", "records must be an array of objects")
    _check_size(len(records))
    return records, bool(body.get("allOrNone", False))


def _check_size(count: int) -> None:
    if count > LIMIT:
        raise SalesforceError(
            400,
            "EXCEEDED_ID_LIMIT",
            f"record limit reached. cannot submit more than {LIMIT} records in this call",
        )


def _owner(org: Org, record: dict[str, Any]) -> ObjectDef:
    name = (record.get("attributes") or {}).get("type")
    found = org.store.find_object(name) if isinstance(name, str) else None
    if found is None:
        raise reject("INVALID_TYPE", f"sObject type '{name}' is not supported.")
    return found


def save(org: Org, call: Call) -> Reply:
    """POST (create) and PATCH (update by id) /composite/sobjects; DELETE ?ids=."""
    if call.method == "DELETE":
        return _delete(org, call)
    records, all_or_none = _records(call)
    actor = call.actor()

    def act(record: dict[str, Any]) -> Act:
        def create(at: Transaction) -> Outcome:
            return org.records.insert(at, _owner(org, record), record, actor)

        def update(at: Transaction) -> Outcome:
            fields = {name: value for name, value in record.items() if name.lower() != "id"}
            given = next((value for name, value in record.items() if name.lower() == "id"), None)
            if given is None:
                raise reject("MISSING_ARGUMENT", "Id not specified in an update call", "Id")
            return org.records.update(at, _owner(org, record), str(given), fields, actor)

        return create if call.method == "POST" else update

    return Reply(200, _results(run(org, call, [act(one) for one in records], all_or_none=all_or_none)))


def _delete(org: Org, call: Call) -> Reply:
    wanted = [one for one in call.params.get("ids", "").split(",") if one]
    _check_size(len(wanted))
    actor = call.actor()

    def act(record_id: str) -> Act:
        def delete(at: Transaction) -> Outcome:
            owner = org.store.object_of_id(record_id)
            if owner is None:
                raise reject("MALFORMED_ID", f"malformed id {record_id}")
            return org.records.delete(at, owner, record_id, actor)

        return delete

    return Reply(200, _results(run(org, call, [act(one) for one in wanted], all_or_none=call.flag("allOrNone"))))


def upsert_acts(
    org: Org, owner: ObjectDef, key: FieldDef, records: list[dict[str, Any]], actor_of: Call | None, actor: Any
) -> list[Act]:
    """One act per record; an external id that stands twice in the call fails both times."""
    values = [_key_value(one, key) for one in records]
    seen = Counter(_folded(key, value) for value in values if value not in (None, ""))

    def act(record: dict[str, Any], value: Any) -> Act:
        def upsert(at: Transaction) -> Outcome:
            if value not in (None, "") and seen[_folded(key, value)] > 1:
                raise reject("DUPLICATE_VALUE", f"Duplicate external id specified: {value}", key.name)
            if actor_of is not None and _owner(org, record) is not owner:
                raise reject("INVALID_TYPE", f"all records must be of type {owner.name}")
            fields = {name: one for name, one in record.items() if name.lower() not in (key.name.lower(), "id")}
            return org.records.upsert(at, owner, key, value, fields, actor)

        return upsert

    return [act(record, value) for record, value in zip(records, values, strict=True)]


def _key_value(record: dict[str, Any], key: FieldDef) -> Any:
    lowered = key.name.lower()
    return next((value for name, value in record.items() if name.lower() == lowered), None)


def _folded(key: FieldDef, value: Any) -> str:
    if key.type == "id":
        return ids.normalize(value) or str(value)
    return str(value) if key.case_sensitive else str(value).lower()


def upsert(org: Org, call: Call, name: str, key_name: str) -> Reply:
    """PATCH /composite/sobjects/{Object}/{Field}."""
    owner = org.object(name)
    key = external_key(owner, key_name)
    records, all_or_none = _records(call)
    if key.type != "id" and any("id" in {one.lower() for one in record} for record in records):
        raise SalesforceError(400, "INVALID_FIELD", "The Id field should not be specified in the sobject data.")
    acts = upsert_acts(org, owner, key, records, call, call.actor())
    return Reply(200, _results(run(org, call, acts, all_or_none=all_or_none), upsert=True))


def retrieve(org: Org, call: Call, name: str) -> Reply:
    """GET ?ids=&fields= or POST {"ids", "fields"}: the records in order, null where there is none."""
    owner = org.object(name)
    body = call.object() if call.method == "POST" else {}
    wanted = body.get("ids") or [one for one in call.params.get("ids", "").split(",") if one]
    chosen = body.get("fields") or [one.strip() for one in call.params.get("fields", "").split(",") if one]
    if len(wanted) > 2000:
        raise SalesforceError(400, "EXCEEDED_ID_LIMIT", "cannot retrieve more than 2000 records in this call")
    items = [owner.find(one) for one in chosen]
    if not items or None in items:
        unknown = next((one for one, item in zip(chosen, items, strict=True) if item is None), "")
        raise SalesforceError(400, "INVALID_FIELD", f"No such column '{unknown}' on sobject of type {owner.name}")
    out: list[dict[str, Any] | None] = []
    with org.store.lock:
        for record_id in wanted:
            row = org.records.find(owner, record_id)
            if row is None or row["IsDeleted"]:
                out.append(None)
                continue
            url = f"/services/data/{call.version}/sobjects/{owner.name}/{row['Id']}"
            record: dict[str, Any] = {"attributes": {"type": owner.name, "url": url}, "Id": row["Id"]}
            record |= {item.name: to_json(item, row[item.name]) for item in items if item}
            out.append(record)
    return Reply(200, out)
