"""The Metadata API over SOAP: custom objects and fields read and upserted. What to create is setup.py's business.

Elements of a component are written in alphabetical order after fullName, as the WSDL's sequences have them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from arsync_pipelines.connectors.salesforce.api import SalesforceApi
from arsync_pipelines.connectors.salesforce.fields import Kind
from arsync_pipelines.domain.errors import SinkError

CALL_COMPONENTS = 10
"""Most components of one upsertMetadata call."""

_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns="http://soap.sforce.com/2006/04/metadata">'
    "<soapenv:Header><SessionHeader><sessionId>{session}</sessionId></SessionHeader></soapenv:Header>"
    "<soapenv:Body>{call}</soapenv:Body></soapenv:Envelope>"
)

Value = str | Mapping[str, "Value"] | Sequence["Value"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Component:
    """One thing to create or update: `kind` CustomObject or CustomField, `name` its full name."""

    kind: str
    name: str
    values: Mapping[str, Value]

    def xml(self) -> str:
        return f'<metadata xsi:type="{self.kind}">{_inner({**self.values, "fullName": self.name})}</metadata>'


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of one component; `problem` is "" when it was saved."""

    name: str
    created: bool
    problem: str


def custom_object(name: str, label: str, plural: str, number_format: str) -> Component:
    """An object whose records are numbered by the org; readable and writable to all who have the permission."""
    return Component(
        "CustomObject",
        name,
        {
            "deploymentStatus": "Deployed",
            "label": label,
            "nameField": {"displayFormat": number_format, "label": f"{label} No.", "type": "AutoNumber"},
            "pluralLabel": plural,
            "sharingModel": "ReadWrite",
        },
    )


def custom_field(sobject: str, name: str, canonical: str, kind: Kind) -> Component:
    """A field for a canonical field of that kind. Numbers have 3 decimals: no ISO currency in use has more."""
    label = ("AR " if sobject == "Account" else "") + canonical.removesuffix("_id").replace("_", " ").title()
    values: dict[str, Value] = {"label": label, **_TYPES[kind]}
    if canonical == "external_id":
        values |= {"caseSensitive": "true", "externalId": "true", "unique": "true"}
    if kind == "reference":
        values |= {"relationshipLabel": _plural(sobject), "relationshipName": _plural(sobject).replace(" ", "_")}
    return Component("CustomField", f"{sobject}.{name}", values)


_TYPES: Mapping[Kind, Mapping[str, str]] = {
    "money": {"type": "Number", "precision": "18", "scale": "3"},
    "number": {"type": "Number", "precision": "6", "scale": "1"},
    "integer": {"type": "Number", "precision": "6", "scale": "0"},
    "boolean": {"type": "Checkbox", "defaultValue": "false"},
    "date": {"type": "Date"},
    "text": {"type": "Text", "length": "255"},
    "link": {"type": "Url"},
    "reference": {"type": "Lookup", "referenceTo": "Account", "deleteConstraint": "SetNull"},
}


def _plural(sobject: str) -> str:
    return sobject.removesuffix("__c").replace("_", " ") + "s"


def save(api: SalesforceApi, components: Sequence[Component]) -> list[Saved]:
    """Upsert components of one kind; what became of each, in their order. Raises SinkError when a call is refused."""
    done: list[Saved] = []
    for start in range(0, len(components), CALL_COMPONENTS):
        part = components[start : start + CALL_COMPONENTS]
        call = f"<upsertMetadata>{''.join(c.xml() for c in part)}</upsertMetadata>"
        saved = _called(api, call, results)
        if len(saved) != len(part):
            raise SinkError(f"connection {api.connection!r}: the Metadata API did not account for every component")
        done += saved
    return done


def read(api: SalesforceApi, kind: str, names: Sequence[str]) -> list[Component]:
    """Components as the org has them, without those it does not have. Raises SinkError when a call is refused."""
    found: list[Component] = []
    for start in range(0, len(names), CALL_COMPONENTS):
        part = "".join(f"<fullNames>{escape(name)}</fullNames>" for name in names[start : start + CALL_COMPONENTS])
        found += _called(api, f"<readMetadata><type>{kind}</type>{part}</readMetadata>", partial(_records, kind))
    return found


def _called(api: SalesforceApi, call: str, reader: Callable[[bytes], Iterator[T]]) -> list[T]:
    # a REST call renews the session where needed; SOAP would answer an expired one with a fault
    request = api.http.request("GET", api.path("/limits")).request
    session = request.headers["Authorization"].removeprefix("Bearer ")
    response = api.http.request(
        "POST",
        f"/services/Soap/m/{api.options.api_version}",
        content=_ENVELOPE.format(session=escape(session), call=call).encode(),
        headers={"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""', "Accept": "text/xml"},
        safe=True,  # an upsert or a read: saying it twice changes nothing
    )
    try:
        return list(reader(response.content))
    except ValueError as error:
        raise SinkError(f"connection {api.connection!r}: the Metadata API refused: {error}") from error


def _root(body: bytes) -> ElementTree.Element:
    """Raises ValueError for a fault and for what is no XML."""
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - expat refuses entity bombs, and the org is authenticated
    except ElementTree.ParseError as error:
        raise ValueError(f"the answer is no XML: {error}") from error
    fault = root.find(".//{*}faultstring")
    if fault is not None:
        raise ValueError(fault.text or "SOAP fault without text")
    return root


def _records(kind: str, body: bytes) -> Iterator[Component]:
    for record in _root(body).iterfind(".//{*}records"):
        values = _value(record)
        # what the org does not have is answered by an empty record
        if isinstance(values, Mapping) and isinstance(name := values.get("fullName"), str):
            yield Component(kind, name, values)


def _value(element: ElementTree.Element) -> Value:
    """An element with children as a mapping (a sequence where a tag repeats), any other as its text."""
    children: dict[str, list[Value]] = {}
    for child in element:
        children.setdefault(child.tag.rpartition("}")[2], []).append(_value(child))
    if not children:
        return element.text or ""
    return {tag: values[0] if len(values) == 1 else values for tag, values in children.items()}


def results(body: bytes) -> Iterator[Saved]:
    """What a SOAP answer says of each component. Raises ValueError when it is no such answer."""
    for result in _root(body).iterfind(".//{*}result"):
        errors = [f"{_text(e, 'statusCode')} {_text(e, 'message')}" for e in result.iterfind("{*}errors")]
        saved = _text(result, "success") == "true"
        problem = "" if saved else ("; ".join(errors) or "refused without a reason")
        yield Saved(_text(result, "fullName"), _text(result, "created") == "true", problem)


def _text(element: ElementTree.Element, tag: str) -> str:
    return element.findtext(f"{{*}}{tag}") or ""


def _inner(value: str | Mapping[str, Value]) -> str:
    if isinstance(value, str):
        return escape(value)
    return "".join(_element(tag, value[tag]) for tag in sorted(value, key=lambda tag: (tag != "fullName", tag)))


def _element(tag: str, value: Value) -> str:
    if isinstance(value, str | Mapping):
        return f"<{tag}>{_inner(value)}</{tag}>"
    return "".join(_element(tag, one) for one in value)
