"""Every dbt model as an asset and every dbt test as an asset check, in one step under the writer lock.

Dagster reads annotations at run time, so they are not postponed here.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslatorSettings, DbtCliResource, dbt_assets

from arsync_pipelines.bootstrap import all_streams
from arsync_pipelines.defs.resources import WAREHOUSE_POOL, PlatformResource
from arsync_pipelines.defs.transform.project import Translator, generated_dir
from arsync_pipelines.defs.transform.results import run_results, test_names, with_sample
from arsync_pipelines.services import gate


class BuildConfig(dg.Config):
    """`full_refresh`: rebuild incremental models from the whole history."""

    full_refresh: bool = False


def build_models(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """The dbt multi-asset. A failed test of severity error fails the step; what depends on it is not built."""

    @dbt_assets(
        manifest=manifest,
        name="dbt_build",
        dagster_dbt_translator=Translator(DagsterDbtTranslatorSettings(enable_asset_checks=True)),
        pool=WAREHOUSE_POOL,
    )
    def dbt_build(
        context: dg.AssetExecutionContext, config: BuildConfig, dbt: DbtCliResource, platform: PlatformResource
    ) -> Iterator[Any]:
        built = platform.get()
        warehouse = built.warehouse
        with warehouse.writing():
            warehouse.ensure_tables(all_streams())
            built.run_context.write(warehouse)
        target = generated_dir(built) / "target"  # one, so that dbt parses only what changed
        (target / "run_results.json").unlink(missing_ok=True)
        arguments = ["build", *(["--full-refresh"] if config.full_refresh else [])]
        held: list[Any] = []
        with warehouse.exclusive_for_child():
            invocation = dbt.cli(arguments, context=context, target_path=target, raise_on_error=False)
            for event in invocation.stream():
                # a failed check waits for its sample rows: the warehouse is dbt's until it ends
                if isinstance(event, dg.AssetCheckResult) and not event.passed:
                    held.append(event)
                else:
                    yield event
        results = run_results(target, manifest)
        with warehouse.writing():
            results = [with_sample(warehouse, r) for r in results]
            gate.record(warehouse, [r.check for r in results], context.run.run_id)
            gate.forget_removed_tests(warehouse, test_names(manifest))
        by_name = {r.dagster_name: r.check for r in results}
        for event in held:
            check = by_name.get(event.check_name or "")
            sample = json.loads(json.dumps(list(check.sample), default=str)) if check else []
            yield event._replace(metadata={**event.metadata, "sample": dg.MetadataValue.json(sample)})
        error = invocation.get_error()
        if error:
            raise error

    return dbt_build
