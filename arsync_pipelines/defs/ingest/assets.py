"""One asset per stream, one step per vendor; every connection of the vendor feeds the same raw tables.

Dagster reads annotations at run time, so they are not postponed here.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime

import dagster as dg

from arsync_pipelines.bootstrap import Platform, all_streams
from arsync_pipelines.connectors.base import Connector
from arsync_pipelines.connectors.clock import SystemClock
from arsync_pipelines.defs.cases import refresh_cases
from arsync_pipelines.defs.links import to_page, to_systems
from arsync_pipelines.defs.progress import ProgressLog
from arsync_pipelines.defs.quality.results import to_asset_check
from arsync_pipelines.defs.resources import FRESHNESS, OWNERS, WAREHOUSE_POOL, PlatformResource
from arsync_pipelines.domain.checks import CheckResult, summary
from arsync_pipelines.domain.errors import CheckFailed
from arsync_pipelines.domain.logs import bound
from arsync_pipelines.ports.source import ReadStats, StreamSpec
from arsync_pipelines.services.hints import settled_by_reading

LANDING_CHECK = "landing_expectations"


class IngestConfig(dg.Config):
    """`since`: backfill from this UTC instant (ISO 8601). `reload`: from landing files, without touching the source."""

    since: str = ""
    reload: bool = False


def raw_key(spec: StreamSpec) -> dg.AssetKey:
    return dg.AssetKey(["raw", spec.table])


def ingest_assets(connector: Connector) -> dg.AssetsDefinition:
    """The multi-asset of one vendor: an asset and a blocking landing check per stream, each selectable alone."""
    specs = [
        dg.AssetSpec(
            raw_key(spec),
            description=spec.description or f"{connector.title}: {spec.name}, every version ever seen.",
            group_name="raw",
            owners=OWNERS,
            kinds={connector.vendor, "duckdb"},
            metadata={
                "system": spec.system,
                "stream": spec.name,
                "primary_key": ", ".join(spec.primary_key),
                **to_page("streams", spec.name),
            },
            freshness_policy=FRESHNESS,
        )
        for spec in connector.streams
    ]
    checks = [
        dg.AssetCheckSpec(
            LANDING_CHECK,
            asset=raw_key(spec),
            blocking=True,
            description="Great Expectations suite on what landed since it last passed.",
        )
        for spec in connector.streams
    ]

    @dg.multi_asset(
        specs=specs,
        check_specs=checks,
        can_subset=True,
        name=f"ingest_{connector.vendor}",
        pool=WAREHOUSE_POOL,
        description=f"Reads what is new in {connector.title} and loads it with its cursor.",
    )
    def ingest(
        context: dg.AssetExecutionContext, config: IngestConfig, platform: PlatformResource
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        chosen = [spec for spec in connector.streams if raw_key(spec) in context.selected_asset_keys]
        yield from run_ingest(context, platform.get(), connector.vendor, chosen, config)

    return ingest


def run_ingest(
    context: dg.AssetExecutionContext,
    platform: Platform,
    vendor: str,
    streams: Sequence[StreamSpec],
    config: IngestConfig,
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Ingest `streams` of every connection of `vendor`, then run their landing suites and record them at the gate."""
    stats = read_streams(context, platform, vendor, [s.name for s in streams], config)
    with platform.warehouse.writing():
        results = platform.landing_checks.run(streams, context.run.run_id)
    links = to_systems(platform.of_vendor(vendor))
    for spec in streams:
        of_stream = [s for s in stats if s.stream == spec.name]
        yield dg.MaterializeResult(asset_key=raw_key(spec), metadata={**_metadata(of_stream), **links})
        yield to_asset_check(LANDING_CHECK, raw_key(spec), results.get(spec.table, ()))
    everything: list[CheckResult] = [r for rs in results.values() for r in rs]
    if any(r.blocks for r in everything):
        refresh_cases(context.log, platform)
        raise dg.Failure(
            description=f"what landed does not meet its expectations: {summary(everything)}", allow_retries=False
        ) from CheckFailed(summary(everything))


def read_streams(
    context: dg.AssetExecutionContext,
    platform: Platform,
    vendor: str,
    streams: Sequence[str],
    config: IngestConfig,
    only: Collection[str] | None = None,
) -> list[ReadStats]:
    """Run the ingest service over every connection of a vendor, or `only` those named."""
    with platform.warehouse.writing():
        platform.warehouse.ensure_tables(all_streams())
    connections = [c for c in platform.of_vendor(vendor) if only is None or c.name in only]
    if not config.reload:
        for connection in connections:
            platform.require_secrets(connection.name)
    since = _instant(config.since) if config.since else None
    log = ProgressLog(context.log.info)
    stats: list[ReadStats] = []
    for connection in connections:
        source = platform.source(connection.name)
        # a connection may have fewer streams than its vendor: a folder of extracts without payments, say
        offered = [s for s in source.streams() if s.name in streams]
        if config.reload:
            found = platform.ingest.reload(connection.name, offered)
        else:
            names = [s.name for s in offered]
            with (
                bound(run_id=context.run.run_id),
                _settling(context, platform, connection.name, names),
                platform.counted(source),
            ):
                found = platform.ingest.run(source, names, since=since, progress=log.reading(connection.name))
        for s in found:
            context.log.info(
                f"{s.connection}.{s.stream}: {s.rows_read} rows read, {s.rows_new} new versions, "
                f"{s.rows_deleted} deleted, {s.rows_set_aside} set aside, {s.pages} pages, {s.seconds:.1f} s"
            )
            for warning in s.warnings:
                context.log.warning(f"{s.connection}.{s.stream}: {warning}")
        stats += found
    return stats


def _settling(
    context: dg.AssetExecutionContext, platform: Platform, connection: str, streams: Collection[str]
) -> AbstractContextManager[object]:
    """Settles what the connection told us of these streams, once they are read; nothing for one that tells nothing."""
    if platform.webhook(connection) is None:
        return nullcontext()
    return settled_by_reading(platform.ops.inbox, context.run.run_id, connection, streams, SystemClock())


def _instant(text: str) -> datetime:
    """An ISO instant; without an offset it is UTC, whatever the machine's zone."""
    parsed = datetime.fromisoformat(text)
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _metadata(stats: Sequence[ReadStats]) -> dict[str, dg.MetadataValue]:
    warnings = [f"{s.connection}: {w}" for s in stats for w in s.warnings]
    return {
        "dagster/row_count": dg.MetadataValue.int(sum(s.rows_new for s in stats)),
        "rows_read": dg.MetadataValue.int(sum(s.rows_read for s in stats)),
        "rows_new": dg.MetadataValue.int(sum(s.rows_new for s in stats)),
        "rows_deleted": dg.MetadataValue.int(sum(s.rows_deleted for s in stats)),
        "rows_set_aside": dg.MetadataValue.int(sum(s.rows_set_aside for s in stats)),
        "pages": dg.MetadataValue.int(sum(s.pages for s in stats)),
        "seconds": dg.MetadataValue.float(round(sum((s.seconds for s in stats), 0.0), 3)),
        "warnings": dg.MetadataValue.md("\n".join(f"- {w}" for w in warnings) or "none"),
    }
