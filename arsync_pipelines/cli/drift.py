"""`drift`: what others did in the CRM to records and fields that arsync owns, who and when, and what became of it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, get_args

import typer

from arsync_pipelines.cli.console import out, print_json, table
from arsync_pipelines.cli.held import Connection, Key, ObjectName, utc
from arsync_pipelines.cli.jobs import AsJson
from arsync_pipelines.domain.drift import Action, FieldDrift, Kind
from arsync_pipelines.domain.errors import ConfigError
from arsync_pipelines.ops.drift import DriftFilter, FoundDrift


def drift(
    connection: Connection = "",
    object_name: ObjectName = "",
    key: Key = "",
    kind: Annotated[str, typer.Option(help=f"Only these: {', '.join(get_args(Kind))}.")] = "",
    action: Annotated[str, typer.Option(help=f"Only these: {', '.join(get_args(Action))}.")] = "",
    since: Annotated[datetime | None, typer.Option(help="Only what was found since this UTC instant.")] = None,
    limit: Annotated[int, typer.Option(help="Findings to show; 0 shows all.")] = 50,
    as_json: AsJson = False,
) -> None:
    """What others changed or deleted of arsync's records in the CRM, newest first."""
    from arsync_pipelines import bootstrap

    for name, value, known in (("kind", kind, get_args(Kind)), ("action", action, get_args(Action))):
        if value and value not in known:
            raise ConfigError(f"--{name} {value}: it is one of {', '.join(known)}")
    wanted = DriftFilter(connection, object_name, key, kind, action, utc(since))
    store = bootstrap.platform().ops.drift
    found, total = store.find(wanted, limit or None), store.count(wanted)
    if as_json:
        print_json({"found": total, "findings": [_as_data(one) for one in found]})
        return
    rows = [row for one in found for row in _rows(one)]
    if rows:
        columns = [
            "found (UTC)",
            "object",
            "record",
            "what",
            "field",
            "acknowledged",
            "seen",
            "now wanted",
            "by",
            "done",
        ]
        table("Drift", columns, rows)
    out.print(f"{total:,} found" + (f", {len(found):,} shown" if len(found) < total else ""))


def _rows(one: FoundDrift) -> list[tuple[Any, ...]]:
    """A row per field that somebody wrote; one for a record that is gone."""
    f = one.finding
    by = _who(f.by, f.by_id, f.is_own_user)
    what = f"{f.kind} {f.changed_at:%Y-%m-%d %H:%M}" if f.changed_at else f.kind
    done = f"{f.action}, {one.state.value}" if one.state else f.action
    done += f" to {f.merged_into}" if f.merged_into else ""
    head = (f.found_at.replace(tzinfo=None, microsecond=0), f.object, f.business_key, what)
    fields = [(name, d.acknowledged, d.observed, d.desired, _edited(d)) for name, d in (f.fields or {}).items()]
    if not any(field[-1] for field in fields):
        if any(d.edit_unknown for d in (f.fields or {}).values()):
            by += " (of the record: its field history could not be read)"
        fields = [(*field[:-1], by if number == 0 else "") for number, field in enumerate(fields)]
    blank = ("",) * len(head)
    return [
        (*(head if number == 0 else blank), *values, done if number == 0 else "")
        for number, values in enumerate(fields or [("", "", "", "", by)])
    ]


def _who(by: str, by_id: str, is_own_user: bool) -> str:
    return (by or by_id) + (" (arsync's own user)" if is_own_user else "")


def _edited(field: FieldDrift) -> str:
    """Who wrote over this field and when; "" where the CRM keeps no history of it."""
    edit = field.edit
    return f"{_who(edit.by, edit.by_id, edit.is_own_user)} {edit.changed_at:%Y-%m-%d %H:%M}" if edit else ""


def _as_data(one: FoundDrift) -> dict[str, Any]:
    return asdict(one.finding) | {"intent_state": one.state}
