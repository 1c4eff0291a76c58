"""What `arsync doctor` looks at in a NetSuite account, and what a refused query was about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from arsync_pipelines.connectors.http import RequestRejected
from arsync_pipelines.connectors.http.retry import http_date
from arsync_pipelines.connectors.netsuite.client import SuiteQL
from arsync_pipelines.connectors.netsuite.errors import column_in
from arsync_pipelines.connectors.netsuite.options import NetSuiteOptions
from arsync_pipelines.connectors.netsuite.statements import StreamQuery
from arsync_pipelines.domain.errors import (
    ArsyncError,
    SourceContractBroken,
    SourceError,
    SourceUnauthorised,
    SourceUnreachable,
)
from arsync_pipelines.ports.source import CheckStatus, ConnectionCheck

SMALLEST_POOL = 5
"""Concurrent requests of a standard or development account, shared by SOAP, REST and RESTlets."""

SKEW_WARNING = 60
SKEW_LIMIT = 300
"""Seconds between the two clocks: signatures with older timestamps are refused after about five minutes."""


def explain(suiteql: SuiteQL, query: StreamQuery, refusal: RequestRejected) -> SourceError:
    """A refused query as an error that names the stream, and the columns when they are the reason.

    The account's message is read first; when it names no column of ours, each column is asked for by itself.
    """
    if refusal.error.status not in {400, 404}:
        return refusal
    missing = _columns_named(query, column_in(refusal.error.message)) or _columns_refused(suiteql, query)
    where = f"connection {suiteql.connection!r}: netsuite stream {query.spec.name}"
    if not missing:
        return SourceContractBroken(f"{where}: the account refused the query: {refusal.error}")
    if len(missing) == len(query.columns):
        return SourceContractBroken(
            f"{where}: table of `{query.tables}` cannot be read ({refusal.error}); give the role its permission and "
            f"enable the feature it belongs to"
        )
    return SourceContractBroken(
        f"{where}: column {', '.join(missing)} is not there or not visible ({refusal.error.message}). Give the role "
        f"access to it, or correct its name in arsync.toml"
    )


def _columns_named(query: StreamQuery, column: str) -> list[str]:
    if not column:
        return []
    pattern = re.compile(rf"\.{re.escape(column)}\b", re.IGNORECASE)
    return [name for name, expression in query.columns.items() if pattern.search(expression)]


def _columns_refused(suiteql: SuiteQL, query: StreamQuery) -> list[str]:
    refused = []
    for name in query.columns:
        try:
            suiteql.fetch(query.probe(name), 1)
        except RequestRejected:
            refused.append(name)
    return refused


def check_account(
    suiteql: SuiteQL, options: NetSuiteOptions, queries: Mapping[str, StreamQuery]
) -> list[ConnectionCheck]:
    """Reachable, authorised, clocks, concurrency, then every table with its columns. Never raises."""
    host = suiteql.http.host
    first = next(iter(queries.values()))
    try:
        date = suiteql.fetch(first.probe(first.key[0]), 1).date
    except SourceUnauthorised as error:
        return [
            ConnectionCheck("reachable", "ok", host),
            ConnectionCheck("authorised", "failed", str(error), "check account, keys and the role of the access token"),
        ]
    except SourceUnreachable as error:
        return [ConnectionCheck("reachable", "failed", str(error), "check base_url, the network and NetSuite's status")]
    except RequestRejected:
        date = ""
    except ArsyncError as error:
        return [ConnectionCheck("reachable", "failed", str(error), "check base_url")]
    return [
        ConnectionCheck("reachable", "ok", host),
        ConnectionCheck("authorised", "ok", f"account {options.account}, {options.auth.method}"),
        _clock(date),
        _concurrency(options.concurrency),
        *(_table(suiteql, query) for query in queries.values()),
    ]


def _clock(date: str) -> ConnectionCheck:
    server = http_date(date)
    if server is None:
        return ConnectionCheck("clock", "warning", "the server sent no Date", "compare the clocks by hand")
    skew = abs((datetime.now(UTC) - server).total_seconds())
    detail = f"{skew:.0f} s apart"
    if skew <= SKEW_WARNING:
        return ConnectionCheck("clock", "ok", detail)
    status: CheckStatus = "failed" if skew > SKEW_LIMIT else "warning"
    return ConnectionCheck("clock", status, detail, "synchronise this machine's clock (NTP); signatures carry its time")


def _concurrency(limit: int) -> ConnectionCheck:
    if limit < SMALLEST_POOL:
        return ConnectionCheck("concurrency", "ok", f"{limit} at once, of a pool of {SMALLEST_POOL} or more")
    return ConnectionCheck(
        "concurrency",
        "warning",
        f"{limit} at once; small and development accounts allow {SMALLEST_POOL} for all integrations together",
        "compare with Setup > Integration > Integration Governance, or lower `concurrency`",
    )


def _table(suiteql: SuiteQL, query: StreamQuery) -> ConnectionCheck:
    name = f"stream {query.spec.name}"
    try:
        suiteql.fetch(query.after(""), 1)
    except RequestRejected as refusal:
        try:
            told = explain(suiteql, query, refusal)
        except ArsyncError as error:
            told = error if isinstance(error, SourceError) else refusal
        return ConnectionCheck(name, "failed", str(told), "give the role the permission, or correct arsync.toml")
    except ArsyncError as error:
        return ConnectionCheck(name, "failed", str(error), "run `arsync doctor` again when the account answers")
    return ConnectionCheck(name, "ok", f"{len(query.columns)} columns")
