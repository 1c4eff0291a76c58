"""One asset per object that a CRM shows; each can be pushed alone. What was written is read back into raw at once.

Dagster reads annotations at run time, so they are not postponed here.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from arsync_pipelines.bootstrap import Platform
from arsync_pipelines.connectors.base import Connector
from arsync_pipelines.defs.ingest.assets import IngestConfig, raw_key, read_streams
from arsync_pipelines.defs.publish.assets import SNAPSHOT_KEY
from arsync_pipelines.defs.quality.results import to_asset_check
from arsync_pipelines.defs.resources import FRESHNESS, PlatformResource
from arsync_pipelines.services.deliver import ObjectResult
from arsync_pipelines.services.push import PushReport

PAYLOAD_CHECK = "payload_expectations"


def pushed_key(connector: Connector, object_name: str) -> dg.AssetKey:
    return dg.AssetKey(["crm", f"{connector.vendor}__{object_name}"])


def push_assets(connector: Connector, objects: Sequence[str]) -> dg.AssetsDefinition:
    """The multi-asset of one CRM vendor."""
    specs = [
        dg.AssetSpec(
            pushed_key(connector, name),
            deps=[SNAPSHOT_KEY, dg.AssetKey(["sync", f"sync_{connector.vendor}__{name}"])],
            group_name="crm",
            owners=["team:revenue-operations"],
            kinds={connector.vendor},
            description=f"{name.replace('_', ' ')} records as {connector.title} shows them.",
            freshness_policy=FRESHNESS,
        )
        for name in objects
    ]
    checks = [
        dg.AssetCheckSpec(PAYLOAD_CHECK, asset=spec.key, description="GX suite on what is about to leave.")
        for spec in specs
    ]

    @dg.multi_asset(specs=specs, check_specs=checks, can_subset=True, name=f"push_{connector.vendor}")
    def push(
        context: dg.AssetExecutionContext, platform: PlatformResource
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        chosen = [name for name in objects if pushed_key(connector, name) in context.selected_asset_keys]
        yield from run_push(context, platform.get(), connector, chosen)

    return push


def run_push(
    context: dg.AssetExecutionContext, platform: Platform, connector: Connector, objects: Sequence[str]
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Push `objects` to every connection of the vendor, read them back, report. What was refused fails the step."""
    reports = []
    for connection in platform.of_vendor(connector.vendor):
        platform.require_secrets(connection.name)
        sink = platform.sink(connection.name)
        reports.append(platform.push.push(sink, objects))
        _read_back(context, platform, connector, [sink.capabilities.observed_in[name] for name in objects])
    for name in objects:
        key = pushed_key(connector, name)
        yield dg.MaterializeResult(asset_key=key, metadata=_metadata(name, reports))
        subject = f"payload_{connector.vendor}__{name}"
        yield to_asset_check(PAYLOAD_CHECK, key, [c for r in reports for c in r.checks if c.subject == subject])
    left = {f"{r.connection}.{n}": o for r in reports for n, o in r.results.items() if o.rejected or o.dead or o.left}
    if left:
        lines = [f"{k}: {o.rejected} rejected, {o.dead} dead, {o.left} waiting" for k, o in left.items()]
        raise dg.Failure(
            description=f"not everything was acknowledged: {'; '.join(lines)}. `arsync status` says why.",
            allow_retries=False,
        )


def _read_back(
    context: dg.AssetExecutionContext, platform: Platform, connector: Connector, streams: Sequence[str]
) -> None:
    """What the CRM now holds becomes raw rows, so that the next build sees our own writes and nothing is sent twice."""
    stats = read_streams(context, platform, connector.vendor, streams, IngestConfig())
    by_name = {spec.name: spec for spec in connector.streams}
    for name in streams:
        rows = sum(s.rows_new for s in stats if s.stream == name)
        note = dg.AssetMaterialization(raw_key(by_name[name]), "read back after the push", {"rows_read_back": rows})
        context.log_event(note)


def _metadata(name: str, reports: Sequence[PushReport]) -> dict[str, int | float | str]:
    results = [r.results.get(name, ObjectResult()) for r in reports]
    return {
        "planned": sum(r.planned.get(name, 0) for r in reports),
        "acknowledged": sum(o.acknowledged for o in results),
        "rejected": sum(o.rejected for o in results),
        "dead": sum(o.dead for o in results),
        "waiting": sum(o.left for o in results),
        "retried": sum(o.retried for o in results),
        "read_back": sum(o.read_back for o in results),
        "requests": sum(o.requests for o in results),
        "seconds": round(sum(o.seconds for o in results), 3),
        "snapshot_id": ", ".join(r.snapshot_id for r in reports),
    }
