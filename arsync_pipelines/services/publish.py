"""Publish: which tables readers see, and what the manifest says about where they come from.

How a snapshot is made durable and current is the warehouse's business; whether checks allow it is the gate's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from arsync_pipelines.ports.warehouse import Snapshot, TableFunction, Warehouse

FUNCTIONS = "ar_function"
"""The table whose rows are the questions that a snapshot answers."""

PUBLISHED_PREFIXES = ("dim_", "fct_", "bridge_", "ar_", "recon_", "sync_", "int_salesforce__")


def publishable(warehouse: Warehouse, prefixes: Sequence[str] = PUBLISHED_PREFIXES) -> list[str]:
    """Tables and views of the working warehouse that readers are meant to see, by name. Inside `writing()`."""
    rows = warehouse.query("select distinct table_name from information_schema.tables order by table_name")
    return [row["table_name"] for row in rows if row["table_name"].startswith(tuple(prefixes))]


def publish(warehouse: Warehouse, tables: Sequence[str], manifest: Mapping[str, Any]) -> Snapshot:
    """Publish `tables` as one state and make it current.

    The manifest gets `watermarks` per connection and stream (last complete read, its rows, the cursor) besides what the
    caller gives (run_id, checks). Raises WarehouseError when a table is missing; readers then keep the snapshot before.
    """
    with warehouse.writing():
        reads = warehouse.query(
            "select r.connection, r.stream, r.read_started_at, r.rows_read, r.rows_new, c.cursor "
            "from raw_arsync__read as r left join _arsync_cursor as c "
            "on c.connection = r.connection and c.stream = r.stream order by 1, 2"
        )
        watermarks: dict[str, dict[str, Any]] = {}
        for read in reads:
            connection, stream = read.pop("connection"), read.pop("stream")
            watermarks.setdefault(connection, {})[stream] = read | {
                "read_started_at": read["read_started_at"].isoformat()
            }
        return warehouse.publish(tables, {"watermarks": watermarks, **manifest}, functions(warehouse, tables))


def functions(warehouse: Warehouse, tables: Sequence[str]) -> list[TableFunction]:
    """What can be asked of a snapshot with these tables, each after those that it asks itself. Inside `writing()`."""
    if FUNCTIONS not in tables:
        return []
    rows = warehouse.query(f"select name, parameters, description, body from {FUNCTIONS} order by position")
    return [TableFunction(**row) for row in rows]
