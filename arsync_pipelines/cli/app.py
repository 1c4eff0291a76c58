"""The command tree and what happens to an error: a message without a traceback, and an exit code that means something.

0  done                        4  a target refused us
1  something of ours failed    5  the warehouse refused
2  configuration is wrong      6  a blocking check failed: nothing published, nothing pushed; or a proof does not hold
3  a source could not be read  7  the operational store refused
"""

from __future__ import annotations

import sys

import typer

from arsync_pipelines.cli import (
    alerts,
    archive,
    audit,
    bench,
    cases,
    connections,
    demo,
    docs,
    drift,
    gateway,
    held,
    inbox,
    jobs,
    prove,
    sandbox,
    state,
    trace,
)
from arsync_pipelines.cli.console import complain
from arsync_pipelines.domain.errors import ArsyncError

app = typer.Typer(
    help="Keeps Accounts Receivable in the ERP and the customer view in the CRM in agreement.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("init")(connections.init)
app.command("doctor")(connections.doctor)
app.command("sync")(jobs.sync)
app.command("push")(jobs.push)
app.command("prove")(prove.prove)
app.command("reload")(jobs.reload)
app.command("plan")(state.plan)
app.command("status")(state.status)
app.command("drift")(drift.drift)
app.command("dead-letters")(held.dead_letters)
app.command("replay")(held.replay)
app.command("trace")(trace.trace)
app.command("archive")(archive.archive)
app.command("gateway")(gateway.gateway)
app.command("demo")(demo.demo)
app.add_typer(cases.app, name="cases")
app.add_typer(alerts.app, name="alerts")
app.add_typer(audit.app, name="audit")
app.add_typer(inbox.app, name="inbox")
app.add_typer(sandbox.app, name="sandbox")
app.command("bench")(bench.bench)
app.command("docs")(docs.docs)


def main() -> None:
    """Entry of the `arsync` script."""
    try:
        app(standalone_mode=True)
    except ArsyncError as error:
        complain(str(error))
        sys.exit(error.exit_code)
