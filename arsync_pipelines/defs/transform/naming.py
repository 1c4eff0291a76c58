"""How Dagster names the nodes of the dbt project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator

from arsync_pipelines.defs.links import to_page
from arsync_pipelines.defs.resources import OWNERS


def layer(node: Mapping[str, Any]) -> str:
    """The model's layer: first folder below models/ (staging, intermediate, marts, reconciliation, sync)."""
    return str(node["fqn"][1]) if len(node["fqn"]) > 2 else "marts"


class Translator(DagsterDbtTranslator):
    """Assets by table name with the layer as key prefix and group; sources are the raw assets of ingest."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey(["raw", dbt_resource_props["name"]])
        return dg.AssetKey([layer(dbt_resource_props), dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return layer(dbt_resource_props)

    def get_metadata(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, Any]:
        heading = "seeds" if dbt_resource_props["resource_type"] == "seed" else str(dbt_resource_props["name"])
        return {**super().get_metadata(dbt_resource_props), **to_page("models", heading)}

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str] | None:
        return list(super().get_owners(dbt_resource_props) or OWNERS)
