"""What `arsync doctor` looks at in an org: reachable, authorised, objects and fields, limits left, clock skew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import httpx

from arsync_pipelines.connectors.http import AccessRefused
from arsync_pipelines.connectors.http.retry import http_date
from arsync_pipelines.connectors.salesforce.api import SalesforceApi, writable
from arsync_pipelines.connectors.salesforce.fields import KINDS, PROTECTED, READ_ONLY
from arsync_pipelines.connectors.salesforce.spec import SOBJECTS
from arsync_pipelines.domain.alerts import Quota
from arsync_pipelines.domain.errors import SourceError, SourceUnreachable
from arsync_pipelines.ports.source import ConnectionCheck

_FEW_LEFT = 0.1
_MAX_SKEW_S = 120.0
_GRANT = "give the connection's user a permission set with read and edit access to them"


def check(api: SalesforceApi) -> Sequence[ConnectionCheck]:
    """All lines; a connection that cannot be used at all yields its reason only. Never raises."""
    try:
        response = api.http.request("GET", api.path("/limits"), retry=False)
        limits = api.http.decode(response)
    except AccessRefused as error:
        advice = "check auth of the connection and the connected app"
        refused = ConnectionCheck("authorised", "failed", str(error), advice)
        return (ConnectionCheck("reachable", "ok", f"{api.http.host} answers"), refused) if error.error else (refused,)
    except SourceUnreachable as error:
        return (ConnectionCheck("reachable", "failed", str(error), "check base_url, login_url and the network"),)
    except SourceError as error:
        return (ConnectionCheck("reachable", "failed", str(error), "check base_url and api_version of the connection"),)
    lines = [
        ConnectionCheck("reachable", "ok", f"{api.http.host} answers"),
        ConnectionCheck("authorised", "ok", f"token by {api.options.auth.method}"),
        _limits_line(limits),
        _skew_line(response),
    ]
    try:
        lines += [*_standard_lines(api), *_target_lines(api)]
    except SourceError as error:
        lines.append(ConnectionCheck("objects", "failed", str(error), "run `arsync doctor` again"))
    return tuple(lines)


def quotas(api: SalesforceApi) -> Sequence[Quota]:
    """The org's daily API requests; nothing where it does not say. Raises SourceError when it does not answer."""
    daily = _daily(api.http.decode(api.http.request("GET", api.path("/limits"), retry=False)))
    return () if daily is None else (daily,)


def _daily(limits: object) -> Quota | None:
    daily = limits.get("DailyApiRequests") if isinstance(limits, dict) else None
    if not isinstance(daily, dict) or not daily.get("Max"):
        return None
    most = int(daily["Max"])
    return Quota("DailyApiRequests", most - int(daily.get("Remaining", 0)), most)


def _limits_line(limits: object) -> ConnectionCheck:
    daily = _daily(limits)
    if daily is None:
        return ConnectionCheck("limits", "warning", "the org does not say how many API requests are left")
    left, most = daily.allowed - daily.used, daily.allowed
    detail = f"{left:,} of {most:,} daily API requests left"
    if left < most * _FEW_LEFT:
        return ConnectionCheck("limits", "warning", detail, "run less often, or find who else uses them up")
    return ConnectionCheck("limits", "ok", detail)


def _skew_line(response: httpx.Response) -> ConnectionCheck:
    server = http_date(response.headers.get("date", ""))
    if server is None:
        return ConnectionCheck("clock", "warning", "the org's answers carry no Date")
    skew = abs((datetime.now(UTC) - server).total_seconds())
    detail = f"{skew:.0f} s apart from the org"
    if skew > _MAX_SKEW_S:
        return ConnectionCheck(
            "clock", "failed", detail, "set this machine's clock (NTP); signed tokens would be refused"
        )
    return ConnectionCheck("clock", "ok", detail)


def _standard_lines(api: SalesforceApi) -> Iterator[ConnectionCheck]:
    hidden = [name for name in SOBJECTS.values() if api.describe(name) is None]
    if hidden:
        yield ConnectionCheck("objects", "failed", f"not visible: {', '.join(hidden)}", _GRANT)
    else:
        yield ConnectionCheck("objects", "ok", f"{', '.join(SOBJECTS.values())} are readable")


def _target_lines(api: SalesforceApi) -> Iterator[ConnectionCheck]:
    for object_name, kinds in KINDS.items():
        sobject, names = api.options.mapping.object_name(object_name), api.options.mapping.names(object_name)
        described = api.describe(sobject)
        label = f"AR fields of {sobject}"
        if described is None:
            yield ConnectionCheck(label, "failed", "the object is missing", "run `arsync init`")
            continue
        missing, locked = writable(described, [names[name] for name in kinds])
        missing += writable(described, [names[name] for name in READ_ONLY.get(object_name, ())])[0]
        # an external id or parent that may not be changed afterwards is as good as one that may
        locked = [n for n in locked if n not in {names.get(p) for p in PROTECTED}]
        if missing:
            yield ConnectionCheck(
                label, "failed", f"missing or hidden: {', '.join(missing)}", f"run `arsync init`, or {_GRANT}"
            )
        elif locked:
            yield ConnectionCheck(label, "failed", f"not writable: {', '.join(locked)}", _GRANT)
        else:
            yield ConnectionCheck(label, "ok", f"{len(kinds)} fields present and writable")
