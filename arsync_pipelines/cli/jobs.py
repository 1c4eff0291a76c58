"""`sync`, `push`, `reload`: each runs a Dagster job and says what it did."""

from __future__ import annotations

from datetime import datetime
from os import environ
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arsync_pipelines.cli.console import out, print_json, table
from arsync_pipelines.cli.runs import require, run_job

if TYPE_CHECKING:
    from arsync_pipelines.defs.maintenance.runner import RunOutcome

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of tables.")]


def sync(
    as_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Compute receivables as of this date.")
    ] = None,
    since: Annotated[datetime | None, typer.Option(help="Backfill: read sources again from this UTC instant.")] = None,
    no_push: Annotated[bool, typer.Option("--no-push", help="Stop after publishing.")] = False,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Rebuild models from the whole history.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Everything: ingest, build, check, publish, push, read back."""
    if as_of is not None:
        environ["ARSYNC_AS_OF"] = as_of.date().isoformat()
    config = _ingest_config({"since": since.isoformat()}) if since else {"ops": {}}
    if full_refresh:
        config["ops"]["dbt_build"] = {"config": {"full_refresh": True}}
    name = "refresh_ar_job" if no_push else "sync_ar_job"
    _report(require(run_job(name, config, quiet=as_json), "sync"), as_json)


def push(as_json: AsJson = False) -> None:
    """Send the differences of the published snapshot to the CRM."""
    _report(require(run_job("push_crm_job", quiet=as_json), "push"), as_json)


def reload(as_json: AsJson = False) -> None:
    """Rebuild raw tables from landing files without touching any source, then build and publish."""
    config = _ingest_config({"reload": True})
    config["ops"]["dbt_build"] = {"config": {"full_refresh": True}}
    _report(require(run_job("refresh_ar_job", config, quiet=as_json), "reload"), as_json)


def _ingest_config(values: dict[str, Any]) -> dict[str, Any]:
    from arsync_pipelines import bootstrap

    vendors = {c.connector.vendor for c in bootstrap.platform().connections.values()}
    return {"ops": {f"ingest_{vendor}": {"config": values} for vendor in sorted(vendors)}}


_READ = ("rows_read", "rows_new", "rows_deleted", "rows_set_aside", "pages", "seconds")


def summarise(outcome: RunOutcome) -> dict[str, Any]:
    """What a run did, as plain data: rows by stream, builds, checks, snapshot, pushes."""
    raw = {name: m for name, m in outcome.metadata.items() if name.startswith("raw_") and "rows_read" in m}
    pushed = {name: m for name, m in outcome.metadata.items() if "acknowledged" in m}
    snapshot = outcome.metadata.get("ar_snapshot", {})
    failed = [f"{a}: {check}" for a, check, passed, severity in outcome.checks if not passed and severity == "ERROR"]
    warned = sum(not passed and severity == "WARN" for _, _, passed, severity in outcome.checks)
    return {
        "run_id": outcome.run_id,
        "seconds": round(outcome.seconds, 2),
        "ingest": {name: {key: m[key] for key in _READ} for name, m in raw.items()},
        "checks": {"total": len(outcome.checks), "failed": failed, "warned": warned},
        "snapshot": snapshot.get("snapshot_id"),
        "push": {name: {k: v for k, v in m.items() if k != "snapshot_id"} for name, m in pushed.items()},
    }


def _report(outcome: RunOutcome, as_json: bool) -> None:
    summary = summarise(outcome)
    if as_json:
        print_json(summary)
        return
    rows = [
        (name, m["rows_read"], m["rows_new"], m["rows_deleted"], m["rows_set_aside"], m["seconds"])
        for name, m in summary["ingest"].items()
    ]
    if rows:
        table("Read", ["stream", "rows*", "new versions*", "deleted*", "set aside*", "seconds*"], rows)
    sent = [
        (name, m["planned"], m["acknowledged"], m["rejected"], m["waiting"], m["requests"], m["seconds"])
        for name, m in summary["push"].items()
    ]
    if sent:
        table("Pushed", ["object", "planned*", "acknowledged*", "rejected*", "waiting*", "requests*", "seconds*"], sent)
    for why in dict.fromkeys(m["waits_for"] for m in summary["push"].values() if m.get("waits_for")):
        out.print(why)
    checks = summary["checks"]
    out.print(
        f"{checks['total']} checks, {len(checks['failed'])} failed, {checks['warned']} warned; "
        f"snapshot {summary['snapshot'] or 'unchanged'}; {summary['seconds']:.1f} s; run {summary['run_id']}"
    )
