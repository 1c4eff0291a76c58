"""Single records: /sobjects/{Object}[/{Id} | /{ExternalIdField}/{value}], with conditional requests."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from arsync_pipelines.sandbox.salesforce import ids
from arsync_pipelines.sandbox.salesforce.errors import RecordFailure, RowError, SalesforceError, not_found
from arsync_pipelines.sandbox.salesforce.org import Org
from arsync_pipelines.sandbox.salesforce.records import Outcome
from arsync_pipelines.sandbox.salesforce.schema import FieldDef, ObjectDef
from arsync_pipelines.sandbox.salesforce.store import Transaction
from arsync_pipelines.sandbox.salesforce.values import to_json, to_stored
from arsync_pipelines.sandbox.salesforce.wire import Call, Reply


def failure(error: RowError) -> SalesforceError:
    """A record failure as the failure of its call."""
    return SalesforceError(error.status, error.code, error.message, error.fields)


def write(org: Org, call: Call, act: Callable[[Transaction], Outcome]) -> Outcome:
    """Run one write in its transaction. Raises SalesforceError."""
    try:
        with org.store.transaction() as at:
            at.request_id = call.request_id or at.request_id
            return act(at)
    except RecordFailure as refused:
        raise failure(refused.error) from None


def saved(outcome: Outcome) -> dict[str, Any]:
    """The body of a successful single write."""
    return {"id": outcome.id, "success": True, "errors": []}


def create(org: Org, call: Call, name: str) -> Reply:
    """POST /sobjects/{Object}."""
    owner, body = org.object(name), call.object()
    outcome = write(org, call, lambda at: org.records.insert(at, owner, body, call.actor(alone=True)))
    return Reply(201, saved(outcome), {"Location": f"/services/data/{call.version}/sobjects/{owner.name}/{outcome.id}"})


def by_id(org: Org, call: Call, name: str, record_id: str) -> Reply:
    """GET, PATCH, DELETE /sobjects/{Object}/{Id}."""
    owner = org.object(name)
    if call.method == "GET":
        return _show(org, call, owner, record_id)
    actor = call.actor(alone=True)
    _preconditions(org, call, owner, record_id)
    if call.method == "PATCH":
        body = call.object()
        write(org, call, lambda at: org.records.update(at, owner, record_id, body, actor))
    else:
        write(org, call, lambda at: org.records.delete(at, owner, record_id, actor))
    return Reply(204)


def by_external_id(org: Org, call: Call, name: str, key_name: str, value: str) -> Reply:
    """GET, PATCH (upsert), DELETE /sobjects/{Object}/{Field}/{value}."""
    owner = org.object(name)
    key = external_key(owner, key_name)
    if call.method == "PATCH":
        return _upsert(org, call, owner, key, value)
    with org.store.lock:
        found = [value] if key.type == "id" else org.records.matches(owner, key, _stored(key, value))
    if not found:
        raise not_found("Provided external ID field does not exist or is not accessible: " + value)
    if len(found) > 1:
        return Reply(300, _urls(call, owner, found))
    return by_id(org, call, name, found[0])


def external_key(owner: ObjectDef, name: str) -> FieldDef:
    """The field by which records are found. Raises NOT_FOUND when it is no external id."""
    key = owner.find(name)
    if key is None or not (key.external_id or key.type == "id"):
        raise not_found(f"Provided external ID field does not exist or is not accessible: {name}")
    return key


def _stored(key: FieldDef, value: str) -> Any:
    try:
        return to_stored(key, value, strict_json=True)
    except RecordFailure as refused:
        raise failure(refused.error) from None


def _urls(call: Call, owner: ObjectDef, found: list[str]) -> list[str]:
    return [f"/services/data/{call.version}/sobjects/{owner.name}/{one}" for one in found]


def _upsert(org: Org, call: Call, owner: ObjectDef, key: FieldDef, value: str) -> Reply:
    body = call.object()
    for name in body:
        if name.lower() in (key.name.lower(), "id"):
            raise SalesforceError(
                400, "INVALID_FIELD", f"The {key.name} field should not be specified in the sobject data."
            )
    actor, only = call.actor(alone=True), call.flag("updateOnly")
    outcome = write(org, call, lambda at: org.records.upsert(at, owner, key, value, body, actor, update_only=only))
    if outcome.matches:
        return Reply(300, _urls(call, owner, outcome.matches))
    if outcome.errors:
        raise failure(outcome.errors[0])
    if not outcome.created and call.api < 46:
        return Reply(204)
    return Reply(201 if outcome.created else 200, {**saved(outcome), "created": outcome.created})


def _show(org: Org, call: Call, owner: ObjectDef, record_id: str) -> Reply:
    with org.store.lock:
        row = org.records.find(owner, record_id)
    if row is None or row["IsDeleted"]:
        if ids.normalize(record_id) is None and owner.find(record_id) is None:
            raise not_found("Provided external ID field does not exist or is not accessible: " + record_id)
        raise not_found() if row is None else SalesforceError(404, "ENTITY_IS_DELETED", "entity is deleted")
    validators = _validators(owner, row)
    if _unchanged(call, row, validators.get("ETag", "")):
        return Reply(304, None, validators)
    _require(call, row, validators.get("ETag", ""))
    wanted = list(owner.fields.values())
    if call.params.get("fields"):
        wanted = []
        for name in call.params["fields"].split(","):
            item = owner.find(name.strip())
            if item is None:
                raise SalesforceError(
                    400, "INVALID_FIELD", f"No such column '{name.strip()}' on sobject of type {owner.name}"
                )
            wanted.append(item)
    url = f"/services/data/{call.version}/sobjects/{owner.name}/{row['Id']}"
    body: dict[str, Any] = {"attributes": {"type": owner.name, "url": url}}
    body |= {item.name: to_json(item, row[item.name]) for item in wanted}
    body["Id"] = row["Id"]
    return Reply(200, body, validators)


# -- conditional requests ------------------------------------------------------------------------------------------


def _modified(row: dict[str, Any]) -> datetime:
    return datetime.strptime(row["SystemModstamp"][:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)


def _validators(owner: ObjectDef, row: dict[str, Any]) -> dict[str, str]:
    """Last-Modified on every record; an entity tag on accounts only, as the API has it."""
    found = {"Last-Modified": format_datetime(_modified(row), usegmt=True)}
    if owner.name == "Account":
        shown = "|".join(f"{name}={value}" for name, value in row.items())
        found["ETag"] = f'"{hashlib.sha256(shown.encode()).hexdigest()[:20]}"'
    return found


def _unchanged(call: Call, row: dict[str, Any], tag: str) -> bool:
    if tag and "if-none-match" in call.headers:
        return _tag_fits(call.headers["if-none-match"], tag)
    since = call.headers.get("if-modified-since")
    return bool(since) and _modified(row) <= _http_date(since or "")


def _require(call: Call, row: dict[str, Any], tag: str) -> None:
    since = call.headers.get("if-unmodified-since")
    late = bool(since) and _modified(row) > _http_date(since or "")
    other = bool(tag) and "if-match" in call.headers and not _tag_fits(call.headers["if-match"], tag)
    if late or other:
        raise SalesforceError(412, "PRECONDITION_FAILED", "Precondition failed. The resource has been modified.")


def _preconditions(org: Org, call: Call, owner: ObjectDef, record_id: str) -> None:
    if not {"if-match", "if-unmodified-since"} & set(call.headers):
        return
    with org.store.lock:
        row = org.records.find(owner, record_id)
    if row is not None:
        _require(call, row, _validators(owner, row).get("ETag", ""))


def _tag_fits(header: str, tag: str) -> bool:
    return header.strip() == "*" or tag in [part.strip().removeprefix("W/") for part in header.split(",")]


def _http_date(text: str) -> datetime:
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except (ValueError, TypeError):
        raise SalesforceError(400, "INVALID_HEADER", f"not an HTTP date: {text}") from None
