"""Webhook endpoints: where events are sent. Delivering is in ../webhooks.py."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlsplit

from ..errors import Invalid
from ..objects import API_VERSION
from ..params import boolean, metadata, strings, text
from .operation import Call, Operation, changed, merge_metadata

Body = dict[str, Any]

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _check_url(url: str | None) -> str:
    parts = urlsplit(url or "")
    if parts.scheme not in ("http", "https") or parts.hostname not in LOOPBACK:
        raise Invalid("Invalid URL: this stand-in delivers to addresses of the same machine only.", param="url")
    return str(url)


def _create(call: Call, _: tuple[str, ...], params: Body) -> Body:
    body = {
        "id": call.new_id("webhook_endpoint"),
        "object": "webhook_endpoint",
        "api_version": params.get("api_version") or API_VERSION,
        "application": None,
        "created": call.now,
        "description": params.get("description"),
        "enabled_events": params["enabled_events"],
        "livemode": False,
        "metadata": merge_metadata({}, params.get("metadata")),
        "secret": f"whsec_{secrets.token_hex(24)}",
        "status": "enabled",
        "url": _check_url(params["url"]),
    }
    call.store.put(body)
    call.journal.append(("create", "webhook_endpoint", body["id"], {**body, "secret": "..."}))
    call.events.endpoints_changed()
    return body


def _update(call: Call, ids: tuple[str, ...], params: Body) -> Body:
    before = call.load("webhook_endpoint", ids[0])
    if "url" in params:
        _check_url(params["url"])
    body = changed(before, params)
    if "disabled" in params:
        body["status"] = "disabled" if params["disabled"] else "enabled"
    call.store.put(body)
    call.journal.append(("update", "webhook_endpoint", ids[0], {**body, "secret": "..."}))
    call.events.endpoints_changed()
    return {name: value for name, value in body.items() if name != "secret"}


def _delete(call: Call, ids: tuple[str, ...], _: Body) -> Body:
    call.load("webhook_endpoint", ids[0])
    call.store.remove("webhook_endpoint", ids[0])
    call.store.execute("update delivery set done = 1 where endpoint = ?", (ids[0],))
    call.events.endpoints_changed()
    stub = {"id": ids[0], "object": "webhook_endpoint", "deleted": True}
    call.journal.append(("delete", "webhook_endpoint", ids[0], stub))
    return stub


_FIELDS = {"url": text, "enabled_events": strings, "description": text, "metadata": metadata}
OPERATIONS = (
    Operation("POST", "/v1/webhook_endpoints", _create, {**_FIELDS, "api_version": text}, ("url", "enabled_events")),
    Operation("POST", "/v1/webhook_endpoints/*", _update, {**_FIELDS, "disabled": boolean}),
    Operation("DELETE", "/v1/webhook_endpoints/*", _delete),
)
