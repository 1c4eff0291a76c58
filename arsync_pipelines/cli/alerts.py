"""`arsync alerts`: what people are told of, looked for without Dagster's sensor, and a trial of the channels."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from arsync_pipelines.cli.console import out, print_json, table
from arsync_pipelines.cli.jobs import AsJson
from arsync_pipelines.domain.errors import ArsyncError, ConfigError

app = typer.Typer(help="Alerts: what holds now, and whether its messages arrive.", no_args_is_help=True)


@app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Also what is over.")] = False, as_json: AsJson = False
) -> None:
    """What holds, since when, and when it was last told of."""
    from arsync_pipelines import bootstrap

    store = bootstrap.platform().ops.alerts
    found, waiting = store.alerts(standing=not everything), store.waiting()
    if as_json:
        print_json({"alerts": [asdict(one) for one in found], "waiting": waiting})
        return
    rows = [(a.kind.value, a.title, a.affected, a.opened_at, a.last_sent_at, a.recovered_at) for a in found]
    if rows:
        table("Alerts", ["kind", "what", "of*", "since (UTC)", "told (UTC)", "over (UTC)"], rows)
    out.print(f"{len(found):,} alerts, {waiting:,} messages wait for their channel")


@app.command()
def send(as_json: AsJson = False) -> None:
    """Look at everything but failed runs and send what there is to tell, as Dagster's sensor does every minute."""
    from arsync_pipelines import bootstrap

    told = bootstrap.platform().alerts.look(datetime.now(UTC))
    if as_json:
        print_json(asdict(told))
        return
    out.print(f"{told.sent:,} messages sent, {told.failed:,} not taken, {told.waiting:,} wait")


@app.command()
def test(as_json: AsJson = False) -> None:
    """Send a trial message to every channel; exits with 1 when one does not take it."""
    from arsync_pipelines import bootstrap

    results = bootstrap.platform().alerts.trial(datetime.now(UTC))
    if not results:
        raise ConfigError("alerts: no channel is configured; set webhook, slack or email in [alerts] of arsync.toml")
    if as_json:
        print_json(results)
    else:
        table("Channels", ["channel", ""], [(name, error or "took it") for name, error in results.items()])
    if any(results.values()):
        raise ArsyncError("not every channel took the trial message")
