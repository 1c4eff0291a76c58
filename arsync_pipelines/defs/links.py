"""Links that assets carry: to the system where the records live, and to the page that describes them."""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg

from arsync_pipelines.bootstrap import Connection


def to_systems(connections: Iterable[Connection]) -> dict[str, dg.MetadataValue]:
    """By `open <connection>`: where a person looks at the records of each connection."""
    return {f"open {c.name}": dg.MetadataValue.url(c.connector.link(c.options)) for c in connections}


def to_page(page: str, heading: str = "") -> dict[str, dg.MetadataValue]:
    """Where the project's documentation tells of an asset: a page of docs/reference and a heading of it."""
    return {"docs": dg.MetadataValue.path(f"docs/reference/{page}.md{f'#{heading}' if heading else ''}")}
