"""Page of streams: what every connector reads, and the raw table it lands in."""

from __future__ import annotations

from datetime import timedelta

from arsync_pipelines.cli.reference.markdown import code, table
from arsync_pipelines.cli.reference.markdown import page as make_page
from arsync_pipelines.connectors.registry import CONNECTORS
from arsync_pipelines.ports.source import StreamSpec
from arsync_pipelines.warehouse.tables import META_COLUMNS, SQL_TYPES

_INTRO = """
Raw tables keep every version of a record that was ever seen; the current one has the greatest `_seq` of its connection
and key, and `_is_deleted` says whether it is gone. Money, dates and decimals are text here, as the vendor wrote them;
staging gives them their types. A *required* column that is empty in every row of a batch counts as vanished and stops
the stream. How each vendor is read stands in the README of its connector.
"""
_META = {
    "_connection": "name of the connection in arsync.toml",
    "_batch_id": "the landed batch that brought the version",
    "_seq": "load order, growing over all tables",
    "_loaded_at": "when it was loaded, UTC",
    "_is_deleted": "the record is gone at its source",
    "_row_hash": "hash of the content, by which repeats are dropped",
}
_DELETES = {
    "none": "not seen here",
    "flag": "the row says so: `{flag}`",
    "scope": "a page holds all rows of a `{scope}`; what is missing is gone",
    "full": "every read is whole; what is missing is gone",
}


def page() -> str:
    """streams.md"""
    parts = [
        _INTRO,
        "Every raw table also has:",
        table(("column", "type", "meaning"), [(code(n), SQL, _META[n]) for n, SQL in META_COLUMNS.items()]),
    ]
    for connector in CONNECTORS.values():
        parts.append(f"## {connector.title} (`{connector.vendor}`, {connector.role})")
        for spec in connector.streams:
            parts += [f"### {spec.name}", spec.description, _facts(spec), _columns(spec)]
    return make_page("Streams", *parts)


def _facts(spec: StreamSpec) -> str:
    cursor = "none: read whole, or by the connector's own progress"
    if spec.cursor:
        cursor = f"`{spec.cursor.field}`, {_span(spec.cursor.overlap)} read again each time"
    deletes = _DELETES[spec.delete_detection].format(flag=spec.deleted_flag, scope=", ".join(spec.scope))
    facts = {
        "table": code(spec.table),
        "key": ", ".join(map(code, spec.primary_key)),
        "cursor": cursor,
        "deletes": deletes,
    }
    return "\n".join(f"- {name}: {text}" for name, text in facts.items())


def _columns(spec: StreamSpec) -> str:
    rows = [
        (code(f.name), SQL_TYPES[f.kind], code(f.source) if f.source != f.name else "", "yes" if f.required else "")
        for f in spec.fields
    ]
    return table(("column", "type", "at the source", "required"), rows)


def _span(span: timedelta) -> str:
    return f"{int(span.total_seconds() // 60)} minutes"
