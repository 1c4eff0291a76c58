"""The jobs people start: everything, refresh without push, push alone, and the nightly proof."""

from __future__ import annotations

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

IN_PROCESS = dg.in_process_executor  # few fat steps: a process per step would cost seconds each


def sync_job() -> UnresolvedAssetJobDefinition:
    return dg.define_asset_job(
        "sync_ar_job",
        dg.AssetSelection.all(),
        description="Everything: ingest, build, check, publish, push, read back.",
        executor_def=IN_PROCESS,
    )


def refresh_job() -> UnresolvedAssetJobDefinition:
    return dg.define_asset_job(
        "refresh_ar_job",
        dg.AssetSelection.all() - dg.AssetSelection.groups("crm"),
        description="Ingest, build, check and publish; the push follows from the published snapshot.",
        executor_def=IN_PROCESS,
    )


def push_job() -> UnresolvedAssetJobDefinition:
    return dg.define_asset_job(
        "push_crm_job",
        dg.AssetSelection.groups("crm"),
        description="Push the differences of the published snapshot to the CRM.",
        executor_def=IN_PROCESS,
    )


def prove_job(crm_streams: dg.AssetSelection) -> UnresolvedAssetJobDefinition:
    """Read the CRM back, rebuild everything that compares, publish the findings."""
    return dg.define_asset_job(
        "prove_reconciliation_job",
        crm_streams
        | dg.AssetSelection.groups("staging", "intermediate", "marts", "reconciliation", "sync", "published"),
        description="Read the CRM back, recompute every reconciliation, publish the proof.",
        executor_def=IN_PROCESS,
    )
