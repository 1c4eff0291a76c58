"""A scripted org for unit tests: just enough of the wire, every request kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx

from arsync_pipelines.connectors.http import Retry, RetryBudget
from arsync_pipelines.connectors.salesforce.api import SalesforceApi
from arsync_pipelines.connectors.salesforce.options import SalesforceOptions
from arsync_pipelines.domain.push import PushIntent

Answer = httpx.Response | type[httpx.TransportError] | None
Handler = Callable[[httpx.Request], Answer]

OPTIONS: dict[str, Any] = {
    "base_url": "https://acme.test",
    "auth": {"method": "client_credentials", "client_id": {"env": "ID"}, "client_secret": {"env": "SECRET"}},
    "concurrency": 1,
}


class FakeTime:
    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def monotonic(self) -> float:
        return self.now


class Org:
    """Answers tokens itself and asks `handler` for the rest; None from it means 404."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.requests: list[httpx.Request] = []
        self.tokens = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/services/oauth2/token":
            self.tokens += 1
            return httpx.Response(200, json={"access_token": f"t{self.tokens}", "instance_url": "https://acme.test"})
        self.requests.append(request)
        answer = self.handler(request)
        if answer is None:
            return error(404, "NOT_FOUND", "The requested resource does not exist")
        if isinstance(answer, httpx.Response):
            return answer
        raise answer("lost", request=request)

    def api(self, **options: Any) -> SalesforceApi:
        time = FakeTime()
        retry = Retry(RetryBudget(attempts=3, seconds=60), time.sleep, time.monotonic, lambda high: high)
        made = SalesforceOptions.model_validate({**OPTIONS, **options})
        return SalesforceApi(
            "crm", made, lambda ref: f"secret-{ref.env}", transport=httpx.MockTransport(self), retry=retry
        )


def error(status: int, code: str, message: str = "") -> httpx.Response:
    return httpx.Response(status, json=[{"errorCode": code, "message": message}])


def soql(request: httpx.Request) -> str:
    return request.url.params.get("q", "")


def sent(request: httpx.Request) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = json.loads(request.content)["records"]
    return records


def saved(records: Sequence[Mapping[str, Any]]) -> httpx.Response:
    return httpx.Response(
        200, json=[{"id": f"a0{i:016d}", "success": True, "errors": [], "created": True} for i, _ in enumerate(records)]
    )


def intent(key: str, payload: Mapping[str, Any] | None = None, name: str = "invoice", parent: str = "") -> PushIntent:
    payload = {"open_amount": "10.00"} if payload is None else payload
    made = datetime(2026, 7, 1, tzinfo=UTC)
    return PushIntent(f"i-{key}", "crm", name, key, 1, payload, {}, parent, "c", "s", made)
