"""`dead-letters` and `replay`: what the target refused or never took, and letting it wait to be sent again."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from getpass import getuser
from typing import Annotated

import typer

from arsync_pipelines.cli.console import out, print_json, table
from arsync_pipelines.cli.jobs import AsJson
from arsync_pipelines.domain.errors import ConfigError
from arsync_pipelines.domain.push import IntentState
from arsync_pipelines.ops.held import Held, HeldFilter

Ids = Annotated[list[str] | None, typer.Argument(help="Ids of intents; without any, all that the options name.")]
Connection = Annotated[str, typer.Option(help="Only of this connection.")]
ObjectName = Annotated[str, typer.Option("--object", help="Only of this object: account, account_balance, invoice.")]
State = Annotated[str, typer.Option(help="Only `rejected` or only `dead`.")]
Code = Annotated[str, typer.Option(help="Only with this code of the target.")]
Key = Annotated[str, typer.Option(help="Only of the record with this key.")]
Since = Annotated[datetime | None, typer.Option(help="Only what is held since this UTC instant or later.")]
Until = Annotated[datetime | None, typer.Option(help="Only what is held since before this UTC instant.")]


def dead_letters(
    connection: Connection = "",
    object_name: ObjectName = "",
    state: State = "",
    code: Code = "",
    key: Key = "",
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(help="Intents to show; 0 shows all.")] = 50,
    as_json: AsJson = False,
) -> None:
    """What was rejected or never taken, longest held first, with what the target said."""
    from arsync_pipelines import bootstrap

    wanted = _filter((), connection, object_name, state, code, key, since, until)
    held = bootstrap.platform().ops.held
    found, total = held.find(wanted, limit or None), held.count(wanted)
    if as_json:
        print_json({"held": total, "intents": [asdict(one) for one in found]})
        return
    _show("Held", found)
    out.print(f"{total:,} held" + (f", {len(found):,} shown" if len(found) < total else ""))


def replay(
    intents: Ids = None,
    connection: Connection = "",
    object_name: ObjectName = "",
    state: State = "",
    code: Code = "",
    key: Key = "",
    since: Since = None,
    until: Until = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything that is held.")] = False,
    send: Annotated[bool, typer.Option("--send", help="Do it; without this, only show what would be done.")] = False,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit. Needed with --send.")] = "",
    as_json: AsJson = False,
) -> None:
    """Let held intents wait again, to be sent by the next push unless a newer version has taken their place."""
    from arsync_pipelines import bootstrap

    wanted = _filter(tuple(intents or ()), connection, object_name, state, code, key, since, until)
    if wanted == HeldFilter() and not everything:
        raise ConfigError("replay: say what - ids, options that name them, or --all")
    if send and not reason.strip():
        raise ConfigError("replay: --send needs --reason, which the audit keeps")
    service = bootstrap.platform().replay
    if not send:
        found = service.look(wanted)
        if as_json:
            print_json({"sent": False, "found": [one.intent_id for one in found], "waiting": []})
            return
        _show("Would be replayed", found)
        out.print(f"{len(found):,} would wait again. Nothing was changed; --send --reason WHY does it.")
        return
    done = service.replay(wanted, getuser(), reason, datetime.now(UTC))
    if as_json:
        print_json({"sent": True, "found": [one.intent_id for one in done.found], "waiting": list(done.moved)})
        return
    out.print(f"{len(done.moved):,} of {len(done.found):,} wait again; `arsync push` sends what is still wanted.")


def _show(title: str, found: list[Held]) -> None:
    rows = [
        (h.intent_id, h.connection, h.object, h.business_key, h.state.value, h.code, h.message, h.held_at)
        for h in found
    ]
    if rows:
        table(title, ["intent", "connection", "object", "record", "state", "code", "message", "since (UTC)"], rows)


def _filter(
    ids: tuple[str, ...], connection: str, object_name: str, state: str, code: str, key: str,
    since: datetime | None, until: datetime | None,
) -> HeldFilter:  # fmt: skip
    if state not in ("", IntentState.REJECTED, IntentState.DEAD):
        raise ConfigError(f"--state {state}: only rejected and dead intents are held")
    return HeldFilter(
        ids, connection, object_name, IntentState(state) if state else None, code, key, utc(since), utc(until)
    )


def utc(at: datetime | None) -> datetime | None:
    """An instant without a zone, as people type it, is UTC."""
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at
