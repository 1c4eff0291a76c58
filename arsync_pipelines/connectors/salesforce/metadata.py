"""The Metadata API's upsertMetadata over SOAP: custom objects and fields as XML. What to create is setup.py's business.

Elements of a component are written in alphabetical order after fullName, as the WSDL's sequences have them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from arsync_pipelines.connectors.salesforce.fields import Kind

CALL_COMPONENTS = 10
"""Most components of one upsertMetadata call."""

_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns="http://soap.sforce.com/2006/04/metadata">'
    "<soapenv:Header><SessionHeader><sessionId>{session}</sessionId></SessionHeader></soapenv:Header>"
    "<soapenv:Body><upsertMetadata>{components}</upsertMetadata></soapenv:Body></soapenv:Envelope>"
)

Value = str | Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Component:
    """One thing to create or update: `kind` CustomObject or CustomField, `name` its full name."""

    kind: str
    name: str
    values: Mapping[str, Value]

    def xml(self) -> str:
        body = "".join(_element(tag, self.values[tag]) for tag in sorted(self.values))
        return f'<metadata xsi:type="{self.kind}"><fullName>{escape(self.name)}</fullName>{body}</metadata>'


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


def envelope(session: str, components: Sequence[Component]) -> bytes:
    """The SOAP request that upserts `components`."""
    return _ENVELOPE.format(session=escape(session), components="".join(c.xml() for c in components)).encode()


def results(body: bytes) -> Iterator[Saved]:
    """What a SOAP answer says of each component. Raises ValueError when it is no such answer."""
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - expat refuses entity bombs, and the org is authenticated
    except ElementTree.ParseError as error:
        raise ValueError(f"the answer is no XML: {error}") from error
    fault = root.find(".//{*}faultstring")
    if fault is not None:
        raise ValueError(fault.text or "SOAP fault without text")
    for result in root.iterfind(".//{*}result"):
        errors = [f"{_text(e, 'statusCode')} {_text(e, 'message')}" for e in result.iterfind("{*}errors")]
        saved = _text(result, "success") == "true"
        problem = "" if saved else ("; ".join(errors) or "refused without a reason")
        yield Saved(_text(result, "fullName"), _text(result, "created") == "true", problem)


def _text(element: ElementTree.Element, tag: str) -> str:
    return element.findtext(f"{{*}}{tag}") or ""


def _element(tag: str, value: Value) -> str:
    inner = escape(value) if isinstance(value, str) else "".join(_element(k, value[k]) for k in sorted(value))
    return f"<{tag}>{inner}</{tag}>"
