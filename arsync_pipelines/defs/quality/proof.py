"""The proof of receivables as a check of the published snapshot: it fails its run, so that somebody is told.

What is published is the gate's business, not this one's: the figures that a finding does not touch stay good.

Dagster reads annotations at run time, so they are not postponed here.
"""

import json
from collections.abc import Iterator

import dagster as dg

from arsync_pipelines.defs.cases import refresh_cases
from arsync_pipelines.defs.publish.assets import SNAPSHOT_KEY
from arsync_pipelines.defs.resources import PlatformResource
from arsync_pipelines.services.proof import Proof, prove

PROOF_CHECK = dg.AssetCheckKey(SNAPSHOT_KEY, "receivables_proved")


@dg.multi_asset_check(
    name=PROOF_CHECK.name,
    specs=[
        dg.AssetCheckSpec(
            PROOF_CHECK.name,
            asset=SNAPSHOT_KEY,
            description="Aging + unapplied + intercompany = sub-ledger = ledger, and no critical finding stands open.",
        )
    ],
)
def receivables_proved(
    context: dg.AssetCheckExecutionContext, platform: PlatformResource
) -> Iterator[dg.AssetCheckResult]:
    """Failed with severity error when the proof does not hold, a warning when other findings stand open."""
    built = platform.get()
    proved = prove(built.warehouse)
    refresh_cases(context.log, built)
    yield as_check(proved)
    proved.require()


def as_check(proved: Proof) -> dg.AssetCheckResult:
    """A proof as Dagster shows it."""
    open_findings = sum(int(row["findings"]) for row in proved.findings)
    tie_out = [
        dg.TableRecord(
            {
                "legal entity": row.legal_entity,
                "currency": row.currency,
                "as of": str(row.as_of),
                "aging": str(row.aging),
                "unapplied": str(row.unapplied),
                "intercompany": str(row.intercompany),
                "sub-ledger": str(row.subledger),
                "general ledger": str(row.gl_control),
                "difference": str(row.difference),
            }
        )
        for row in proved.tie_out
    ]
    return dg.AssetCheckResult(
        asset_key=SNAPSHOT_KEY,
        check_name=PROOF_CHECK.name,
        passed=proved.holds and not open_findings,
        severity=dg.AssetCheckSeverity.WARN if proved.holds else dg.AssetCheckSeverity.ERROR,
        metadata={
            "snapshot_id": proved.snapshot_id,
            "differences": len(proved.differences),
            "critical_findings": len(proved.critical),
            "open_findings": open_findings,
            **({"tie_out": dg.MetadataValue.table(tie_out)} if tie_out else {}),
            "critical": dg.MetadataValue.json(json.loads(json.dumps(list(proved.critical[:20]), default=str))),
            "findings": dg.MetadataValue.json(json.loads(json.dumps(list(proved.findings), default=str))),
        },
    )
