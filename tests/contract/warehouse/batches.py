"""Specs, batches and questions that the contract tests share."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from arsync_pipelines.ports.source import CursorSpec, Field, StreamSpec
from arsync_pipelines.ports.warehouse import Batch, Warehouse

DOCUMENT = StreamSpec(
    system="demo",
    name="document",
    primary_key=("id",),
    fields=(
        Field("id", required=True),
        Field("amount", required=True),
        Field("note"),
        Field("count", kind="integer"),
        Field("open", source="IsOpen", kind="boolean"),
        Field("meta", kind="json"),
        Field("owner", source="Owner.Name"),
        Field("level", source="Owner.Level", kind="integer"),
        Field("changed"),
        Field("file_name"),
        Field("file_line", kind="integer"),
    ),
    cursor=CursorSpec("changed", timedelta(seconds=1), timedelta(minutes=1)),
)
FLAGGED = StreamSpec(
    system="demo",
    name="flagged",
    primary_key=("id",),
    fields=(Field("id"), Field("name"), Field("gone", kind="boolean")),
    delete_detection="flag",
    deleted_flag="gone",
)
LINE = StreamSpec(
    system="demo",
    name="line",
    primary_key=("document", "id"),
    fields=(Field("document"), Field("id"), Field("amount")),
    delete_detection="scope",
    scope=("document",),
)
WHOLE = StreamSpec(
    system="demo",
    name="whole",
    primary_key=("id", "part"),
    fields=(Field("id"), Field("part", kind="integer"), Field("name")),
    delete_detection="full",
)
_numbers = itertools.count(1)


def batch(folder: Path, spec: StreamSpec, rows: list[dict[str, Any]], **more: Any) -> Batch:
    """A batch whose rows lie in one file of `folder`; `connection`, `read_id`, `final`... by keyword."""
    number = next(_numbers)
    path = folder / f"{spec.name}-{number}.ndjson"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    values: dict[str, Any] = {
        "batch_id": f"{spec.name}-{number}",
        "read_id": f"read-{number}",
        "connection": "one",
        "cursor": {"at": number},
        "row_count": len(rows),
        "read_started_at": "2026-07-01T06:00:00+00:00",
    }
    return Batch(spec=spec, files=(path,), **(values | more))


def current(warehouse: Warehouse, spec: StreamSpec, connection: str = "one") -> list[dict[str, Any]]:
    """The current rows as staging sees them: latest version of each key, unless it is a tombstone."""
    keys = ", ".join(spec.primary_key)
    names = ", ".join(f'"{field.name}"' for field in spec.fields)
    return warehouse.query(
        f"select {names} from (select *, row_number() over (partition by _connection, {keys} order by _seq desc) nth "
        f"from {spec.table}) as versions where nth = 1 and not _is_deleted and _connection = ? order by {keys}",
        [connection],
    )


def versions(warehouse: Warehouse, spec: StreamSpec) -> int:
    return int(warehouse.query(f"select count(*) as n from {spec.table}")[0]["n"])
