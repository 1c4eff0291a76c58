"""Lists, newest first: all objects of a kind, or those created since. Every page's cursor can resume the list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from arsync_pipelines.connectors.http import RequestRejected
from arsync_pipelines.connectors.stripe.changes import head
from arsync_pipelines.connectors.stripe.client import ListPage, StripeApi
from arsync_pipelines.connectors.stripe.errors import MISSING
from arsync_pipelines.connectors.stripe.objects import Kind
from arsync_pipelines.ports.source import Cursor, Page

DAY = 86_400
SETTLING = 10 * DAY
"""A payout that was paid can still come back for some business days, without changing its creation date."""

HEALING = 30 * DAY
"""How far back a periodic re-list of objects by creation goes."""


def list_all(api: StripeApi, kind: Kind, state: Cursor, overlap: int, since: int = 0) -> Iterator[Page]:
    """Every object, or those created from `since` on; goes on where `state` was interrupted.

    The event log is looked up before the list starts: what changes during the list is read again afterwards.
    """
    progress = dict(state.get("list") or {})
    if not progress:
        log = head(api, kind, overlap)
        progress = {
            "anchor": log.anchor,
            "newest": log.newest,
            "seen": log.seen,
            "started_at": log.at,
            "after": "",
            "from": since,
        }
    done = {
        "anchor": progress["anchor"],
        "newest": progress["newest"],
        "seen": progress["seen"],
        "listed_at": progress["started_at"],
        "checked_at": progress["started_at"],
    }
    for page in _walk(api, kind, progress):
        if page.data:
            progress["after"] = page.data[-1]["id"]
        cursor = {"list": dict(progress)} if page.has_more else done
        yield Page(kind.rows(page.data), cursor, (), not page.has_more)


def list_created(
    api: StripeApi, kind: Kind, state: Cursor, overlap: int, relist: int, since: int = 0
) -> Iterator[Page]:
    """Objects created since the newest known one, and again those that may still have changed.

    The bound lies before the newest known object by the overlap, before the oldest one still open, and once per
    `relist` seconds a whole month back.
    """
    progress = dict(state.get("list") or {})
    known: Mapping[str, Any] = state.get("anchor") or {}
    if since or not progress:
        progress = {"after": "", "from": since, "anchor": dict(known), "open_since": 0}
        if known and not since:
            # one small request tells the server's time, by which a re-list is due
            now = api.page(kind.path, limit=1).at
            due = now - int(state.get("listed_at", 0)) >= relist
            progress["from"] = _bound(kind, state, int(known["created"]), overlap, HEALING if due else 0)
            progress["listed_at"] = now if due else state.get("listed_at", 0)
    for page in _walk(api, kind, progress):
        if page.data and not progress["after"] and page.data[0]["created"] >= int(known.get("created", 0)):
            progress["anchor"] = {"id": page.data[0]["id"], "created": page.data[0]["created"]}
        progress.setdefault("started_at", page.at)
        for body in page.data:
            if body.get("status") in kind.open:
                progress["open_since"] = body["created"]
        if page.data:
            progress["after"] = page.data[-1]["id"]
        cursor: dict[str, Any] = {"anchor": dict(known), "list": dict(progress)}
        if not page.has_more:
            cursor = {
                "anchor": progress["anchor"],
                "open_since": progress["open_since"],
                "listed_at": progress.get("listed_at", progress["started_at"]),
                "checked_at": progress["started_at"],
            }
        yield Page(kind.rows(page.data), cursor, (), not page.has_more)


def _bound(kind: Kind, state: Cursor, newest: int, overlap: int, healing: int) -> int:
    bound = newest - max(overlap, healing, SETTLING if kind.spec.name == "payout" else 0)
    if state.get("open_since"):
        bound = min(bound, int(state["open_since"]))
    return max(bound, 0)


def _walk(api: StripeApi, kind: Kind, progress: Mapping[str, Any]) -> Iterator[ListPage]:
    """Pages from where `progress` stands; from the start when the object it stands at is gone."""
    after, created_from = str(progress["after"]), int(progress["from"])
    pages = api.pages(kind.path, after=after, created_from=created_from, expand=kind.expand)
    try:
        first = next(pages)
    except RequestRejected as error:
        if not after or error.error.code != MISSING:
            raise
        pages = api.pages(kind.path, created_from=created_from, expand=kind.expand)
        first = next(pages)
    yield first
    yield from pages
