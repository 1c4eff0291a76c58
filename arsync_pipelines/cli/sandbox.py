"""`arsync sandbox`: start the vendors' stand-ins with one company in them, and let time pass there."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from arsync_pipelines.cli.console import print_json
from arsync_pipelines.domain.errors import ArsyncError
from arsync_pipelines.sandbox.core.errors import SandboxError

app = typer.Typer(help="Stand-ins for Salesforce, NetSuite and Stripe, with one company in all three.")

StateDir = Annotated[Path, typer.Option("--state-dir", help="Where the sandbox keeps its state.")]
_STATE_DIR = Path(".arsync/sandbox")


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    state_dir: StateDir = _STATE_DIR,
    seed: Annotated[int, typer.Option(help="The same seed is the same company.")] = 7,
    customers: Annotated[int, typer.Option(help="Customers in the world.")] = 2_000,
    invoices: Annotated[int, typer.Option(help="Invoices in the world.")] = 20_000,
    live: Annotated[float, typer.Option(help="Virtual seconds per real second, with business; 0: time stands.")] = 0.0,
    base_port: Annotated[int, typer.Option(help="Control port; the vendors follow. 0: free ports.")] = 0,
    fresh: Annotated[bool, typer.Option(help="Throw away the world that is there.")] = False,
) -> None:
    """Start the sandboxes and keep them running until Ctrl-C."""
    if context.invoked_subcommand is not None:
        return
    from arsync_pipelines.sandbox import __main__ as process

    arguments = ["--state-dir", str(state_dir), "--seed", str(seed), "--base-port", str(base_port)]
    arguments += ["--customers", str(customers), "--invoices", str(invoices)]
    arguments += ["--live", str(live)] if live else []
    arguments += ["--fresh"] if fresh else []
    sys.exit(process.main(arguments))


@app.command()
def advance(
    days: Annotated[int, typer.Option(help="Business days of the world to let pass.")] = 1,
    state_dir: StateDir = _STATE_DIR,
) -> None:
    """Let days of business happen in the running sandbox."""
    from arsync_pipelines.sandbox import remote

    try:
        print_json(remote.advance(state_dir, days))
    except SandboxError as error:
        raise ArsyncError(str(error)) from error
