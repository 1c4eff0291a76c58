"""What `arsync doctor` looks at in a Tryton database, and what a refused read was about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from arsync_pipelines.connectors.http import RequestRejected
from arsync_pipelines.connectors.http.retry import http_date
from arsync_pipelines.connectors.tryton.client import TrytonRpc
from arsync_pipelines.connectors.tryton.errors import UNEXPECTED
from arsync_pipelines.connectors.tryton.options import TrytonOptions
from arsync_pipelines.connectors.tryton.spec import Query
from arsync_pipelines.domain.errors import (
    ArsyncError,
    SourceContractBroken,
    SourceError,
    SourceUnauthorised,
    SourceUnreachable,
)
from arsync_pipelines.ports.source import ConnectionCheck

VERIFIED_SERIES = "8.2"
SKEW_WARNING = 60
"""Seconds between the two clocks; cursors use the server's stamps only, so a difference loses nothing."""


def explain(rpc: TrytonRpc, query: Query, refusal: RequestRejected) -> SourceError:
    """A refused read as an error that names the stream, and the model or fields when they are the reason."""
    where = f"connection {rpc.connection!r}: tryton stream {query.spec.name}"
    if refusal.error.code != UNEXPECTED:
        return SourceContractBroken(
            f"{where}: Tryton refused to show {query.model} ({refusal.error.message}); give the user a group that may "
            f"read it"
        )
    missing = missing_fields(rpc, query)
    if missing is None:
        return SourceContractBroken(
            f"{where}: there is no model {query.model}; activate its module"
            + (f" ({query.module}), or set `dunning = false`" if query.module else "")
        )
    if missing:
        return SourceContractBroken(
            f"{where}: {query.model} has no field {', '.join(missing)}; is this a series other than {VERIFIED_SERIES}?"
        )
    return refusal


def missing_fields(rpc: TrytonRpc, query: Query) -> list[str] | None:
    """Fields of ours that the model lacks; None when there is no such model. Raises SourceError."""
    wanted = sorted({field.partition(".")[0] for field in query.fields.values()})
    try:
        told, _ = rpc.call(f"model.{query.model}.fields_get", [])
    except RequestRejected as refusal:
        if refusal.error.code != UNEXPECTED:
            raise
        return None
    return [name for name in wanted if name not in told]


def check_database(rpc: TrytonRpc, options: TrytonOptions, queries: Mapping[str, Query]) -> list[ConnectionCheck]:
    """Reachable, authorised, company, series, clocks, then every model with its fields. Never raises."""
    host = rpc.http.host
    try:
        context = rpc.context
        series, answer = rpc.version()
    except SourceUnauthorised as error:
        return [
            ConnectionCheck("reachable", "ok", host),
            ConnectionCheck("authorised", "failed", str(error), "check database, user and password"),
        ]
    except SourceUnreachable as error:
        return [ConnectionCheck("reachable", "failed", str(error), "check base_url, the network and the server")]
    except ArsyncError as error:
        return [
            ConnectionCheck("reachable", "ok", host),
            ConnectionCheck("company", "failed", str(error), "check the user's companies and base_url"),
        ]
    return [
        ConnectionCheck("reachable", "ok", host),
        ConnectionCheck("authorised", "ok", f"database {options.database}, user {options.user}"),
        ConnectionCheck("company", "ok", f"id {context['company']}"),
        _series(series),
        _clock(answer.headers.get("date", "")),
        *(_model(rpc, query) for query in queries.values()),
    ]


def _series(series: str) -> ConnectionCheck:
    if series == VERIFIED_SERIES:
        return ConnectionCheck("series", "ok", series)
    return ConnectionCheck(
        "series", "warning", f"{series}; verified with {VERIFIED_SERIES}", "look at the streams' lines below"
    )


def _clock(date: str) -> ConnectionCheck:
    server = http_date(date)
    if server is None:
        return ConnectionCheck("clock", "warning", "the server sent no Date", "compare the clocks by hand")
    skew = abs((datetime.now(UTC) - server).total_seconds())
    detail = f"{skew:.0f} s apart"
    if skew <= SKEW_WARNING:
        return ConnectionCheck("clock", "ok", detail)
    return ConnectionCheck("clock", "warning", detail, "synchronise this machine's clock (NTP)")


def _model(rpc: TrytonRpc, query: Query) -> ConnectionCheck:
    name = f"stream {query.spec.name}"
    try:
        requested = sorted(set(query.fields.values()))
        rpc.call(f"model.{query.model}.search_read", list(query.domain), 0, 1, [["id", "ASC"]], requested)
        missing = missing_fields(rpc, query)
    except RequestRejected as refusal:
        try:
            told: ArsyncError = explain(rpc, query, refusal)
        except ArsyncError as error:
            told = error
        return ConnectionCheck(name, "failed", str(told), "give the user the group, or activate the module")
    except ArsyncError as error:
        return ConnectionCheck(name, "failed", str(error), "run `arsync doctor` again when the server answers")
    if missing:
        return ConnectionCheck(name, "failed", f"{query.model} lacks {', '.join(missing)}", "use a supported series")
    return ConnectionCheck(name, "ok", f"{query.model}, {len(query.fields)} fields")
