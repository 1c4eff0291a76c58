"""What happened lately, by Stripe's event log: which objects to read again. Event bodies are never taken as state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from arsync_pipelines.connectors.stripe.client import EVENTS, StripeApi
from arsync_pipelines.connectors.stripe.objects import Kind
from arsync_pipelines.connectors.stripe.spec import PAGE_SIZE
from arsync_pipelines.ports.source import Cursor, Page

REMEMBERED = 1000
"""Most event ids a cursor keeps so that the overlap is not read twice; beyond it the overlap is simply repeated."""

WORTH_A_LIST = 20
"""From so many new objects on, a list is cheaper than reading each."""


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest event of a kind as cursor anchor (None: none within the retention), those shortly before it, and the
    server's time (unix seconds)."""

    anchor: dict[str, Any] | None
    seen: list[str]
    at: int


def newest_event(api: StripeApi, kind: Kind, overlap: int) -> Newest:
    """One request; what comes after this event is read after a list that starts now."""
    page = api.page(EVENTS, types=kind.events)
    if not page.data:
        return Newest(None, [], page.at)
    # beyond one page the overlap is simply read again
    whole = not page.has_more or page.data[-1]["created"] < page.data[0]["created"] - overlap
    return Newest(_anchor(page.data[0]), _recent(page.data, overlap) if whole else [], page.at)


def follow_events(api: StripeApi, kind: Kind, state: Cursor, overlap: int) -> Iterator[Page] | None:
    """Pages with every object touched since the anchor of `state`; None when the log no longer reaches back to it.

    The log is newest first: it is read down to the anchor, one overlap further for events that became visible late.
    """
    anchor: Mapping[str, Any] | None = state.get("anchor")
    bound = max(int(anchor["created"]) - overlap, 1) if anchor else 0
    events: list[dict[str, Any]] = []
    at = 0
    for page in api.pages(EVENTS, created_from=bound, types=kind.events):
        at = at or page.at
        events += [{"id": e["id"], "created": e["created"], "object": kind.touched(e), **_born(e)} for e in page.data]
    if anchor and not any(event["id"] == anchor["id"] for event in events):
        return None
    seen = set(state.get("seen") or ())
    if anchor:
        seen.add(anchor["id"])
    fresh = [event for event in reversed(events) if event["id"] not in seen]
    newest = _anchor(events[0]) if events else None
    cursor = {
        "anchor": newest,
        "seen": _recent(events, overlap),
        "listed_at": state.get("listed_at", 0),
        "checked_at": at,
    }
    return _reread(api, kind, fresh, bound, dict(state), cursor)


def _reread(
    api: StripeApi,
    kind: Kind,
    events: Sequence[Mapping[str, Any]],
    bound: int,
    before: Cursor,
    after: Cursor,
) -> Iterator[Page]:
    """The touched objects as they are now, in the order they were first touched. The cursor moves at the end."""
    waiting = dict.fromkeys(event["object"] for event in events if event["object"])
    born = {event["object"] for event in events if bound and event["born"] >= bound}
    if len(born) >= WORTH_A_LIST:
        for page in api.pages(kind.path, created_from=bound, expand=kind.expand):
            for body in page.data:
                waiting.pop(body["id"], None)
            if page.data:
                yield Page(kind.rows(page.data), before)
    ids = list(waiting)
    with ThreadPoolExecutor(api.http.concurrency.limit, thread_name_prefix="stripe") as pool:
        for start in range(0, len(ids), PAGE_SIZE):
            chunk = ids[start : start + PAGE_SIZE]
            found = pool.map(lambda object_id: api.retrieve(kind.path, object_id, kind.expand), chunk)
            bodies = [body for body in found if body is not None]
            if bodies:
                yield Page(kind.rows(bodies), before)
    yield Page([], after, (), final=True)


def _anchor(event: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": event["id"], "created": event["created"]}


def _recent(events: Sequence[Mapping[str, Any]], overlap: int) -> list[str]:
    """Ids of the events that the next read will meet again in its overlap; [] when they are too many to remember."""
    ids = [event["id"] for event in events if event["created"] >= events[0]["created"] - overlap]
    return ids if len(ids) <= REMEMBERED else []


def _born(event: Mapping[str, Any]) -> dict[str, int]:
    """When the object of an event was created, as the event tells; only used to choose between list and retrieve."""
    body = (event.get("data") or {}).get("object") or {}
    created = body.get("created")
    return {"born": created if isinstance(created, int) else 0}
