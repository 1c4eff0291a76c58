"""`plan` and `status`: read the published snapshot and the ops store; change nothing."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import typer

from arsync_pipelines import bootstrap
from arsync_pipelines.cli.console import out, print_json, table
from arsync_pipelines.cli.jobs import AsJson
from arsync_pipelines.services.plan import Difference


def plan(
    limit: Annotated[int, typer.Option(help="Records to show per object; 0 shows all.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Dry run: the differences that would be sent, field by field."""
    platform = bootstrap.platform()
    plans = [(sink, platform.push.plan(sink)) for sink in platform.sinks()]
    if as_json:
        print_json(
            {
                sink.connection: {
                    "snapshot": p.snapshot_id,
                    "differences": [_as_data(d) for d in p.differences],
                    "already_sent": p.already_sent,
                    "waiting": p.waiting,
                    "held": p.held,
                    "drift_held": p.drift_held,
                }
                for sink, p in plans
            }
        )
        return
    for sink, p in plans:
        counts = Counter(d.object for d in p.differences)
        out.print(
            f"[bold]{sink.connection}[/] against snapshot {p.snapshot_id}: {len(p.differences):,} records would change"
        )
        for object_name in sink.capabilities.objects:
            shown = [d for d in p.differences if d.object == object_name]
            rows = [
                (d.business_key if first else "", _kind(d) if first else "", name, before, after)
                for d in (shown[:limit] if limit else shown)
                for first, (name, (before, after)) in zip(
                    [True] + [False] * len(d.fields), d.fields.items(), strict=False
                )
            ]
            if rows:
                title = f"{object_name}: {counts[object_name]:,} records"
                table(title, ["record", "", "field", "now", "would be"], rows)
        notes = [
            (p.already_sent, "already sent"),
            (p.waiting, "waiting to be sent"),
            (p.held, "held: refused before, a person must act"),
            (p.drift_held, "held because of what somebody did in the CRM: `arsync drift`"),
        ]
        for number, note in notes:
            if number:
                out.print(f"{number:,} {note}")


def _kind(difference: Difference) -> str:
    if difference.reason != "change":
        return difference.reason
    return "new" if difference.is_new else ""


def _as_data(difference: Difference) -> dict[str, Any]:
    return {
        "object": difference.object,
        "key": difference.business_key,
        "new": difference.is_new,
        "reason": difference.reason,
        "fields": {name: {"now": now, "would_be": then} for name, (now, then) in difference.fields.items()},
    }


def status(as_json: AsJson = False) -> None:
    """The published snapshot, what was read when, where every intended change stands, and what sources told us."""
    platform = bootstrap.platform()
    snapshot = platform.warehouse.current_snapshot()
    counts = platform.intents.counts()
    inbox = platform.ops.inbox.counts()
    failures = {s.connection: platform.intents.failures(s.connection) for s in platform.sinks()}
    if as_json:
        about = dict(snapshot.manifest) if snapshot else None
        print_json({"snapshot": about, "intents": counts, "inbox": inbox, "failures": failures})
        return
    if snapshot is None:
        out.print("Nothing is published yet. Run [bold]arsync sync[/].")
    else:
        manifest = snapshot.manifest
        out.print(f"Snapshot [bold]{snapshot.snapshot_id}[/], as of {manifest['as_of_date']}, {snapshot.path}")
        reads = [
            (connection, stream, w["read_started_at"], w["rows_read"])
            for connection, streams in manifest["watermarks"].items()
            for stream, w in streams.items()
        ]
        table("Sources", ["connection", "stream", "last complete read (UTC)", "rows*"], reads)
    if counts:
        table("Intents", ["connection", "object", "state", "intents*"], [tuple(row.values()) for row in counts])
    if inbox:
        table("Inbox", ["state", "events*"], sorted(inbox.items()))
    for connection, rows in failures.items():
        if rows:
            table(f"Needs attention: {connection}", list(rows[0]), [tuple(r.values()) for r in rows])
