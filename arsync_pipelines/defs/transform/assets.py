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
from arsync_pipelines.defs.transform.project import Translator
from arsync_pipelines.domain.errors import CheckFailed, WarehouseError
from arsync_pipelines.services.rebuild import Built


class BuildConfig(dg.Config):
    """`everything`: build also what nothing changed for. `full_refresh`: that, incremental models from the start."""

    everything: bool = False
    full_refresh: bool = False


def build_models(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """The dbt multi-asset. A failed test of severity error fails the step; what depends on it is not built."""
    translator = Translator(DagsterDbtTranslatorSettings(enable_asset_checks=True))

    @dbt_assets(manifest=manifest, name="dbt_build", dagster_dbt_translator=translator, pool=WAREHOUSE_POOL)
    def dbt_build(context: dg.AssetExecutionContext, config: BuildConfig, platform: PlatformResource) -> Iterator[Any]:
        done = build.run(
            platform.get(),
            manifest,
            context.run.run_id,
            chosen=_chosen(context, translator, manifest),
            everything=config.everything,
            full_refresh=config.full_refresh,
        )
        samples = {test.dagster_name: test.check.sample for test in done.tests}
        checks: list[Any] = []
        for node_id, what in done.nodes.items():
            if isinstance(what, Built):
                yield from _reused(context, translator, manifest["nodes"].get(node_id), what)
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


def _reused(
    context: dg.AssetExecutionContext, translator: DagsterDbtTranslator, node: Mapping[str, Any] | None, built: Built
) -> Iterator[dg.Output[None]]:
    """A table that stands as an earlier run built it: `reused` is the integration's own word for it.

    It is an output, for else Dagster would skip the publishing that depends on it. A check that was not made again
    shows nothing: the evaluation of the run that made it stands.
    """
    if node is None or node["resource_type"] == "test":
        return
    key = translator.get_asset_key(node)
    if key in context.selected_asset_keys:
        metadata = {
            "status": "reused",
            "unique_id": node["unique_id"],
            "built_in_run": built.run_id,
            "built_at": dg.MetadataValue.timestamp(built.built_at.replace(tzinfo=UTC)),
        }
        yield dg.Output(None, output_name=key.to_python_identifier(), metadata=metadata)
