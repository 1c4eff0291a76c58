"""`arsync trace`: the life of a business fact, from the source's record to the target's acceptance, with times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from arsync_pipelines.cli.console import out, print_json, table
from arsync_pipelines.cli.jobs import AsJson


def trace(
    key: Annotated[
        str,
        typer.Argument(
            help="Correlation id, intent, event, invoice number, or the key of a record in the CRM or in its source."
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """The life of a business fact: source record, snapshot, intent, attempts, audit, acceptance, with times."""
    from arsync_pipelines import bootstrap

    found = bootstrap.platform().traces.trace(key)
    if as_json:
        print_json(asdict(found))
        return
    for record in found.records:
        about = ", ".join(f"{name} {value}" for name, value in record.about.items() if name not in _KNOWN and value)
        out.print(f"[bold]{record.connection}.{record.stream}[/] {record.record_key}  {about}")
    for intent in found.intents:
        what = f"{intent['object']} {intent['business_key']} version {intent['version']}"
        out.print(
            f"[bold]{intent['connection']}[/] {what}: {intent['state']}, correlation id {intent['correlation_id']}"
        )
    out.print()
    rows = [(f"{step.at:%Y-%m-%d %H:%M:%S.%f}"[:-3], step.kind, step.text, _told(step.detail)) for step in found.steps]
    table(f"Life of {found.key}", ["when (UTC)", "what", "", ""], rows)
    for note in found.notes:
        out.print(note)


_KNOWN = ("connection", "source_id")


def _told(detail: Mapping[str, Any]) -> str:
    parts = []
    for name, value in detail.items():
        if value in (None, "", [], ()):
            continue
        shown = (
            ", ".join(map(str, value[:6])) + (" ..." if len(value) > 6 else "") if isinstance(value, list) else value
        )
        parts.append(f"{name.replace('_', ' ')} {shown}")
    return "; ".join(parts)
