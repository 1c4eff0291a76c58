"""What is wrong with rows that arrived: those of extracts that were set aside, and expectations that landed rows fail.

Both are read in the working warehouse, for what fails here may be what keeps a snapshot from being published.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from arsync_pipelines.domain.cases import Problem
from arsync_pipelines.domain.push import FailureClass
from arsync_pipelines.domain.taxonomy import Taxonomy
from arsync_pipelines.ports.source import StreamSpec
from arsync_pipelines.ports.warehouse import Warehouse
from arsync_pipelines.services import gate

ROW_SET_ASIDE = "ROW_SET_ASIDE"
LANDING_EXPECTATION = "LANDING_EXPECTATION"

_FIELD = re.compile(r"(\w+): ")
_SET_ASIDE = "raw_arsync__set_aside"

# of a whole extract only the newest read counts; of deltas each file's newest that had bad rows
_FULL = f"""
select a.* from {_SET_ASIDE} as a where a.connection = ? and a.stream = ? and a.read_id = (
    select arg_max(b.read_id, b.loaded_at) from _arsync_batch as b
    where b.connection = a.connection and b.stream = a.stream)
order by a.file, a.line
"""
_DELTAS = """
with newest as (
    select file, arg_max(read_id, seen_at) as read_id from {aside} where connection = $1 and stream = $2 group by file
)
select a.* from {aside} as a inner join newest using (file, read_id)
where a.connection = $1 and a.stream = $2 and not exists (
    select 1 from {table} as r
    where r._connection = a.connection and r._loaded_at > a.seen_at and to_json([{key}]) = a.key::json)
order by a.file, a.line
"""


def set_aside(
    warehouse: Warehouse, taxonomy: Taxonomy, streams: Callable[[str], Sequence[StreamSpec]], systems: Mapping[str, str]
) -> list[Problem]:
    """Rows that were set aside and that nothing has put right since. Inside `warehouse.writing()`.

    Right is: a newer version of the record was loaded, or the file (of a whole extract: any newer one) was read again
    without finding fault with the row. `streams`: a connection's streams as it reads them.
    """
    if not _exists(warehouse, _SET_ASIDE):
        return []
    found = []
    pairs = warehouse.query(f"select distinct connection, stream from {_SET_ASIDE} order by all")
    for connection in dict.fromkeys(pair["connection"] for pair in pairs):
        if connection not in systems:
            continue
        specs = {spec.name: spec for spec in streams(connection)}
        for spec in (specs[p["stream"]] for p in pairs if p["connection"] == connection and p["stream"] in specs):
            found += [_of_row(row, taxonomy, systems[connection]) for row in _standing(warehouse, connection, spec)]
    return found


def _standing(warehouse: Warehouse, connection: str, spec: StreamSpec) -> list[dict[str, Any]]:
    if spec.delete_detection == "full":
        return warehouse.query(_FULL, [connection, spec.name])
    key = ", ".join(f"r.{name}::varchar" for name in spec.primary_key)
    return warehouse.query(_DELTAS.format(aside=_SET_ASIDE, table=spec.table, key=key), [connection, spec.name])


def _of_row(row: Mapping[str, Any], taxonomy: Taxonomy, system: str) -> Problem:
    key = ":".join(json.loads(row["key"])) if row["key"] else ""
    place = f"{row['file']} line {row['line']}"
    named = _FIELD.match(row["reason"])
    return Problem(
        origin="ingest",
        failure=taxonomy.find(system, ROW_SET_ASIDE, FailureClass.BUSINESS),
        code=ROW_SET_ASIDE,
        system=system,
        connection=row["connection"],
        object=row["stream"],
        record=key or place,
        business_key=key or place,
        evidence=f"{row['read_id']} {place}",
        message=f"{place}: {row['reason']}",
        seen_at=_utc(row["seen_at"]),
        field=named.group(1) if named else "",
        invoice=key if row["stream"] == "invoice" else "",
    )


def expectations(warehouse: Warehouse, taxonomy: Taxonomy) -> list[Problem]:
    """Blocking expectations that landed rows fail, as the gate knows them. Inside `warehouse.writing()`."""
    failed = [
        row for row in gate.stored(warehouse)
        if row["origin"] == "landing" and not row["passed"] and row["severity"] == "error"
    ]  # fmt: skip
    return [_of_check(row, taxonomy) for row in failed]


def _of_check(row: Mapping[str, Any], taxonomy: Taxonomy) -> Problem:
    system = str(row["subject"]).removeprefix("raw_").split("__")[0]
    told = f"{row['name']}: {row['failing']} of {row['checked']} rows."
    return Problem(
        origin="landing",
        failure=taxonomy.find(system, LANDING_EXPECTATION, FailureClass.BUSINESS),
        code=LANDING_EXPECTATION,
        system=system,
        connection="",
        object=row["subject"],
        record=row["name"],
        business_key=row["subject"],
        evidence=str(row["run_id"]),
        message=" ".join(filter(None, (told, row["detail"], _sample(row["sample"])))),
        seen_at=_utc(row["checked_at"]),
        field=row["name"],
    )  # fmt: skip


def _sample(text: str) -> str:
    rows: Iterable[Any] = json.loads(text) if text else []
    shown = [json.dumps(row, ensure_ascii=False, default=str) for row in rows]
    return f"e.g. {'; '.join(shown[:2])}" if shown else ""


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _exists(warehouse: Warehouse, table: str) -> bool:
    return bool(warehouse.query("select 1 from information_schema.tables where table_name = ?", [table]))
