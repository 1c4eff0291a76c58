"""`audit verify`: whether anything of the audit was edited, removed, inserted or reordered, and what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from arsync_pipelines.cli.console import out, print_json, table
from arsync_pipelines.cli.jobs import AsJson
from arsync_pipelines.domain.errors import CheckFailed

if TYPE_CHECKING:
    from arsync_pipelines.ops.audit.verify import Verification

app = typer.Typer(help="The append-only record of what was planned, sent and settled.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps `verify` a command of its own while it is the only one."""


@app.command("verify")
def verify(as_json: AsJson = False) -> None:
    """Check the audit with itself, its checkpoints and the archive, and name what does not hold.

    Exits with 6 when a row was edited, removed, inserted or put elsewhere, or a file of the archive is not as it was.
    """
    from arsync_pipelines import bootstrap

    ops = bootstrap.platform().ops
    verified = ops.verify()
    found = verified.findings
    if as_json:
        print_json(
            {
                "holds": verified.holds,
                "rows": verified.rows,
                "archived_rows": verified.archived,
                "archive_files": verified.files,
                "checkpoints": verified.checkpoints,
                "checkpoint_file": str(ops.checkpoints.path),
                "findings": [{"kind": f.kind, "first": f.first, "last": f.last, "text": f.text} for f in found],
                "findings_not_listed": verified.more,
            }
        )
    elif found:
        table("Audit", ["what", "rows", "finding"], [(f.kind, _rows(f.first, f.last), f.text) for f in found])
        if verified.more:
            out.print(f"and {verified.more:,} more that are not listed")
    else:
        out.print(
            f"{verified.rows:,} rows hold, compared with {verified.checkpoints:,} checkpoints" + _archived(verified)
        )
    if found:
        raise CheckFailed(
            f"the audit does not hold: {len(found) + verified.more} findings in {verified.rows} rows. Keep the store "
            "as it is and compare it with a backup; docs/howto/verify-the-audit.md says how."
        )


def _archived(verified: Verification) -> str:
    if not verified.files:
        return ""
    return f"; {verified.archived:,} of them stand in the archive, whose {verified.files:,} files are as they were"


def _rows(first: int, last: int) -> str:
    if first == last:
        return str(first) if first else "-"
    return f"{first}-{last}"
