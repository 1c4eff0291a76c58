"""What `arsync doctor` looks at in a Stripe account."""

from __future__ import annotations

from datetime import UTC, datetime

from arsync_pipelines.connectors.http import RequestRejected
from arsync_pipelines.connectors.stripe.client import API_VERSION, StripeApi
from arsync_pipelines.connectors.stripe.objects import KINDS, Kind
from arsync_pipelines.domain.errors import ArsyncError, SourceContractBroken, SourceUnauthorised, SourceUnreachable
from arsync_pipelines.ports.source import ConnectionCheck

SKEW_WARNING = 60
"""Seconds between the clocks; webhook signatures older than 300 s are refused."""


def check_account(api: StripeApi) -> list[ConnectionCheck]:
    """Reachable, authorised, version, clock, then every object with its columns. Never raises."""
    host = api.http.host
    try:
        page = api.page(KINDS["customer"].path, limit=1)
    except SourceUnreachable as error:
        return [ConnectionCheck("reachable", "failed", str(error), "check base_url, the network and status.stripe.com")]
    except SourceUnauthorised as error:
        forbidden = "HTTP 403" in str(error)
        advice = "let the key read customers" if forbidden else "check api_key; was it rolled, or of the other mode?"
        return [ConnectionCheck("reachable", "ok", host), ConnectionCheck("authorised", "failed", str(error), advice)]
    except (RequestRejected, SourceContractBroken) as error:
        return [ConnectionCheck("reachable", "failed", str(error), "check base_url and account")]
    return [
        ConnectionCheck("reachable", "ok", host),
        ConnectionCheck("authorised", "ok", "the key is accepted"),
        _version(page.version),
        _clock(page.at),
        *(_objects(api, kind) for kind in KINDS.values()),
    ]


def _version(version: str) -> ConnectionCheck:
    if version in {"", API_VERSION}:
        return ConnectionCheck("api version", "ok", API_VERSION)
    detail = f"asked for {API_VERSION}, answered with {version}"
    return ConnectionCheck("api version", "warning", detail, "compare the shapes of the objects in Stripe's changelog")


def _clock(at: int) -> ConnectionCheck:
    skew = abs(datetime.now(UTC).timestamp() - at)
    if skew <= SKEW_WARNING:
        return ConnectionCheck("clock", "ok", f"{skew:.0f} s apart")
    return ConnectionCheck("clock", "warning", f"{skew:.0f} s apart", "synchronise this machine's clock (NTP)")


def _objects(api: StripeApi, kind: Kind) -> ConnectionCheck:
    name = f"stream {kind.spec.name}"
    try:
        page = api.page(kind.path, limit=1, expand=kind.expand)
        kind.rows(page.data)
        if kind.events:
            api.page("/v1/events", limit=1, types=kind.events)
    except SourceUnauthorised as error:
        return ConnectionCheck(name, "failed", str(error), "let the restricted key read this object and events")
    except ArsyncError as error:
        return ConnectionCheck(
            name, "failed", str(error), "see the message; nothing is read from this stream till then"
        )
    seen = f"{len(kind.spec.fields)} columns" if page.data else "readable, nothing there yet"
    return ConnectionCheck(name, "ok", seen)
