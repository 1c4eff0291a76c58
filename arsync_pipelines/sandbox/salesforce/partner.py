"""The Partner API's SOAP door, /services/Soap/u/NN.0: merge, which REST does not have. Accounts and contacts, up to two
records into a third.
"""

from __future__ import annotations

from arsync_pipelines.sandbox.salesforce.errors import RecordFailure, SalesforceError
from arsync_pipelines.sandbox.salesforce.metadata.soap import SoapFault
from arsync_pipelines.sandbox.salesforce.metadata.xml import Node, XmlError, read, write
from arsync_pipelines.sandbox.salesforce.org import Org
from arsync_pipelines.sandbox.salesforce.records import Actor
from arsync_pipelines.sandbox.salesforce.wire import Reply

_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope'
    ' xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com"'
    ' xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body>{}</soapenv:Body></soapenv:Envelope>'
)
MERGEABLE = ("Account", "Contact")


def handle(org: Org, body: bytes, path: str) -> Reply:
    """One SOAP call."""
    try:
        envelope = read(body)
        content = envelope.child("Body")
        operation = content.children[0] if content and content.children else None
        user_id = _user(org, envelope, path)
        if operation is None or operation.name != "merge":
            raise SoapFault("soapenv:Client", "only merge is supported by this stand-in")
        actor = Actor(user_id, f"com/salesforce/api/soap/{path.rstrip('/').rpartition('/')[2]}", "POST", path)
        found = "".join(_merge(org, one, actor) for one in operation.children if one.name == "request")
        return _reply(200, f"<mergeResponse>{found}</mergeResponse>")
    except XmlError as error:
        return _fault("soapenv:Client", str(error))
    except SoapFault as fault:
        return _fault(fault.code, fault.message)


def _user(org: Org, envelope: Node, path: str) -> str:
    header = envelope.child("Header")
    session = header.child("SessionHeader") if header else None
    token = session.child("sessionId") if session else None
    try:
        return org.sessions.user_of_token(token.text.strip() if token else "", "POST", path)
    except SalesforceError as error:
        raise SoapFault("sf:INVALID_SESSION_ID", "INVALID_SESSION_ID: Invalid Session ID found") from error


def _merge(org: Org, request: Node, actor: Actor) -> str:
    given = request.child("masterRecord")
    master = (given.value() or {}) if given else {}
    losers = [one.text.strip() for one in request.children if one.name == "recordToMergeIds"]
    owner = org.store.find_object(str(master.get("type") or ""))
    if owner is None or owner.name not in MERGEABLE or not 0 < len(losers) <= 2:
        raise SoapFault("sf:INVALID_TYPE", "one or two accounts or contacts are merged into one of their kind")
    try:
        with org.store.transaction() as at:
            org.records.merge(at, owner, str(master.get("Id")), losers, actor)
    except RecordFailure as refused:
        failed = {"message": refused.error.message, "statusCode": refused.error.code}
        return write("result", {"errors": failed, "id": None, "success": False})
    merged = "".join(f"<mergedRecordIds>{one}</mergedRecordIds>" for one in losers)
    return f"<result><id>{master['Id']}</id>{merged}<success>true</success></result>"


def _reply(status: int, content: str) -> Reply:
    return Reply(status, _ENVELOPE.format(content).encode(), media="text/xml;charset=UTF-8")


def _fault(code: str, message: str) -> Reply:
    return _reply(500, write("soapenv:Fault", {"faultcode": code, "faultstring": message}))
