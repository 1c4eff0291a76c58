"""Reading landing files with the engine: an expression for each declared column, and what is wrong when it does not fit

Integers and booleans are taken as JSON text first, because the engine would round 1.7 and read "yes" as true.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from arsync_pipelines.ports.source import Field, StreamSpec
from arsync_pipelines.ports.warehouse import Batch
from arsync_pipelines.warehouse.tables import columns, identifier, literal

PROVENANCE = frozenset({"file_name", "file_line"})
"""Columns that say where a row was found; a row that only moved within its file is no new version."""

_MAX_ROW_BYTES = 8 * 1024 * 1024
_MISFIT = {
    "integer": "(not regexp_full_match({0}, '-?[0-9]+') or try_cast({0} as bigint) is null)",
    "boolean": "{0} not in ('true', 'false')",
}
_PYTHON_TYPES: dict[str, type] = {"integer": int, "boolean": bool}


def typed_select(batch: Batch) -> str:
    """SQL that yields the batch's rows in file order: declared columns, `_misfit`, in the order of spec.fields."""
    spec = batch.spec
    wire: dict[str, str] = {}
    for field in spec.fields:
        top, _, rest = field.source.partition(".")
        kind = "VARCHAR" if field.kind == "text" and not rest else "JSON"
        wire[top] = "JSON" if wire.get(top, kind) != kind else kind
    shape = ", ".join(f"{literal(key)}: '{kind}'" for key, kind in wire.items())
    files = ", ".join(literal(str(path)) for path in batch.files)
    checks = [
        f"coalesce({raw} <> 'null' and {_MISFIT[field.kind].format(raw)}, false)"
        for field in spec.fields
        if field.kind in _MISFIT
        for raw in [f"cast({_json(field)} as varchar)"]
    ]
    selected = ", ".join(f"{_expression(field, wire)} as {identifier(field.name)}" for field in spec.fields)
    return (
        f"select {selected}, {' or '.join(checks) or 'false'} as _misfit from read_json([{files}], "
        f"format = 'newline_delimited', columns = {{{shape}}}, maximum_object_size = {_MAX_ROW_BYTES})"
    )


def hash_expression(spec: StreamSpec) -> str:
    """Content hash of a row, 64 bits: the engine's hashes of (name, value) of every column that is not null, combined.

    Nulls leave no trace, so a column added to the spec changes no hash until it carries a value. It is compared between
    versions of one key only, where one change in 10^19 would go unseen; md5 over the row's text took a third of a load.
    Each pair is hashed twice: the engine joins the hashes of two values linearly, so without it equal values in two
    columns would cancel each other out, and both could change together unseen.
    """
    hashed = "0::ubigint"
    for name in (field.name for field in spec.fields if field.name not in PROVENANCE):
        column = identifier(name)
        hashed = (
            f"xor({hashed}, case when {column} is null then 0::ubigint else hash(hash({literal(name)}, {column})) end)"
        )
    return hashed


def key_expression(spec: StreamSpec, table: str = "") -> str:
    """The primary key as one text."""
    parts = columns(spec.primary_key, table).split(", ")
    return "concat_ws(chr(31), " + ", ".join(f"coalesce(cast({part} as varchar), '')" for part in parts) + ")"


def first_misfit(batch: Batch) -> str:
    """Describe the first value that does not fit its column: file, line, column, value."""
    checked = [field for field in batch.spec.fields if field.kind in _PYTHON_TYPES]
    for path, number, row in _rows(batch.files):
        for field in checked:
            value = _dig(row, field.source)
            expected = _PYTHON_TYPES[field.kind]
            fits = type(value) is expected and (not isinstance(value, int) or -(2**63) <= value < 2**63)
            if value is not None and not fits:
                return f"{path}, line {number}: column {field.name!r} is {field.kind}, but holds {value!r}"
    return "a value that could not be located again"


def first_without_key(batch: Batch) -> str:
    """Describe the first row that lacks part of its primary key."""
    sources = [field.source for field in batch.spec.fields if field.name in batch.spec.primary_key]
    for path, number, row in _rows(batch.files):
        if any(_dig(row, source) is None for source in sources):
            return f"{path}, line {number}"
    return "a row that could not be located again"


def _json(field: Field) -> str:
    top, _, rest = field.source.partition(".")
    if not rest:
        return f'"{top}"'
    path = "$" + "".join(f'."{part}"' for part in rest.split("."))
    return f'json_extract("{top}", {literal(path)})'


def _expression(field: Field, wire: dict[str, str]) -> str:
    top, _, rest = field.source.partition(".")
    value = _json(field)
    if field.kind == "text":
        return f'"{top}"' if wire[top] == "VARCHAR" and not rest else f"({value} ->> '$')"
    if field.kind == "integer":
        return f"try_cast(cast({value} as varchar) as bigint)"
    if field.kind == "boolean":
        return f"case cast({value} as varchar) when 'true' then true when 'false' then false end"
    return f"case when cast({value} as varchar) <> 'null' then {value} end"


def _rows(files: tuple[Path, ...]) -> Iterator[tuple[Path, int, dict[str, Any]]]:
    for path in files:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                yield path, number, orjson.loads(line)


def _dig(row: Any, source: str) -> Any:
    for part in source.split("."):
        if not isinstance(row, dict):
            return None
        row = row.get(part)
    return row
