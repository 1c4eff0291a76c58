"""A Stripe account behind httpx.MockTransport: lists, single objects and the event log, with switches for trouble."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from arsync_pipelines.connectors.http import Retry, RetryBudget
from arsync_pipelines.connectors.stripe import CONNECTOR
from arsync_pipelines.connectors.stripe.client import API_VERSION
from arsync_pipelines.connectors.stripe.objects import KINDS
from arsync_pipelines.connectors.stripe.source import StripeSource

DAY = 86_400
START = 1_780_000_000


class Account:
    """Objects by kind in order of creation; `now` is both the business clock and the server's Date."""

    def __init__(self) -> None:
        self.now = START
        self.objects: dict[str, list[dict[str, Any]]] = {name: [] for name in KINDS}
        self.requests: list[httpx.Request] = []
        self.refuse: Callable[[httpx.Request], httpx.Response | None] = lambda request: None
        self.tamper: Callable[[str, dict[str, Any]], dict[str, Any]] = lambda path, body: body
        self.version = API_VERSION
        self.key = "rk_1"

    def add(self, kind: str, object_id: str, event: str = "", **fields: Any) -> dict[str, Any]:
        known = {field.name: None for field in KINDS[kind].spec.fields if field.name != "deleted"}
        body = {**known, "id": object_id, "object": kind, "created": self.now, "card": "4242", **fields}
        self.objects[kind].append(body)
        if event:
            self.tell(event, body)
        return body

    def tell(self, event: str, body: dict[str, Any]) -> None:
        number = len(self.objects["event"])
        data = {"object": json.loads(json.dumps(body))}
        self.objects["event"].append(
            {"id": f"evt_{number}", "object": "event", "type": event, "created": self.now, "data": data}
        )

    def change(self, event: str, body: dict[str, Any], **fields: Any) -> None:
        body.update(fields)
        self.tell(event, body)

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        headers = {
            "Date": format_datetime(datetime.fromtimestamp(self.now, UTC), usegmt=True),
            "Stripe-Version": self.version,
        }
        refused = self.refuse(request)
        if refused is not None:
            return refused
        if request.headers["Authorization"] != f"Bearer {self.key}":
            return error(401, "", "Invalid API Key provided")
        path = request.url.path
        kind = next(kind for kind in KINDS.values() if path == kind.path or path.startswith(kind.path + "/"))
        if path != kind.path:
            found = [body for body in self.objects[kind.spec.name] if body["id"] == path.rpartition("/")[2]]
            found = [body for body in found if kind.path != "/v1/events" or body["created"] >= self.now - 30 * DAY]
            return (
                httpx.Response(200, json=found[0], headers=headers) if found else error(404, "resource_missing", "No")
            )
        return self._list(kind.spec.name, kind.path, request.url.params, headers)

    def _list(self, kind: str, path: str, params: httpx.QueryParams, headers: dict[str, str]) -> httpx.Response:
        rows = [body for body in reversed(self.objects[kind]) if not body.get("deleted")]
        if kind == "event":
            wanted = params.get_list("types[]")
            rows = [row for row in rows if row["created"] >= self.now - 30 * DAY]
            rows = [row for row in rows if not wanted or row["type"] in wanted]
        if payout := params.get("payout"):
            rows = [row for row in rows if row.get("_payout") == payout]
        rows = [row for row in rows if row["created"] >= int(params.get("created[gte]", 0))]
        if after := params.get("starting_after"):
            index = next((i for i, row in enumerate(rows) if row["id"] == after), None)
            if index is None:
                return error(400, "resource_missing", f"No such {kind}: '{after}'")
            rows = rows[index + 1 :]
        limit = int(params["limit"])
        body = {"object": "list", "url": path, "has_more": len(rows) > limit, "data": rows[:limit]}
        return httpx.Response(200, json=self.tamper(path, body), headers=headers)

    def paths(self) -> list[str]:
        return [request.url.path for request in self.requests]

    def source(self, **options: Any) -> StripeSource:
        return StripeSource(
            "pay",
            CONNECTOR.options.model_validate({"api_key": {"env": "KEY"}, "base_url": "http://127.0.0.1:9", **options}),
            lambda _: "rk_1",
            transport=httpx.MockTransport(self.handle),
            retry=Retry(RetryBudget(attempts=4, seconds=60), sleep=lambda _: None),
        )


def error(status: int, code: str, message: str) -> httpx.Response:
    return httpx.Response(status, json={"error": {"type": "invalid_request_error", "code": code, "message": message}})


@pytest.fixture
def account() -> Account:
    return Account()
