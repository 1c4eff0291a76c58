"""`init` and `doctor`: a first configuration, what the targets lack, and how every connection stands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from arsync_pipelines import bootstrap, settings
from arsync_pipelines.cli.console import out, print_json, table
from arsync_pipelines.cli.jobs import AsJson
from arsync_pipelines.cli.template import ARSYNC_TOML


def init(
    path: Annotated[Path, typer.Option("--config", help="Where arsync.toml is, or should be.")] = Path("arsync.toml"),
) -> None:
    """Write a first arsync.toml; when there is one, create what the CRM lacks (objects and fields of ours)."""
    if not path.exists():
        path.write_text(ARSYNC_TOML, encoding="utf-8")
        out.print(
            f"Wrote {path}. Fill in your connections, run [bold]arsync doctor[/], then [bold]arsync init[/] again."
        )
        return
    platform = bootstrap.platform(path)
    for connection in platform.connections.values():
        prepare = connection.connector.prepare
        if prepare is None:
            continue
        done = prepare(connection.name, connection.options, settings.reveal)
        for line in done or ["everything arsync writes to is there"]:
            out.print(f"[bold]{connection.name}[/]: {escape(line)}")


def doctor(as_json: AsJson = False) -> None:
    """Look at every connection: reachable, authorised, objects and fields, limits, clock; and say what to do."""
    platform = bootstrap.platform()
    found = {name: platform.source(name).check() for name in platform.connections}
    failed = any(check.status == "failed" for checks in found.values() for check in checks)
    if as_json:
        print_json(
            {
                name: [{"name": c.name, "status": c.status, "detail": c.detail, "advice": c.advice} for c in checks]
                for name, checks in found.items()
            }
        )
    else:
        if not found:
            out.print("No connection is configured. Run [bold]arsync init[/] and edit arsync.toml.")
        marks = {"ok": "ok", "warning": "WARNING", "failed": "FAILED"}
        for name, checks in found.items():
            rows = [(c.name, marks[c.status], c.detail, c.advice) for c in checks]
            table(f"{name} ({platform.connections[name].connector.title})", ["check", "", "found", "what to do"], rows)
    if failed:
        raise typer.Exit(3)
