"""The jobs people start: everything, refresh without push, push alone, and the nightly proof.

Layers are named one by one: a selection by group brings the checks of its assets along, `all()` does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from arsync_pipelines.defs.quality.proof import PROOF_CHECK

BUILT_LAYERS = ("staging", "intermediate", "marts", "reconciliation", "sync", "published")


# an open finding is no reason to hold back a push: the proof is the nightly job's
_UNPROVED = dg.AssetSelection.checks(PROOF_CHECK)


def sync_job() -> UnresolvedAssetJobDefinition:
    return _job(
        "sync_ar_job",
        dg.AssetSelection.groups("raw", *BUILT_LAYERS, "crm") - _UNPROVED,
        "Everything: ingest, build, check, publish, push, read back.",
    )


def refresh_job() -> UnresolvedAssetJobDefinition:
    return _job(
        "refresh_ar_job",
        dg.AssetSelection.groups("raw", *BUILT_LAYERS) - _UNPROVED,
        "Ingest, build, check and publish; a push follows from the published snapshot.",
    )


def push_job() -> UnresolvedAssetJobDefinition:
    return _job(
        "push_crm_job",
        dg.AssetSelection.groups("crm"),
        "Push the differences of the published snapshot to the CRM.",
    )


def prove_job(crm_streams: dg.AssetSelection) -> UnresolvedAssetJobDefinition:
    return _job(
        "prove_reconciliation_job",
        crm_streams | dg.AssetSelection.groups(*BUILT_LAYERS),
        "Read the CRM back, recompute every reconciliation, publish and make the proof; fails when it does not hold.",
        {"ops": {"dbt_build": {"config": {"everything": True}}}},  # a proof trusts no record of what is up to date
    )


def read_back_job(crm_streams: dg.AssetSelection) -> UnresolvedAssetJobDefinition:
    return _job(
        "read_back_crm_job",
        crm_streams | (dg.AssetSelection.groups(*BUILT_LAYERS, "crm") - _UNPROVED),
        "Read what the CRM holds, put back what others changed of ours there, and say who did.",
    )


def _job(
    name: str, selection: dg.AssetSelection, description: str, config: Mapping[str, Any] | None = None
) -> UnresolvedAssetJobDefinition:
    # few fat steps: a process per step would cost seconds each
    executor = dg.in_process_executor
    return dg.define_asset_job(name, selection, description=description, executor_def=executor, config=config)
