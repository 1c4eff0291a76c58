"""query, queryAll and their locators."""

from __future__ import annotations

import re

from arsync_pipelines.sandbox.salesforce.errors import SalesforceError
from arsync_pipelines.sandbox.salesforce.org import Org
from arsync_pipelines.sandbox.salesforce.wire import Call, Reply

_BATCH = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)


def batch_size(call: Call) -> int | None:
    """The page size a client asked for, kept within 200 to 2000; None when it asked for none."""
    found = _BATCH.search(call.headers.get("sforce-query-options", ""))
    return min(2000, max(200, int(found[1]))) if found else None


def run(org: Org, call: Call, resource: str) -> Reply:
    """`query?q=` and `queryAll?q=`."""
    text = call.params.get("q")
    if not text:
        raise SalesforceError(400, "MALFORMED_QUERY", "A query string has to be specified")
    everything = resource.lower() == "queryall"
    with org.store.lock:
        page = org.queries.first_page(
            text, include_deleted=everything, batch=batch_size(call) or 2000, version=call.version
        )
    return Reply(200, page)


def more(org: Org, call: Call, resource: str, locator: str) -> Reply:
    """`query/<locator>-<offset>`."""
    name = "queryAll" if resource.lower() == "queryall" else "query"
    with org.store.lock:
        page = org.queries.next_page(locator, resource=name, batch=batch_size(call), version=call.version)
    return Reply(200, page)
