"""One ingest job per configured vendor."""

from __future__ import annotations

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from arsync_pipelines.connectors.base import Connector
from arsync_pipelines.defs.ingest.assets import raw_key


def ingest_selection(connector: Connector) -> dg.AssetSelection:
    return dg.AssetSelection.assets(*[raw_key(spec) for spec in connector.streams])


def ingest_job(connector: Connector) -> UnresolvedAssetJobDefinition:
    return dg.define_asset_job(
        f"ingest_{connector.vendor}_job",
        ingest_selection(connector),
        description=f"Read what is new in {connector.title}.",
        executor_def=dg.in_process_executor,
    )
