"""The Metadata API's SOAP door, /services/Soap/m/NN.0: create, update, upsert, read, delete and list of two types.

Up to ten components of one type a call; each has its own result.
"""

from __future__ import annotations

from typing import Any

from arsync_pipelines.sandbox.salesforce.errors import SalesforceError
from arsync_pipelines.sandbox.salesforce.metadata import components
from arsync_pipelines.sandbox.salesforce.metadata.components import ComponentError
from arsync_pipelines.sandbox.salesforce.metadata.xml import Node, XmlError, read, write
from arsync_pipelines.sandbox.salesforce.org import Org
from arsync_pipelines.sandbox.salesforce.wire import Reply

_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope'
    ' xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="http://soap.sforce.com/2006/04/metadata"'
    ' xmlns:sf="http://soap.sforce.com/2006/04/metadata" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    "<soapenv:Body>{}</soapenv:Body></soapenv:Envelope>"
)
LIMIT = 10
KINDS = ("CustomObject", "CustomField")


class SoapFault(Exception):
    """The whole call fails."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def handle(org: Org, body: bytes, path: str) -> Reply:
    """One SOAP call."""
    try:
        envelope = read(body)
        operation = _first(envelope.child("Body"))
        _authorize(org, envelope, path)
        content = _answer(org, operation)
        return _reply(200, f"<{operation.name}Response>{content}</{operation.name}Response>")
    except XmlError as error:
        return _fault(SoapFault("soapenv:Client", str(error)))
    except SoapFault as fault:
        return _fault(fault)


def _first(body: Node | None) -> Node:
    if body is None or not body.children:
        raise SoapFault("soapenv:Client", "the envelope has no body")
    return body.children[0]


def _authorize(org: Org, envelope: Node, path: str) -> None:
    header = envelope.child("Header")
    session = header.child("SessionHeader") if header else None
    token = session.child("sessionId") if session else None
    try:
        org.sessions.user_of_token(token.text.strip() if token else "", "POST", path)
    except SalesforceError as error:
        raise SoapFault(
            "sf:INVALID_SESSION_ID", "INVALID_SESSION_ID: Invalid Session ID found in SessionHeader: Illegal Session"
        ) from error


def _answer(org: Org, operation: Node) -> str:
    name = operation.name
    if name in ("createMetadata", "updateMetadata", "upsertMetadata"):
        parts = [one for one in operation.children if one.name == "metadata"]
        _check_size(len(parts))
        if len({part.type for part in parts}) > 1:
            raise SoapFault("sf:INVALID_TYPE", "components of one type only in a call")
        return "".join(write("result", _save(org, name, part)) for part in parts)
    kind = operation.child("type")
    names = [one.text.strip() for one in operation.children if one.name == "fullNames"]
    if name == "readMetadata":
        _check_size(len(names))
        return "<result>" + "".join(_read(org, kind.text if kind else "", one) for one in names) + "</result>"
    if name == "deleteMetadata":
        _check_size(len(names))
        return "".join(write("result", _delete(org, kind.text if kind else "", one)) for one in names)
    if name == "listMetadata":
        return "".join(_list(org, one.value() or {}) for one in operation.children if one.name == "queries")
    raise SoapFault("soapenv:Client", f"operation {name} is not supported by this stand-in")


def _check_size(count: int) -> None:
    if count > LIMIT:
        raise SoapFault("sf:LIMIT_EXCEEDED", f"LIMIT_EXCEEDED: at most {LIMIT} components in a call, got {count}")


def _save(org: Org, operation: str, part: Node) -> dict[str, Any]:
    body = part.value() or {}
    full_name = str(body.get("fullName") or "")
    create, update = operation != "updateMetadata", operation != "createMetadata"
    try:
        with org.store.transaction() as at, org.store.savepoint(at):
            if part.type == "CustomObject":
                made = components.save_object(org.store, full_name, body, create=create, update=update)
            elif part.type == "CustomField":
                made = components.save_field(org.store, full_name, body, create=create, update=update)
            else:
                raise ComponentError("INVALID_TYPE", f"type {part.type} is not supported by this stand-in")
            at.journal.append(("create" if made else "update", part.type, full_name, body))
    except ComponentError as error:
        org.store.reload()
        return _failed(full_name, error)
    result: dict[str, Any] = {"fullName": full_name, "success": True}
    return {"created": made, **result} if operation == "upsertMetadata" else result


def _failed(full_name: str, error: ComponentError) -> dict[str, Any]:
    detail = {"fields": error.field or None, "message": error.message, "statusCode": error.code}
    return {"errors": detail, "fullName": full_name, "success": False}


def _read(org: Org, kind: str, full_name: str) -> str:
    """The component, or the empty element by which readMetadata says that there is none."""
    parent_name, name = components.split(full_name)
    parent = org.store.find_object(parent_name)
    item = parent.find(name) if parent and name else None
    body: dict[str, Any] | None = None
    if kind == "CustomObject" and parent is not None and not name:
        body = components.show_object(parent)
    elif kind == "CustomField" and parent is not None and item is not None and item.custom:
        body = components.show_field(parent, item, qualified=True)
    return write(
        "records", body if body is not None else {}, f' xsi:type="{kind}"' if body is not None else ' xsi:nil="true"'
    )


def _delete(org: Org, kind: str, full_name: str) -> dict[str, Any]:
    try:
        with org.store.transaction() as at:
            components.delete(org.store, kind, full_name)
            at.journal.append(("delete", kind, full_name, {}))
    except ComponentError as error:
        return _failed(full_name, error)
    return {"fullName": full_name, "success": True}


def _list(org: Org, query: dict[str, Any]) -> str:
    out = ""
    for owner in org.store.objects.values():
        if owner.history_of:
            continue
        names = [owner.name] if query.get("type") == "CustomObject" else []
        if query.get("type") == "CustomField":
            names = [f"{owner.name}.{one.name}" for one in owner.fields.values() if one.custom]
        for name in names:
            out += write(
                "result", {"fileName": f"objects/{owner.name}.object", "fullName": name, "type": query["type"]}
            )
    return out


def _reply(status: int, content: str) -> Reply:
    return Reply(status, _ENVELOPE.format(content).encode(), media="text/xml;charset=UTF-8")


def _fault(fault: SoapFault) -> Reply:
    body = {"faultcode": fault.code, "faultstring": fault.message}
    return _reply(500, write("soapenv:Fault", body))
