"""Just enough XML for SOAP: elements to dicts and back.

Namespaces of elements are dropped; documents with a DTD are refused.
"""

from __future__ import annotations

from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape


class Node:
    """An element: local name, xsi:type, children, text."""

    __slots__ = ("children", "name", "nil", "text", "type")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        local = {key.rpartition(":")[2]: value for key, value in attributes.items()}
        self.type = local.get("type", "").rpartition(":")[2]
        self.nil = local.get("nil") == "true"
        self.children: list[Node] = []
        self.text = ""

    def child(self, name: str) -> Node | None:
        """The first child of that name."""
        return next((one for one in self.children if one.name == name), None)

    def value(self) -> Any:
        """A dict for an element with children (lists where a name repeats), else its text; None when empty or nil."""
        if not self.children:
            return None if self.nil else self.text.strip() or None
        out: dict[str, Any] = {}
        for one in self.children:
            value = one.value()
            if one.name not in out:
                out[one.name] = value
            elif isinstance(out[one.name], list):
                out[one.name].append(value)
            else:
                out[one.name] = [out[one.name], value]
        return out


class XmlError(Exception):
    """The document is not usable."""


def read(document: bytes) -> Node:
    """The root element. Raises XmlError."""
    root = Node("", {})
    stack = [root]
    parser = expat.ParserCreate()

    def start(name: str, attributes: dict[str, str]) -> None:
        made = Node(name.rpartition(":")[2], attributes)
        stack[-1].children.append(made)
        stack.append(made)

    def end(_: str) -> None:
        stack.pop()

    def characters(text: str) -> None:
        stack[-1].text += text

    def doctype(*_: object) -> None:
        raise XmlError("document type declarations are not allowed")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        raise XmlError(str(error)) from None
    return root.children[0]


def write(name: str, value: Any, attributes: str = "") -> str:
    """An element; lists repeat it, None leaves it out."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "".join(write(name, one, attributes) for one in value)
    if isinstance(value, dict):
        inner = "".join(write(key, one) for key, one in value.items())
    elif isinstance(value, bool):
        inner = "true" if value else "false"
    else:
        inner = escape(str(value))
    return f"<{name}{attributes}>{inner}</{name}>"
