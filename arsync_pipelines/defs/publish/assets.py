"""The published snapshot: refused while a blocking check stands.

Dagster reads annotations at run time, so they are not postponed here.
"""

import json
from collections.abc import Mapping
from typing import Any

import dagster as dg

from arsync_pipelines.defs.links import to_page
from arsync_pipelines.defs.resources import FRESHNESS, OWNERS, WAREHOUSE_POOL, PlatformResource
from arsync_pipelines.defs.transform.jobs import published_tables
from arsync_pipelines.defs.transform.naming import Translator
from arsync_pipelines.services import gate, step_log
from arsync_pipelines.services.publish import publish

SNAPSHOT_KEY = dg.AssetKey(["published", "ar_snapshot"])


def snapshot_asset(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """The asset that depends on every published table."""
    tables = published_tables(manifest)
    translator = Translator()
    keys = [translator.get_asset_key(n) for n in manifest["nodes"].values() if n["name"] in set(tables)]

    @dg.asset(
        key=SNAPSHOT_KEY,
        deps=keys,
        group_name="published",
        owners=OWNERS,
        kinds={"duckdb"},
        pool=WAREHOUSE_POOL,
        description="Read-only, checked state of receivables that analysts, the planner and every other reader see.",
        metadata=to_page("models"),
        freshness_policy=FRESHNESS,
    )
    def ar_snapshot(context: dg.AssetExecutionContext, platform: PlatformResource) -> dg.MaterializeResult[None]:
        built = platform.get()
        with (
            built.warehouse.writing(),
            step_log.logged(built.warehouse, "publish", context.run.run_id),
        ):
            checks = gate.require_open(built.warehouse)
            policy = built.warehouse.query("select as_of_date from raw_arsync__policy")
            about = {"run_id": context.run.run_id, "as_of_date": str(policy[0]["as_of_date"]), "checks": checks}
            snapshot = publish(built.warehouse, tables, json.loads(json.dumps(about, default=str)))
        counts = snapshot.manifest["row_counts"]
        return dg.MaterializeResult(
            metadata={
                "snapshot_id": snapshot.snapshot_id,
                "path": dg.MetadataValue.path(str(snapshot.path)),
                "tables": len(counts),
                "rows": sum(counts.values()),
                "checks": len(checks),
                "row_counts": dg.MetadataValue.json(dict(counts)),
            }
        )

    return ar_snapshot
