"""`inbox list` and `inbox retry`: events whose records could not be read again, and trying once more."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from getpass import getuser
from typing import Annotated

import typer

from arsync_pipelines.cli.console import out, print_json, table
from arsync_pipelines.cli.jobs import AsJson
from arsync_pipelines.domain.errors import ConfigError

app = typer.Typer(help="What sources told us, and what of it could not be acted upon.", no_args_is_help=True)
Connection = Annotated[str, typer.Option(help="Only of this connection.")]


@app.command("list")
def failed(
    connection: Connection = "",
    limit: Annotated[int, typer.Option(help="Events to show; 0 shows all.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Events whose attempts are spent, oldest first, with why; and how many events there are in each state."""
    from arsync_pipelines import bootstrap

    inbox = bootstrap.platform().ops.inbox
    counts, found = inbox.counts(), inbox.failed(connection, limit or None)
    if as_json:
        shown = [
            {"connection": e.connection, "event": e.event_id, "kind": e.kind, "attempts": e.attempts,
             "records": [[hint.stream, hint.record_key] for hint in e.hints], "reason": e.reason,
             "received_at": e.received_at, "failed_at": e.settled_at, "correlation_id": e.correlation_id}
            for e in found
        ]  # fmt: skip
        print_json({"states": counts, "failed": shown})
        return
    if found:
        columns = ["connection", "event", "kind", "attempts*", "why", "failed at (UTC)"]
        rows = [(e.connection, e.event_id, e.kind, e.attempts, e.reason, e.settled_at) for e in found]
        table("Failed", columns, rows)
    out.print(", ".join(f"{number:,} {state}" for state, number in sorted(counts.items())) or "no event was received")


@app.command("retry")
def retry(
    events: Annotated[list[str] | None, typer.Argument(help="Ids of events; without any, --all is needed.")] = None,
    connection: Connection = "",
    everything: Annotated[bool, typer.Option("--all", help="All that failed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let failed events wait again; the next run reads their records from the source once more."""
    from arsync_pipelines import bootstrap

    if not events and not everything:
        raise ConfigError("inbox retry: say what - ids of events, or --all")
    inbox, wanted = bootstrap.platform().ops.inbox, set(events or ())
    chosen: dict[str, list[str]] = defaultdict(list)
    for entry in inbox.failed(connection):
        if everything or entry.event_id in wanted:
            chosen[entry.connection].append(entry.event_id)
    now = datetime.now(UTC)
    moved = {name: inbox.retry(name, ids, now, getuser()) for name, ids in sorted(chosen.items())}
    if as_json:
        print_json({"waiting": moved})
        return
    out.print(f"{sum(map(len, moved.values())):,} events wait again")
