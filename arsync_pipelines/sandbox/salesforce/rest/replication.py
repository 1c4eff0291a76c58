"""getDeleted and getUpdated: /sobjects/{Object}/deleted and /updated, by minute windows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from arsync_pipelines.sandbox.salesforce.errors import SalesforceError
from arsync_pipelines.sandbox.salesforce.org import Org
from arsync_pipelines.sandbox.salesforce.store import stamp
from arsync_pipelines.sandbox.salesforce.values import parse_datetime
from arsync_pipelines.sandbox.salesforce.wire import Call, Reply

ID_LIMIT = 600_000


def _window(org: Org, call: Call, days: int) -> tuple[datetime, datetime]:
    """Start and end to the minute. Raises for windows that are reversed, too short or too far back."""
    found: list[datetime] = []
    for name in ("start", "end"):
        text = parse_datetime(call.params.get(name, "").replace(" ", "+"))
        if text is None:
            raise SalesforceError(400, "INVALID_FIELD", f"{name}: an ISO 8601 date and time is needed")
        found.append(datetime.strptime(text[:16], "%Y-%m-%dT%H:%M").replace(tzinfo=UTC))
    start, end = found
    if end - start < timedelta(minutes=1):
        raise SalesforceError(
            400, "INVALID_REPLICATION_DATE", "endDate: end date must be at least one minute greater than the startDate"
        )
    if start < org.store.clock.now() - timedelta(days=days):
        raise SalesforceError(
            400, "INVALID_REPLICATION_DATE", f"startDate: start date cannot be more than {days} days ago"
        )
    return start, end


def deleted(org: Org, call: Call, name: str) -> Reply:
    """Ids and times of records deleted in the window."""
    owner = org.object(name)
    start, end = _window(org, call, 15)
    now = org.store.clock.now()
    with org.store.lock:
        rows = org.store.connection.execute(
            "select id, deleted_at from deletion where object = ? and deleted_at >= ? and deleted_at < ?"
            " order by deleted_at, id limit ?",
            (owner.name, stamp(start), stamp(end), ID_LIMIT + 1),
        ).fetchall()
    if len(rows) > ID_LIMIT:
        raise SalesforceError(400, "EXCEEDED_ID_LIMIT", "too many ids: use a smaller window")
    return Reply(
        200,
        {
            "deletedRecords": [{"id": one, "deletedDate": at} for one, at in rows],
            "earliestDateAvailable": stamp((now - timedelta(days=15)).replace(second=0)),
            "latestDateCovered": stamp(min(end, now.replace(second=0))),
        },
    )


def updated(org: Org, call: Call, name: str) -> Reply:
    """Ids of records made or changed in the window."""
    owner = org.object(name)
    start, end = _window(org, call, 30)
    with org.store.lock:
        rows = org.store.connection.execute(
            f'select "Id" from "{owner.table}" where "IsDeleted" = 0 and "SystemModstamp" >= ? and "SystemModstamp" < ?'
            ' order by "SystemModstamp", "Id"',
            (stamp(start), stamp(end)),
        ).fetchall()
    covered = stamp(min(end, org.store.clock.now().replace(second=0)))
    return Reply(200, {"ids": [row[0] for row in rows], "latestDateCovered": covered})
