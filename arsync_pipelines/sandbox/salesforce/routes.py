"""Which function answers which path under /services/data/vNN.0."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

from arsync_pipelines.sandbox.salesforce.bulk import resources as bulk
from arsync_pipelines.sandbox.salesforce.errors import SalesforceError, not_found
from arsync_pipelines.sandbox.salesforce.metadata import tooling
from arsync_pipelines.sandbox.salesforce.org import Org
from arsync_pipelines.sandbox.salesforce.rest import collections, composite, describe, queries, replication, rows
from arsync_pipelines.sandbox.salesforce.wire import Call, Reply

Handler = Callable[..., Reply]

# (methods, pattern, handler): the groups of the pattern follow org and call as arguments
_TABLE: list[tuple[str, str, Handler]] = [
    ("GET", r"", lambda _, call: describe.resources(call)),
    ("GET", r"limits", lambda org, _: describe.limits(org)),
    ("GET", r"(query|queryAll)", queries.run),
    ("GET", r"(query|queryAll)/([^/]+)", queries.more),
    ("GET", r"sobjects", describe.everything),
    ("GET", r"sobjects/([^/]+)/describe", describe.whole),
    ("GET", r"sobjects/([^/]+)/deleted", replication.deleted),
    ("GET", r"sobjects/([^/]+)/updated", replication.updated),
    ("GET", r"sobjects/([^/]+)", describe.basic),
    ("POST", r"sobjects/([^/]+)", rows.create),
    ("GET PATCH DELETE", r"sobjects/([^/]+)/([^/]+)", rows.by_id),
    ("GET PATCH DELETE", r"sobjects/([^/]+)/([^/]+)/(.+)", rows.by_external_id),
    ("POST", r"composite", lambda org, call: composite.run(org, call, dispatch)),
    ("POST PATCH DELETE", r"composite/sobjects", collections.save),
    ("GET POST", r"composite/sobjects/([^/]+)", collections.retrieve),
    ("PATCH", r"composite/sobjects/([^/]+)/([^/]+)", collections.upsert),
    ("POST", r"jobs/(ingest|query)", bulk.create),
    ("GET", r"jobs/(ingest|query)", bulk.listing),
    ("GET PATCH DELETE", r"jobs/(ingest|query)/([^/]+)", bulk.one),
    ("PUT", r"jobs/ingest/([^/]+)/batches", bulk.upload),
    ("GET", r"jobs/ingest/([^/]+)/(successfulResults|failedResults|unprocessedrecords)", bulk.ingest_results),
    ("GET", r"jobs/query/([^/]+)/results", bulk.query_results),
    ("POST", r"tooling/sobjects/CustomField", tooling.create),
]
_ROUTES = [(frozenset(methods.split()), re.compile(path, re.IGNORECASE), handler) for methods, path, handler in _TABLE]


def dispatch(org: Org, call: Call) -> Reply:
    """Answer a call. Raises SalesforceError; 404 for an unknown path, 405 for a known path and unknown method."""
    known = False
    for methods, pattern, handler in _ROUTES:
        found = pattern.fullmatch(call.path)
        if not found:
            continue
        if call.method in methods or (call.method == "HEAD" and "GET" in methods):
            return handler(org, call, *(unquote(group) for group in found.groups()))
        known = True
    if known:
        raise SalesforceError(
            405, "METHOD_NOT_ALLOWED", f"HTTP Method '{call.method}' not allowed. Allowed are {_allowed(call.path)}"
        )
    raise not_found()


def _allowed(path: str) -> str:
    return ",".join(sorted({one for methods, pattern, _ in _ROUTES if pattern.fullmatch(path) for one in methods}))
