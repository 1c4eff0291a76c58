"""Every dbt model as an asset and every dbt test as an asset check, in one step under the writer lock.

Dagster reads annotations at run time, so they are not postponed here.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets
from dagster_dbt.asset_utils import get_asset_check_key_for_test
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from arsync_pipelines.defs.resources import WAREHOUSE_POOL, PlatformResource
from arsync_pipelines.defs.transform import build
from arsync_pipelines.defs.transform.jobs import published_tables
from arsync_pipelines.defs.transform.naming import Translator
from arsync_pipelines.domain.errors import CheckFailed, WarehouseError
from arsync_pipelines.services.rebuild import Built


class BuildConfig(dg.Config):
    """`everything`: build also what nothing changed for. `full_refresh`: that, incremental models from the start."""

    everything: bool = False
    full_refresh: bool = False


def build_models(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """The dbt multi-asset. A failed test of severity error fails the step; what depends on it is not built."""
    translator = Translator(DagsterDbtTranslatorSettings(enable_asset_checks=True))
    nodes = {i: node for i, node in manifest["nodes"].items() if node["resource_type"] != "test"}
    assets = {i: translator.get_asset_key(node) for i, node in nodes.items()}
    published = set(published_tables(manifest))
    needed = {assets[i] for i, node in nodes.items() if node["name"] in published}

    @dbt_assets(manifest=manifest, name="dbt_build", dagster_dbt_translator=translator, pool=WAREHOUSE_POOL)
    def dbt_build(context: dg.AssetExecutionContext, config: BuildConfig, platform: PlatformResource) -> Iterator[Any]:
        chosen = _chosen(context, translator, manifest)
        with platform.get().warehouse.writing(closing_behind=True):  # while the events below are told
            done = build.run(
                platform.get(),
                manifest,
                context.run.run_id,
                chosen=chosen,
                everything=config.everything,
                full_refresh=config.full_refresh,
            )
        samples = {test.dagster_name: test.check.sample for test in done.tests}
        reused = {i: what for i, what in done.nodes.items() if isinstance(what, Built) and i in assets}
        known = _materialized(context, {assets[i] for i in reused} - needed)
        checks: list[Any] = []
        for node_id, what in done.nodes.items():
            if isinstance(what, Built):
                if node_id in reused and assets[node_id] in context.selected_asset_keys - known:
                    yield _reused(node_id, assets[node_id], what)
                continue
            event = DbtCoreCliEventMessage(raw_event=dict(what), event_history_metadata={})
            for shown in event.to_default_asset_events(manifest, translator, context):
                if isinstance(shown, dg.Output):
                    yield shown
                elif isinstance(shown, dg.AssetCheckResult) and not shown.passed:
                    sample = json.loads(json.dumps(list(samples.get(shown.check_name or "", ())), default=str))
                    checks.append(shown._replace(metadata={**shown.metadata, "sample": dg.MetadataValue.json(sample)}))
                else:
                    checks.append(shown)
        yield from checks
        if done.error:
            kind = CheckFailed if done.is_refused else WarehouseError
            raise kind(f"build failed: {done.error}")

    return dbt_build


def _chosen(
    context: dg.AssetExecutionContext, translator: DagsterDbtTranslator, manifest: Mapping[str, Any]
) -> set[str] | None:
    """Nodes of the assets and checks that somebody selected, None when the step runs whole."""
    step = context.assets_def
    whole = step.keys_by_output_name == step.node_keys_by_output_name
    if whole and step.check_specs_by_output_name == step.node_check_specs_by_output_name:
        return None
    nodes = set()
    for node_id, node in manifest["nodes"].items():
        if node["resource_type"] == "test":
            if get_asset_check_key_for_test(manifest, translator, node_id, None) in context.selected_asset_check_keys:
                nodes.add(node_id)
        elif translator.get_asset_key(node) in context.selected_asset_keys:
            nodes.add(node_id)
    return nodes


def _materialized(context: dg.AssetExecutionContext, keys: set[dg.AssetKey]) -> set[dg.AssetKey]:
    """Those that Dagster has a materialization of."""
    records = context.instance.get_asset_records(sorted(keys)) if keys else ()
    return {r.asset_entry.asset_key for r in records if r.asset_entry.last_materialization_record}


def _reused(node_id: str, key: dg.AssetKey, built: Built) -> dg.Output[None]:
    """A table that stands as an earlier run built it: `reused` is the integration's own word for it.

    What is published is an output in every run, for else Dagster would skip the publishing that depends on it; of the
    rest the materialization of the run that made it stands, if Dagster knows of one. A check that was not made again
    shows nothing: the evaluation of the run that made it stands.
    """
    metadata: dict[str, Any] = {
        "status": "reused",
        "unique_id": node_id,
        "built_in_run": built.run_id,
        "built_at": dg.MetadataValue.timestamp(built.built_at.replace(tzinfo=UTC)),
    }
    return dg.Output(None, output_name=key.to_python_identifier(), metadata=metadata)
