"""Page of settings: every key of arsync.toml and every environment variable, read off the pydantic models.

A key's text is the string below its declaration, which is why every key has one.
"""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from arsync_pipelines.cli.reference.markdown import code, table
from arsync_pipelines.cli.reference.markdown import page as make_page
from arsync_pipelines.connectors.registry import CONNECTORS
from arsync_pipelines.domain.secret import SecretRef
from arsync_pipelines.settings import ConnectionSettings, Environment, Settings

_INTRO = """
`arsync.toml` in the working folder, or wherever `ARSYNC_CONFIG` says. `arsync init` writes a first one. An unknown key
is an error, so a misspelt one is found at once. A *secret* is a reference, `{ env = "NAME" }` or `{ file = "path" }`,
never the value; it is read at the moment of use and never logged.
"""
_WORDS = {"str": "text", "int": "integer", "float": "number", "bool": "true or false", "Path": "path", "date": "date"}
_BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


def page() -> str:
    """settings.md"""
    parts = [_INTRO, "## Top level", *_sections(Settings, "", 2)]
    parts += ["## Every connection", _doc(ConnectionSettings), *_sections(ConnectionSettings, "connections.<name>", 2)]
    for connector in CONNECTORS.values():
        parts += [
            f"## {connector.title}",
            _doc(connector.options),
            f'`[connections.<name>]`, `vendor = "{connector.vendor}"`',
        ]
        parts += _sections(connector.options, "connections.<name>", 3)
    return make_page("Settings", *parts, "## Environment", _environment())


def described_fields(model: type[BaseModel]) -> dict[str, str]:
    """Field -> the string below its declaration, in the class itself and those it inherits from."""
    found: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if cls.__module__.startswith("arsync_pipelines"):
            found |= _strings_below(cls)
    return found


@cache
def _strings_below(cls: type) -> dict[str, str]:
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    statements = body.body if isinstance(body, ast.ClassDef) else []
    found = {}
    for declared, below in pairwise(statements):
        if (
            isinstance(declared, ast.AnnAssign)
            and isinstance(declared.target, ast.Name)
            and isinstance(below, ast.Expr)
        ):
            text = below.value.value if isinstance(below.value, ast.Constant) else ""
            found[declared.target.id] = str(text).strip()
    return found


def _sections(model: type[BaseModel], path: str, level: int) -> Iterator[str]:
    """The table of a model's plain keys, then a section for every table below it."""
    texts = described_fields(model)
    plain = {name: field for name, field in model.model_fields.items() if not tables_of(field)}
    if plain:
        rows = [
            (code(name), _type(field.annotation, field), _default(field), texts.get(name, ""))
            for name, field in plain.items()
        ]
        yield table(("key", "type", "default", "meaning"), rows)
    shown: dict[type[BaseModel], str] = {}
    for name, field in model.model_fields.items():
        for nested in tables_of(field):
            below = f"{path}.{name}".lstrip(".")
            heading = f"[[{below}]]" if get_origin(field.annotation) is tuple else f"[{below}]"
            if field.discriminator:
                method = get_args(nested.model_fields[str(field.discriminator)].annotation)[0]
                heading += f' {field.discriminator} = "{method}"'
            yield f"{'#' * (level + 1)} `{heading}`"
            yield " ".join(filter(None, [texts.get(name, ""), _doc(nested)]))
            if nested in shown:
                yield f"Keys as of `[{shown[nested]}]`."
            else:
                yield from _sections(nested, below, level)
                shown[nested] = below


def tables_of(field: FieldInfo) -> list[type[BaseModel]]:
    """Models behind a field that are tables of their own in TOML: not secrets, not values of a mapping."""
    annotation = field.annotation
    if get_origin(annotation) is dict:
        return []
    candidates = [annotation, *get_args(annotation)]
    return [c for c in candidates if inspect.isclass(c) and issubclass(c, BaseModel) and c is not SecretRef]


def _type(annotation: Any, field: FieldInfo | None = None) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is SecretRef:
        text = "secret"
    elif origin is Literal:
        text = ", ".join(code(json.dumps(value)) for value in arguments)
    elif origin in (Union, UnionType):
        text = " or ".join(_type(argument) for argument in arguments if argument is not type(None))
    elif origin is tuple:
        text = (
            f"list of {_type(arguments[0])}" if Ellipsis in arguments else f"{len(arguments)} x {_type(arguments[0])}"
        )
    elif origin is dict:
        text = f"table of {_type(arguments[1])}"
    elif hasattr(annotation, "__metadata__"):
        text = _type(arguments[0])
    elif inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        text = code("{ " + ", ".join(f"{name} = ..." for name in annotation.model_fields) + " }")
    else:
        text = _WORDS.get(getattr(annotation, "__name__", ""), str(annotation))
    bounds = [
        f"{word} {getattr(rule, attribute)}"
        for rule in (field.metadata if field else [])
        for attribute, word in _BOUNDS.items()
        if getattr(rule, attribute, None) is not None
    ]
    return ", ".join([text, *bounds])


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default if field.default is not PydanticUndefined else field.get_default(call_default_factory=True)
    if value is None:
        return ""
    if isinstance(value, tuple):
        value = list(value)
    shown = json.dumps(value, default=str) if not isinstance(value, BaseModel) else ""
    return code(shown) if shown != "{}" else ""


def _doc(model: type[BaseModel]) -> str:
    return inspect.cleandoc(model.__doc__ or "").replace("\n", " ")


def _environment() -> str:
    texts = described_fields(Environment)
    rows = [(code(f"ARSYNC_{name.upper()}"), texts.get(name, "")) for name in Environment.model_fields]
    return table(("variable", "meaning"), rows)
