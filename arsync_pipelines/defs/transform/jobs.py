"""Which models are which: selections used by the jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arsync_pipelines.defs.transform.naming import layer

PUBLISHED_LAYERS = ("marts", "reconciliation", "sync")


def published_tables(manifest: Mapping[str, Any]) -> list[str]:
    """Tables of a snapshot: marts, reconciliation and sync models, and the desired state behind the differences."""
    return sorted(
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
        and node["config"]["materialized"] != "ephemeral"
        and (layer(node) in PUBLISHED_LAYERS or node["name"].endswith("_desired"))
    )
