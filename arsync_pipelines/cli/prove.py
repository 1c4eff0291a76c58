"""`prove`: the tie-out of receivables, and what stands open, with an exit code that a scheduler understands."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from arsync_pipelines.cli.console import out, print_json, table
from arsync_pipelines.cli.jobs import AsJson, summarise
from arsync_pipelines.cli.runs import require, run_job

if TYPE_CHECKING:
    from arsync_pipelines.services.proof import Proof


def prove(
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Prove the published snapshot for this business date; reads nothing."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read the CRM back, recompute every reconciliation, publish the findings, and print the tie-out.

    Exits with 6 when aging, sub-ledger and general ledger differ anywhere.
    """
    from arsync_pipelines import bootstrap
    from arsync_pipelines.services import proof

    warehouse = bootstrap.platform().warehouse
    run = None
    if as_of is None:
        outcome = run_job("prove_reconciliation_job", quiet=as_json)
        if not outcome.success and (left := proof.unproved(warehouse)) and not as_json:
            columns = ["check", "class", "what", "currency", "amount*", "owner", "detail"]
            table("Not published: the ledgers", columns, [tuple(row.values()) for row in left])
        run = summarise(require(outcome, "prove"))
    proved = proof.prove(warehouse, as_of.date() if as_of else None)
    if as_json:
        print_json(_document(proved) | ({"run": run} if run else {}))
    else:
        _print(proved)
    proved.require()


def _print(proved: Proof) -> None:
    rows = [
        (t.legal_entity, t.currency, t.as_of, t.aging, t.unapplied, t.subledger, t.gl_control, t.difference)
        for t in proved.tie_out
    ]
    table(
        "Tie-out: aging + unapplied = sub-ledger = general ledger",
        ["legal entity", "currency", "as of", "aging*", "unapplied*", "sub-ledger*", "general ledger*", "difference*"],
        rows,
    )
    found = [
        (f["check_name"], f["finding"], f["findings"], f["repairable"], f["currency"], f["amount"], f["owner"],
         f"{f['first_seen_at']:%Y-%m-%d %H:%M}")
        for f in proved.findings
    ]  # fmt: skip
    if found:
        columns = ["check", "class", "open*", "repaired by push*", "currency", "amount*", "owner", "first seen (UTC)"]
        table("Findings that stand open", columns, found)
    verdict = "everything foots" if not proved.differences else f"{len(proved.differences)} do not foot"
    out.print(f"{len(proved.tie_out)} legal entities and currencies: {verdict}; snapshot {proved.snapshot_id}")


def _document(proved: Proof) -> dict[str, object]:
    names = ("legal_entity", "currency", "as_of", "aging", "unapplied", "subledger", "gl_control", "difference")
    return {
        "snapshot": proved.snapshot_id,
        "foots": bool(proved.tie_out) and not proved.differences,
        "tie_out": [{name: getattr(row, name) for name in names} for row in proved.tie_out],
        "findings": list(proved.findings),
    }
