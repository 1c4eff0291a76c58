"""`prove`: the tie-out of receivables, and what stands open, with an exit code that a scheduler understands."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arsync_pipelines.cli.console import out, print_json, table
from arsync_pipelines.cli.jobs import AsJson, summarise
from arsync_pipelines.cli.runs import require, run_job

if TYPE_CHECKING:
    from arsync_pipelines.ports.warehouse import Warehouse
    from arsync_pipelines.services.proof import Proof

_FUNCTIONAL = (
    "legal_entity", "currency", "as_of", "aging", "unapplied", "intercompany", "unrealised", "subledger", "gl_control",
    "realised", "difference",
)  # fmt: skip
_NAMED = ("check_name", "finding", "business_key", "currency", "amount", "owner", "detail")


def prove(
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Prove the published snapshot for this business date; reads nothing."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read the CRM back, recompute every reconciliation, publish the findings, and print the tie-out.

    Exits with 6 when aging, sub-ledger and general ledger differ anywhere, or when a critical finding stands open.
    """
    from arsync_pipelines import bootstrap
    from arsync_pipelines.services import proof

    warehouse = bootstrap.platform().warehouse
    run = None
    if as_of is None:
        outcome = run_job("prove_reconciliation_job", quiet=as_json)
        published = "snapshot_id" in outcome.metadata.get("ar_snapshot", {})
        if not published:
            _refused(warehouse, outcome.run_id, as_json)
            require(outcome, "prove")
        run = summarise(outcome)
    proved = proof.prove(warehouse, as_of.date() if as_of else None)
    if as_json:
        print_json(_document(proved) | ({"run": run} if run else {}))
    else:
        _print(proved)
    proved.require()


def _refused(warehouse: Warehouse, run_id: str, as_json: bool) -> None:
    """What stands against publishing: readers keep the snapshot before."""
    from arsync_pipelines.services import proof

    left = proof.unproved(warehouse)
    if as_json:
        print_json({"snapshot": None, "foots": False, "holds": False, "run": {"run_id": run_id}, "critical": left})
    elif left:
        _name("Not published: critical findings", left)


def _name(title: str, rows: list[dict[str, Any]]) -> None:
    columns = ["check", "class", "what", "currency", "amount*", "owner", "detail"]
    table(title, columns, [tuple(row[name] for name in _NAMED) for row in rows])


def _print(proved: Proof) -> None:
    rows = [
        (
            t.legal_entity,
            t.currency,
            t.as_of,
            t.aging,
            t.unapplied,
            t.intercompany,
            t.subledger,
            t.gl_control,
            t.difference,
        )
        for t in proved.tie_out
    ]
    table(
        "Tie-out: aging + unapplied + intercompany = sub-ledger = general ledger",
        [
            "legal entity",
            "currency",
            "as of",
            "aging*",
            "unapplied*",
            "intercompany*",
            "sub-ledger*",
            "general ledger*",
            "difference*",
        ],
        rows,
    )
    table(
        "In functional currency: aging + unapplied + intercompany + unrealised = sub-ledger = general ledger",
        [
            "legal entity", "currency", "as of", "aging*", "unapplied*", "intercompany*", "unrealised*", "sub-ledger*",
            "general ledger*", "of it realised*", "difference*",
        ],
        [tuple(getattr(row, name) for name in _FUNCTIONAL) for row in proved.functional],
    )  # fmt: skip
    found = [
        (f["severity"], f["check_name"], f["finding"], f["findings"], f["repairable"], f["currency"], f["amount"],
         f["owner"], f"{f['first_seen_at']:%Y-%m-%d %H:%M}")
        for f in proved.findings
    ]  # fmt: skip
    if found:
        columns = ["severity", "check", "class", "open*", "repaired by push*", "currency", "amount*", "owner"]
        table("Findings that stand open", [*columns, "first seen (UTC)"], found)
    if proved.critical:
        _name("Critical", list(proved.critical))
    verdict = "everything foots" if not proved.differences else f"{len(proved.differences)} do not foot"
    if proved.critical:
        verdict += f", {len(proved.critical)} critical finding(s) open"
    out.print(f"{len(proved.tie_out)} legal entities and currencies: {verdict}")
    out.print(f"snapshot {proved.snapshot_id}, published {_old(proved.age())} ago")


def _old(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h {minutes % 60} min" if hours < 48 else f"{hours // 24} days"


def _document(proved: Proof) -> dict[str, object]:
    names = (
        "legal_entity",
        "currency",
        "as_of",
        "aging",
        "unapplied",
        "intercompany",
        "subledger",
        "gl_control",
        "difference",
    )
    return {
        "snapshot": proved.snapshot_id,
        "published_at": proved.published_at.isoformat(),
        "age_seconds": int(proved.age().total_seconds()),
        "foots": bool(proved.tie_out) and not proved.differences,
        "holds": proved.holds,
        "tie_out": [{name: getattr(row, name) for name in names} for row in proved.tie_out],
        "tie_out_functional": [{name: getattr(row, name) for name in _FUNCTIONAL} for row in proved.functional],
        "findings": list(proved.findings),
        "critical": list(proved.critical),
    }
