"""Salesforce calls, in one of two ways:

a change event, posted by Apex or by what relays the event bus, as JSON with its ChangeEventHeader, signed as Standard
Webhooks has it;
an outbound message of a flow or workflow rule, as SOAP. The platform does not sign these: the connection's token stands
in the address (`?token=`) and the org's id must be the expected one. The answer must be an <Ack>.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import datetime
from typing import Any

from arsync_pipelines.connectors.salesforce.api import CLIENT_NAME
from arsync_pipelines.connectors.salesforce.options import Mapping_, SalesforceOptions, SalesforceWebhookOptions
from arsync_pipelines.connectors.salesforce.spec import AR_STREAMS, SOBJECTS
from arsync_pipelines.connectors.signing import STANDARD, any_matches, check_standard, read_object, values_of
from arsync_pipelines.domain.errors import WebhookForged, WebhookUnreadable
from arsync_pipelines.domain.inbox import Event, Hint
from arsync_pipelines.domain.secret import Reveal
from arsync_pipelines.ports.webhook import Posted, Told, Webhook

OUTBOUND = "outbound-message-token"
_SOAP = "{http://soap.sforce.com/2005/09/outbound}"
_ACK = (
    b'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope '
    b'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notifications xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notifications>'
    b"</soapenv:Body></soapenv:Envelope>"
)
_MOST_NAMED = 1000  # from so many records of one event on, the stream is read rather than each


class SalesforceWebhook:
    """Implements ports.webhook.Webhook."""

    def __init__(self, options: SalesforceWebhookOptions, mapping: Mapping_, reveal: Reveal) -> None:
        self._options = options
        self._reveal = reveal
        self._streams = {name: stream for stream, name in SOBJECTS.items()}
        self._streams |= {mapping.object_name(name): stream for stream, name in AR_STREAMS.items()}

    def verify(self, posted: Posted, now: datetime) -> Told:
        if "webhook-signature" in posted.headers:
            return self._change_event(posted, now)
        return self._outbound_message(posted)

    def _change_event(self, posted: Posted, now: datetime) -> Told:
        delivery_id = check_standard(posted, self._options, self._reveal, now)
        header = _header(read_object(posted.body))
        entity, records = header.get("entityName"), header.get("recordIds")
        if not isinstance(entity, str) or not isinstance(records, list):
            raise WebhookUnreadable("the body has no ChangeEventHeader with entityName and recordIds")
        key, number = header.get("transactionKey"), header.get("sequenceNumber")
        event_id = f"{key}:{number}" if key and number is not None else delivery_id
        # what we wrote ourselves was read back by the run that wrote it
        ours = str(header.get("changeOrigin", "")).endswith(f";client={CLIENT_NAME}")
        stream = "" if ours else self._streams.get(entity, "")
        hints = [Hint(stream, str(record)) for record in records] if stream else []
        # a wildcard, or more than were counted: the whole object is to be read
        if stream and (len(hints) > _MOST_NAMED or any("*" in hint.record_key for hint in hints)):
            hints = [Hint(stream, "")]
        kind = f"{entity}.{header.get('changeType', '')}"
        return Told(STANDARD, (Event(event_id, kind, tuple(hints), posted.body),))

    def _outbound_message(self, posted: Posted) -> Told:
        tokens = values_of(self._options.outbound_tokens, self._reveal)
        if not any_matches(tokens, [posted.query.get("token", "")]):
            raise WebhookForged("neither a webhook-signature nor the connection's token in the address")
        if b"<!DOCTYPE" in posted.body or b"<!ENTITY" in posted.body:
            raise WebhookUnreadable("the message has a doctype")
        try:
            root = ET.fromstring(posted.body)  # noqa: S314 - no doctype is let through
        except ET.ParseError:
            raise WebhookUnreadable("the body is not XML") from None
        message = root.find(f".//{_SOAP}notifications")
        if message is None:
            raise WebhookUnreadable("the body is no outbound message: it has no notifications")
        if not any_matches([self._options.organization_id], [message.findtext(f"{_SOAP}OrganizationId", "")]):
            raise WebhookForged("the message is of another org")
        events = tuple(self._notification(note) for note in message.iter(f"{_SOAP}Notification"))
        return Told(OUTBOUND, events, _ACK, "text/xml; charset=utf-8")

    def _notification(self, note: ET.Element) -> Event:
        note_id = note.findtext(f"{_SOAP}Id", "")
        if not note_id:
            raise WebhookUnreadable("a notification has no id")
        hints: tuple[Hint, ...] = ()
        entity = ""
        record = note.find(f"{_SOAP}sObject")
        if record is not None:  # a record deleted meanwhile leaves nothing behind: the next read sees it
            kind = record.get("{http://www.w3.org/2001/XMLSchema-instance}type", "")
            entity = kind.rpartition(":")[2]
            key = next((below.text or "" for below in record if below.tag.rpartition("}")[2] == "Id"), "")
            if entity in self._streams and key:
                hints = (Hint(self._streams[entity], key),)
        return Event(note_id, f"{entity}.outbound", hints, ET.tostring(note))


def _header(told: dict[str, Any]) -> dict[str, Any]:
    """The ChangeEventHeader, wherever what relays it puts it."""
    for _level in range(3):
        header = told.get("ChangeEventHeader")
        if isinstance(header, dict):
            return header
        told = next((told[name] for name in ("payload", "data") if isinstance(told.get(name), dict)), {})
    return {}


def webhook(_connection: str, options: SalesforceOptions, reveal: Reveal) -> Webhook | None:
    """The receiving end of a connection, None where none is configured."""
    return SalesforceWebhook(options.webhook, options.mapping, reveal) if options.webhook else None
