"""Writes rows through sObject Collections: up to 200 a call, several calls at once, one outcome per row in all cases.

Rows of one account share a lane, and a lane sends one call after the other: children lock their account, and two calls
at once on one account would collide.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from arsync_pipelines.connectors.bisect import bisected
from arsync_pipelines.connectors.http import AccessRefused, RequestRejected, RetriesSpent, VendorError
from arsync_pipelines.connectors.salesforce.api import SalesforceApi
from arsync_pipelines.connectors.salesforce.errors import (
    STRUCTURAL_CODES,
    collection_outcome,
    retry_outcome,
    row_outcome,
    unknown_outcome,
)
from arsync_pipelines.connectors.salesforce.payload import ObjectShape, Row, by_parent, collection_body
from arsync_pipelines.domain.errors import SourceContractBroken, SourceError
from arsync_pipelines.ports.sink import Outcome

CALL_ROWS = 200
"""Most rows of a collections call."""


def lanes(rows: Sequence[Row], most: int) -> list[list[Row]]:
    """Rows spread over at most `most` lanes of about the same length, each account in one lane only.

    A lane takes whole calls, as far as accounts fill them: every half-empty call costs one of the day's requests.
    """
    calls = -(-len(rows) // CALL_ROWS)
    count = max(1, min(most, calls))
    room = [CALL_ROWS * (calls // count + (number < calls % count)) for number in range(count)]
    made: list[list[Row]] = [[] for _ in range(count)]
    for group in sorted(by_parent(rows), key=len, reverse=True):
        into = next((n for n in range(count) if room[n] >= len(group)), None)
        if into is None:  # fits no lane any more: where it starts the fewest new calls
            into = max(range(count), key=room.__getitem__)
        made[into].extend(group)
        room[into] -= len(group)
    return [lane for lane in made if lane]


def write_collections(api: SalesforceApi, shape: ObjectShape, rows: Sequence[Row]) -> list[Outcome]:
    """Write `rows`; outcomes in no particular order, ACCESS_REFUSED for all when credentials fail."""
    if not rows:
        return []
    spread = lanes(rows, api.options.concurrency)
    if len(spread) == 1:
        return _lane(api, shape, spread[0])
    with ThreadPoolExecutor(len(spread), thread_name_prefix="salesforce-write") as pool:
        parts = list(pool.map(lambda lane: _lane(api, shape, lane), spread))
    return [outcome for part in parts for outcome in part]


def _lane(api: SalesforceApi, shape: ObjectShape, rows: Sequence[Row]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for start in range(0, len(rows), CALL_ROWS):
        outcomes += _write(api, shape, rows[start : start + CALL_ROWS])
    return outcomes


def _write(api: SalesforceApi, shape: ObjectShape, rows: Sequence[Row]) -> list[Outcome]:
    """One call; when Salesforce refuses it as a whole, halves, down to the row that poisons it."""

    def refused(row: Row, error: RequestRejected) -> Outcome:
        return row_outcome(row.intent.intent_id, _code(error.error), error.error.message or str(error))

    return bisected(rows, lambda part: _call(api, shape, part), refused, _of_the_set_up)


def _of_the_set_up(error: RequestRejected) -> bool:
    return error.error.code in STRUCTURAL_CODES or error.error.status == 404


def _call(api: SalesforceApi, shape: ObjectShape, rows: Sequence[Row]) -> list[Outcome]:
    """The outcomes of one call. Raises RequestRejected when it is refused as a whole."""
    ids = [row.intent.intent_id for row in rows]
    try:
        answer = _send(api, shape, rows)
    except RequestRejected:
        raise
    except SourceError as error:
        return [_undelivered(i, error) for i in ids]
    if len(answer) != len(rows):
        text = f"Salesforce answered {len(answer)} results for {len(rows)} rows"
        return [unknown_outcome(i, text) for i in ids]
    return [collection_outcome(i, result) for i, result in zip(ids, answer, strict=True)]


def _undelivered(intent_id: str, error: SourceError) -> Outcome:
    """The outcome of a row whose call had no usable answer: unknown unless it surely took no effect."""
    if isinstance(error, RetriesSpent):
        return retry_outcome(intent_id, _code(error.error), str(error), error.not_before)
    if isinstance(error, AccessRefused):
        return retry_outcome(intent_id, ACCESS_REFUSED, str(error))
    return unknown_outcome(intent_id, str(error))


ACCESS_REFUSED = "ACCESS_REFUSED"
"""Code of rows that were not written because the org refused us as a whole; the sink raises when all are."""


def _send(api: SalesforceApi, shape: ObjectShape, rows: Sequence[Row]) -> list[dict[str, object]]:
    target = "" if shape.by_id else f"/{shape.sobject}/{shape.key_field}"
    response = api.http.request(
        "PATCH",
        api.path(f"/composite/sobjects{target}"),
        content=collection_body(shape, rows),
        headers={"Content-Type": "application/json"},
    )
    body = api.http.decode(response)
    if not isinstance(body, list) or not all(isinstance(item, dict) for item in body):
        raise SourceContractBroken(f"connection {api.connection!r}: a collections call was not answered by a list")
    return body


def _code(error: VendorError | None) -> str:
    if error is None:
        return "UNREACHABLE"
    return error.code or f"HTTP_{error.status}"
