"""What happened lately, by Stripe's event log: which objects to read again. Event bodies are never taken as state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from arsync_pipelines.connectors.stripe.client import EVENTS, ListPage, StripeApi
from arsync_pipelines.connectors.stripe.objects import Kind
from arsync_pipelines.connectors.stripe.spec import PAGE_SIZE
from arsync_pipelines.ports.source import Cursor, Page

REMEMBERED = 1000
"""Most event ids a cursor keeps so that the overlap is not read twice; beyond it the overlap is simply repeated."""

WORTH_A_LIST = 20
"""From so many new objects on, a list is cheaper than reading each."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where the event log stands. `anchor`: its newest event of any type (None: the log is empty), which tells later
    whether the log still reaches back to now. `newest` and `seen`: the newest event that concerns a kind, and those
    that the next read will meet again in its overlap. `at`: the server's time (unix seconds)."""

    anchor: dict[str, Any] | None
    newest: str
    seen: list[str]
    at: int


def head(api: StripeApi, kind: Kind, overlap: int) -> Head:
    """Two requests; a list that starts afterwards holds everything these events tell."""
    top = api.page(EVENTS, limit=1)
    if not top.data:
        return Head(None, "", [], top.at)
    anchor = _anchor(top.data[0])
    page = api.page(EVENTS, types=kind.events)
    # beyond one page the overlap is simply read again
    whole = not page.has_more or page.data[-1]["created"] < anchor["created"] - overlap
    seen = _recent(page.data, anchor["created"] - overlap) if whole else []
    return Head(anchor, page.data[0]["id"] if page.data else "", seen, top.at)


def follow_events(api: StripeApi, kind: Kind, state: Cursor, overlap: int, now: ListPage) -> Iterator[Page] | None:
    """Pages with every object touched since the anchor of `state`; None when the log no longer reaches back to it.

    `now`: the newest event of any type. The log is newest first: it is read down to the anchor, and one overlap
    further for events that became visible late.
    """
    known: Mapping[str, Any] | None = state.get("anchor")
    bound = max(int(known["created"]) - overlap, 1) if known else 0
    events: list[dict[str, Any]] = []
    for page in api.pages(EVENTS, created_from=bound, types=kind.events):
        events += [{"id": e["id"], "created": e["created"], "object": kind.touched(e), **_born(e)} for e in page.data]
    if known and not _reaches(api, events, known):
        return None
    seen = set(state.get("seen") or ())
    fresh = [event for event in reversed(events) if event["id"] not in seen]
    anchor = _anchor(now.data[0]) if now.data else None
    cursor = {
        "anchor": anchor,
        "newest": events[0]["id"] if events else state.get("newest", ""),
        "seen": _recent(events, anchor["created"] - overlap) if anchor else [],
        "listed_at": state.get("listed_at", 0),
        "checked_at": now.at,
    }
    return _reread(api, kind, fresh, bound, dict(state), cursor)


def _reaches(api: StripeApi, events: Sequence[Mapping[str, Any]], known: Mapping[str, Any]) -> bool:
    """Whether the log still holds what came after the event `known`: it is kept from the newest down to some age."""
    if events and events[-1]["created"] <= known["created"]:
        return True
    return api.retrieve(EVENTS, str(known["id"])) is not None


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


def _recent(events: Sequence[Mapping[str, Any]], since: int) -> list[str]:
    """Ids of the events that the next read will meet again in its overlap; [] when they are too many to remember."""
    ids = [event["id"] for event in events if event["created"] >= since]
    return ids if len(ids) <= REMEMBERED else []


def _born(event: Mapping[str, Any]) -> dict[str, int]:
    """When the object of an event was created, as the event tells; only used to choose between list and retrieve."""
    body = (event.get("data") or {}).get("object") or {}
    created = body.get("created")
    return {"born": created if isinstance(created, int) else 0}
