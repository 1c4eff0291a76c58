"""A part is materialized from Dagster as in its UI: one stream, one model, one push, and nothing else."""

from __future__ import annotations

import dagster as dg
import pytest

from tests.fixtures.acceptance import CRM_OBJECTS, Scene

pytestmark = pytest.mark.slow(shares="an installation after its first sync")

CUSTOMER = dg.AssetKey(["raw", "raw_netsuite__customer"])
AGING = dg.AssetKey(["marts", "fct_ar_aging"])
ACCOUNT = dg.AssetKey(["crm", "salesforce__account"])


def materialize(scene: Scene, key: dg.AssetKey, monkeypatch: pytest.MonkeyPatch) -> dict[str, dg.AssetMaterialization]:
    """Materialize one asset of the project's definitions; what was materialized, by name."""
    monkeypatch.setenv("ARSYNC_CONFIG", str(scene.config))
    from arsync_pipelines.definitions import build_defs

    job = build_defs(scene.platform()).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, asset_selection=[key])
    assert result.success
    made = [e.step_materialization_data.materialization for e in result.all_events if e.is_step_materialization]
    return {m.asset_key.path[-1]: m for m in made}


def test_tables_left_as_they_are_are_told_once_but_those_that_publishing_waits_for(
    synced: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARSYNC_CONFIG", str(synced.config))
    from arsync_pipelines.definitions import build_defs

    defs = build_defs(synced.platform())
    models = [a for a in defs.assets or () if isinstance(a, dg.AssetsDefinition) and a.node_def.name == "dbt_build"]
    job = defs.resolve_implicit_global_asset_job_def()
    told = []
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(2):
            result = job.execute_in_process(instance=instance, asset_selection=list(models[0].keys))
            assert result.success
            made = [e.step_materialization_data.materialization for e in result.all_events if e.is_step_materialization]
            told.append({m.asset_key: m.metadata["status"].value for m in made})
    assert told[0].keys() == set(models[0].keys), "Dagster knew of none"
    published = {
        key
        for key in told[0].keys() - {dg.AssetKey(["marts", "iso_currency"])}  # a seed
        if key.path[0] in {"marts", "reconciliation", "sync"}
    }
    assert told[1] == dict.fromkeys(published, "reused")


def cursors(scene: Scene) -> dict[str, object]:
    """Committed cursors of every stream of the ERP and the CRM."""
    platform = scene.platform()
    with platform.warehouse.writing():
        return {
            f"{name}.{spec.name}": platform.warehouse.cursor(name, spec.name)
            for name in ("erp", "crm")
            for spec in platform.source(name).streams()
        }


def test_one_stream_one_model_one_push(synced: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    synced.sandbox.advance(3)
    before = cursors(synced)

    made = materialize(synced, CUSTOMER, monkeypatch)
    assert list(made) == ["raw_netsuite__customer"]
    link = made["raw_netsuite__customer"].metadata["open erp"]
    assert link == dg.MetadataValue.url(synced.sandbox.url("netsuite"))
    after = cursors(synced)
    assert {name for name in before if before[name] != after[name]} <= {"erp.customer"}

    published = synced.snapshot()
    assert list(materialize(synced, AGING, monkeypatch)) == ["fct_ar_aging"]
    assert synced.snapshot() == published, "building a model publishes nothing"

    synced.expect("sync", "--no-push")
    planned = {row["object"] for row in synced.expect("plan", "--json", "--limit", "0").data["crm"]["differences"]}
    assert {"account", "invoice"} <= planned
    end = synced.journal_end()
    made = materialize(synced, ACCOUNT, monkeypatch)
    assert made["salesforce__account"].metadata["acknowledged"].value > 0
    assert set(made) == {"salesforce__account", "raw_salesforce__account"}, "pushed, and read back"
    assert {entry["object"] for entry in synced.writes(end)} == {CRM_OBJECTS["account"]}
    synced.expect("push")
    assert {entry["object"] for entry in synced.writes(end)} >= {CRM_OBJECTS["account"], CRM_OBJECTS["invoice"]}
