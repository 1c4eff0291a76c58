"""One asset per object that a CRM shows; each can be pushed alone. What was written is read back into raw at once.

Dagster reads annotations at run time, so they are not postponed here.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from arsync_pipelines.bootstrap import Platform
from arsync_pipelines.connectors.base import Connector
from arsync_pipelines.defs.cases import note_quotas, refresh_cases
from arsync_pipelines.defs.ingest.assets import IngestConfig, raw_key, read_streams
from arsync_pipelines.defs.links import to_page, to_systems
from arsync_pipelines.defs.progress import ProgressLog
from arsync_pipelines.defs.publish.assets import SNAPSHOT_KEY
from arsync_pipelines.defs.quality.results import to_asset_check
from arsync_pipelines.defs.resources import FRESHNESS, PlatformResource
from arsync_pipelines.domain.drift import DriftFinding
from arsync_pipelines.domain.errors import ArsyncError, ConfigError
from arsync_pipelines.domain.logs import bound
from arsync_pipelines.ports.source import ReadStats
from arsync_pipelines.services.cases.drifted import told
from arsync_pipelines.services.deliver import ObjectResult
from arsync_pipelines.services.push import PushReport

PAYLOAD_CHECK = "payload_expectations"
DRIFT_CHECK = "written_by_nobody_else"
_NAMED = 20  # findings that a check names; `arsync drift` has all


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
            metadata=to_page("ownership"),
            freshness_policy=FRESHNESS,
        )
        for name in objects
    ]
    checks = [
        dg.AssetCheckSpec(PAYLOAD_CHECK, asset=spec.key, description="GX suite on what is about to leave.")
        for spec in specs
    ] + [
        dg.AssetCheckSpec(
            DRIFT_CHECK,
            asset=spec.key,
            description="Nobody else changed or deleted what arsync owns. A warning; the same run puts it back.",
        )
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
    """Push `objects` to every connection of the vendor, read them back, report. What was refused fails the step, and so
    does a connection that failed as a whole, once all others had their turn."""
    reports = [
        _push(context, platform, connection.name, objects) for connection in platform.of_vendor(connector.vendor)
    ]
    failures = {report.connection: report.error for report in reports if report.error is not None}
    failures |= _read_back(context, platform, connector, objects, reports)
    refresh_cases(context.log, platform)
    note_quotas(context.log, platform, [report.connection for report in reports if report.results])
    links = to_systems(platform.of_vendor(connector.vendor))
    for name in objects:
        key = pushed_key(connector, name)
        subject = f"payload_{connector.vendor}__{name}"
        looked = [c for r in reports for c in r.checks if c.subject == subject]
        took = any(report.error is None for report in reports)
        if took:  # else it is no new state of the asset
            yield dg.MaterializeResult(asset_key=key, metadata={**_metadata(name, reports), **links})
        if took or looked:
            yield to_asset_check(PAYLOAD_CHECK, key, looked)
        if took:
            yield _drift_check(key, [f for r in reports for f in r.drift if f.object == name])
    left = {f"{r.connection}.{n}": o for r in reports for n, o in r.results.items() if o.rejected or o.dead or o.left}
    told = [f"{k}: {o.rejected} rejected, {o.dead} dead, {o.left} waiting" for k, o in left.items()]
    told += [report.waits_for for report in reports if report.waits_for] if told else []
    if failures:
        told = [*(f"{name} failed: {error}" for name, error in failures.items()), *told]
        others = [report.connection for report in reports if report.connection not in failures]
        told += [f"pushed to {', '.join(others)} all the same"] if others else []
        raise dg.Failure(description="; ".join(told), allow_retries=False) from next(iter(failures.values()))
    if told:
        raise dg.Failure(
            description=f"not everything was acknowledged: {'; '.join(told)}. `arsync status` says why.",
            allow_retries=False,
        )


def _push(context: dg.AssetExecutionContext, platform: Platform, name: str, objects: Sequence[str]) -> PushReport:
    try:
        platform.require_secrets(name)
    except ConfigError as error:
        return PushReport(name, error=error)
    progress = ProgressLog(context.log.info).pushing(name)
    with bound(run_id=context.run.run_id, connection=name):
        return platform.push.attempt(platform.sink(name), objects, progress)


def _read_back(
    context: dg.AssetExecutionContext,
    platform: Platform,
    connector: Connector,
    objects: Sequence[str],
    reports: Sequence[PushReport],
) -> dict[str, ArsyncError]:
    """What the CRM now holds becomes raw rows, so that the next build sees our own writes and nothing is sent twice.

    Once per connection, that whose push broke off included when something was sent. Answers errors by connection.
    """
    failures: dict[str, ArsyncError] = {}
    stats: list[ReadStats] = []
    specs = {spec.name: spec for spec in connector.streams}
    for report in reports:
        if report.error is not None and not report.results:
            continue
        observed = platform.sink(report.connection).capabilities.observed_in
        streams = [observed[name] for name in objects]
        try:
            stats += read_streams(context, platform, connector.vendor, streams, IngestConfig(), [report.connection])
        except ArsyncError as error:
            context.log.error(f"{report.connection} was not read back: {error}")
            if report.error is None:
                failures[report.connection] = error
    for stream in dict.fromkeys(s.stream for s in stats):
        rows = sum(s.rows_new for s in stats if s.stream == stream)
        note = dg.AssetMaterialization(raw_key(specs[stream]), "read back after the push", {"rows_read_back": rows})
        context.log_event(note)
    return failures


def _drift_check(key: dg.AssetKey, found: Sequence[DriftFinding]) -> dg.AssetCheckResult:
    lines = [f"- {told(finding)}: {finding.action}" for finding in found[:_NAMED]]
    lines += [f"- and {len(found) - _NAMED} more; `arsync drift` shows all"] if len(found) > _NAMED else []
    return dg.AssetCheckResult(
        passed=not found,
        asset_key=key,
        check_name=DRIFT_CHECK,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"findings": len(found), "found": dg.MetadataValue.md("\n".join(lines) or "none")},
    )


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
        "drift": sum(f.object == name for r in reports for f in r.drift),
        "requests": sum(o.requests for o in results),
        "seconds": round(sum(o.seconds for o in results), 3),
        "waits_for": "; ".join(dict.fromkeys(r.waits_for for r in reports if r.waits_for)),
        "snapshot_id": ", ".join(dict.fromkeys(r.snapshot_id for r in reports if r.snapshot_id)),
    }
