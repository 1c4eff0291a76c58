"""`arsync cases`: what needs a person, as groups or one by one, and what a person does about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from getpass import getuser
from typing import Annotated, Any

import typer

from arsync_pipelines.bootstrap import Platform
from arsync_pipelines.cli.console import out, print_json, table
from arsync_pipelines.cli.jobs import AsJson
from arsync_pipelines.domain.cases import UNRESOLVED, CaseState
from arsync_pipelines.domain.errors import ConfigError
from arsync_pipelines.ops.cases.find import CaseFilter, CaseGroup
from arsync_pipelines.ops.cases.rows import Case

app = typer.Typer(help="Exception cases: what needs a person, and what was done about it.", no_args_is_help=True)

Ids = Annotated[list[str] | None, typer.Argument(help="Ids of cases, or how they begin, uniquely.")]
OneId = Annotated[str, typer.Argument(help="Id of a case, or how it begins, uniquely.")]
Group = Annotated[str, typer.Option("--group", help="All unresolved cases with this fingerprint.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the audit.")]

_MINIMUM = 4
"""Characters by which an id may be told."""


@app.command("list")
def list_(
    state: Annotated[
        list[CaseState] | None, typer.Option(help="Only in this state; repeat for several. Default: unresolved.")
    ] = None,
    group: Group = "",
    owner: Annotated[str, typer.Option(help="Only of this team.")] = "",
    assignee: Annotated[str, typer.Option(help="Only assigned to this person.")] = "",
    code: Annotated[str, typer.Option(help="Only with this code.")] = "",
    origin: Annotated[str, typer.Option(help="Only seen by: push, reconciliation, ingest, landing.")] = "",
    connection: Annotated[str, typer.Option(help="Only of this connection.")] = "",
    object_name: Annotated[str, typer.Option("--object", help="Only of this object, check, stream or table.")] = "",
    customer: Annotated[str, typer.Option(help="Only of this customer: id, or a part of the name.")] = "",
    legal_entity: Annotated[str, typer.Option(help="Only of this legal entity.")] = "",
    region: Annotated[str, typer.Option(help="Only of this region: country code of customer or legal entity.")] = "",
    key: Annotated[str, typer.Option(help="Only of the record with this key.")] = "",
    overdue: Annotated[bool, typer.Option("--overdue", help="Only with a breached SLA.")] = False,
    groups: Annotated[bool, typer.Option("--groups", help="A line per fingerprint instead of one per case.")] = False,
    limit: Annotated[int, typer.Option(help="Cases to show; 0 shows all.")] = 50,
    as_json: AsJson = False,
) -> None:
    """What needs a person, the most urgent first."""
    now = datetime.now(UTC)
    wanted = CaseFilter(
        fingerprint=group, states=tuple(state or UNRESOLVED), origin=origin, code=code, connection=connection,
        object=object_name, owner=owner, assignee=assignee, customer=customer, legal_entity_id=legal_entity,
        region=region, business_key=key, overdue_at=now if overdue else None,
    )  # fmt: skip
    store = _platform().ops.cases
    if groups:
        found = store.groups(wanted, now)
        if as_json:
            print_json({"groups": [asdict(one) for one in found]})
            return
        _show_groups(found)
        return
    cases, total = store.find(wanted, limit or None), store.count(wanted)
    if as_json:
        print_json({"cases": [_document(case, now) for case in cases], "found": total})
        return
    _show_cases(cases, now)
    out.print(f"{total:,} cases" + (f", {len(cases):,} shown" if len(cases) < total else ""))


@app.command()
def show(case: OneId, as_json: AsJson = False) -> None:
    """One case: what is wrong, what to do, and all that happened to it."""
    store = _platform().ops.cases
    (case_id,) = _ids([case])
    (found,) = store.find(CaseFilter((case_id,), states=()))
    notes = store.notes(case_id)
    now = datetime.now(UTC)
    if as_json:
        print_json(_document(found, now) | {"notes": [_without(asdict(note), "correlation_id") for note in notes]})
        return
    table("Case", ["", ""], [(name.replace("_", " "), value) for name, value in _document(found, now).items() if value])
    table("What happened", ["at (UTC)", "who", "what", "state", ""],
          [(n.at, n.actor, n.event.replace("_", " "), n.state, n.text) for n in notes])  # fmt: skip


@app.command()
def assign(
    to: Annotated[str, typer.Option("--to", help="Who; empty takes the cases back.")],
    cases: Ids = None,
    group: Group = "",
    as_json: AsJson = False,
) -> None:
    """Give cases to a person."""
    _done("assigned", lambda p, ids: p.ops.cases.assign(ids, to, getuser(), datetime.now(UTC)), cases, group, as_json)


@app.command()
def comment(
    case: OneId, text: Annotated[str, typer.Argument(help="What is to be said.")], as_json: AsJson = False
) -> None:
    """Say something about a case."""
    if not text.strip():
        raise ConfigError("cases comment: say something")
    _done(
        "commented", lambda p, ids: p.ops.cases.comment(ids, text, getuser(), datetime.now(UTC)), [case], "", as_json
    )  # fmt: skip


@app.command()
def waive(
    reason: Reason,
    cases: Ids = None,
    group: Group = "",
    until: Annotated[datetime | None, typer.Option(help="Until this UTC instant; without it, for good.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="For so many days.")] = None,
    end: Annotated[bool, typer.Option("--end", help="Take the waiver back instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let open cases be as they are, with a reason."""
    now = datetime.now(UTC)
    if not reason.strip():
        raise ConfigError("cases waive: --reason is what the audit keeps; it may not be empty")
    if until is not None and days is not None:
        raise ConfigError("cases waive: --until or --days, not both")
    if end and (until is not None or days is not None):
        raise ConfigError("cases waive: --end takes neither --until nor --days")
    ends = now + timedelta(days=days) if days else until
    if ends is not None and ends.tzinfo is None:
        ends = ends.replace(tzinfo=UTC)
    if ends is not None and ends <= now:
        raise ConfigError(f"cases waive: {ends:%Y-%m-%d %H:%M} UTC has passed")
    if end:
        _done(
            "open again", lambda p, ids: p.ops.cases.end_waiver(ids, reason, getuser(), now), cases, group, as_json
        )  # fmt: skip
        return
    _done("waived", lambda p, ids: p.ops.cases.waive(ids, reason, ends, getuser(), now), cases, group, as_json)


@app.command()
def replay(
    cases: Ids = None,
    group: Group = "",
    send: Annotated[bool, typer.Option("--send", help="Do it; without this, only show what would be done.")] = False,
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Once the cause is put right: let the changes of cases be sent again by the next push."""
    if send and not reason.strip():
        raise ConfigError("cases replay: --send needs --reason, which the audit keeps")
    platform = _platform()
    wanted = _chosen(cases, group)
    if send:
        done = platform.cases.replay(wanted, getuser(), reason, datetime.now(UTC))
        again, left = list(done.replayed), list(done.left)
    else:
        again, left = platform.cases.replayable(wanted)
    if as_json:
        print_json({"sent": send, "replayed": again, "left": left})
        return
    if send:
        out.print(f"{len(again):,} wait again; `arsync push` sends what is still wanted.")
    else:
        out.print(f"{len(again):,} would wait again. Nothing was changed; --send --reason WHY does it.")
    if left:
        out.print(f"{len(left):,} have nothing to send: not open, or put right at their source alone.")


@app.command()
def refresh(as_json: AsJson = False) -> None:
    """Look at everything again, as pushes and proofs do at their end: open, reopen and close what the data says."""
    changes = _platform().cases.refresh(datetime.now(UTC))
    if as_json:
        print_json({"events": changes.events, "standing": changes.standing})
        return
    moved = ", ".join(f"{number:,} {event.replace('_', ' ')}" for event, number in changes.events.items())
    out.print(f"{moved or 'nothing moved'}; {changes.standing:,} cases stand open")


def _platform() -> Platform:
    from arsync_pipelines import bootstrap

    return bootstrap.platform()


def _done(
    what: str,
    act: Callable[[Platform, list[str]], list[str]],
    cases: list[str] | None,
    group: str,
    as_json: bool,
) -> None:
    platform = _platform()
    chosen = [case.case_id for case in platform.ops.cases.find(_chosen(cases, group))]
    done = act(platform, chosen)
    left = sorted(set(chosen) - set(done))
    if as_json:
        print_json({"done": done, "left": left})
        return
    out.print(
        f"{len(done):,} {what}" + (f", {len(left):,} left as they are: their state does not allow it" * bool(left))
    )


def _chosen(cases: list[str] | None, group: str) -> CaseFilter:
    """The cases that were named. Raises ConfigError when none were, or one is not there."""
    if bool(cases) == bool(group):
        raise ConfigError("cases: say which - ids, or --group FINGERPRINT (`arsync cases list --groups`)")
    if cases:
        return CaseFilter(tuple(_ids(cases)), states=())
    wanted = CaseFilter(fingerprint=group)
    if not _platform().ops.cases.count(wanted):
        raise ConfigError(f"no unresolved case has the fingerprint {group!r}; see `arsync cases list --groups`")
    return wanted


def _ids(told: list[str]) -> list[str]:
    store = _platform().ops.cases
    found = []
    for prefix in told:
        matches = store.starting_with(prefix) if len(prefix) >= _MINIMUM else []
        if not matches:
            raise ConfigError(f"no case {prefix!r}; `arsync cases list` shows their ids")
        if len(matches) > 1:
            raise ConfigError(f"several cases begin with {prefix!r}; give more of the id")
        found += matches
    return found


def _document(case: Case, now: datetime) -> dict[str, Any]:
    return {**_without(asdict(case), "evidence"), "overdue": case.is_overdue(now)}


def _without(values: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}


def _show_cases(cases: list[Case], now: datetime) -> None:
    rows = [
        (
            case.case_id[:8], case.state.value, case.code, case.customer_name or case.business_key,
            case.invoice, _money(case.amount, case.currency), case.owner, case.assignee or "-", case.occurrences,
            _due(case, now), case.message[:60],
        )
        for case in cases
    ]  # fmt: skip
    if rows:
        columns = ["case", "state", "code", "customer or record", "invoice", "at risk*", "owner", "assignee", "seen*"]
        table("Cases", [*columns, "due", "message"], rows)


def _show_groups(groups: list[CaseGroup]) -> None:
    rows = [
        (
            g.fingerprint, g.code, g.connection, g.object, g.legal_entity_id, g.cases, g.overdue,
            ", ".join(_money(amount, currency) for currency, amount in sorted(g.amounts.items())), g.owner,
            g.example[:60],
        )
        for g in groups
    ]  # fmt: skip
    if rows:
        columns = ["group", "code", "connection", "object", "legal entity", "cases*", "overdue*", "at risk*", "owner"]
        table("Groups of cases", [*columns, "for example"], rows)
    out.print(f"{len(groups):,} groups, {sum(g.cases for g in groups):,} cases")


def _money(amount: Any, currency: str) -> str:
    return "-" if amount is None else f"{amount:,.2f} {currency}".strip()


def _due(case: Case, now: datetime) -> str:
    if case.state is CaseState.WAIVED:
        return f"waived until {case.waived_until:%Y-%m-%d}" if case.waived_until else "waived"
    if case.state is CaseState.RESOLVED:
        return "-"
    hours = int((case.sla_due_at - now).total_seconds() // 3600)
    return f"in {hours} h" if hours >= 0 else f"{-hours} h ago"
