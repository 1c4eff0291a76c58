"""What a small run of a large job takes: the raw tables that have news, and all that is built upon raw."""

from __future__ import annotations

from collections.abc import Collection

import dagster as dg


def selected(
    repository: dg.RepositoryDefinition | None, job: str, raw: Collection[dg.AssetKey]
) -> tuple[list[dg.AssetKey], list[dg.AssetCheckKey]]:
    """Of a job's assets these raw ones and all that are not raw, with the checks that the job has of them."""
    if repository is None:
        raise ValueError("evaluated without its repository, a sensor cannot tell what is built upon raw")
    layer = repository.get_job(job).asset_layer
    graph = repository.asset_graph
    chosen = {key for key in layer.selected_asset_keys if key in raw or graph.get(key).group_name != "raw"}
    checks = [key for key in layer.asset_graph.asset_check_keys if key.asset_key in chosen]
    return sorted(chosen), sorted(checks, key=lambda key: key.to_user_string())
