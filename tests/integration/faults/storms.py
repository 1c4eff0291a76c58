"""A vendor that answers 429 for all beyond its window, and says for how long as seconds, as a date, or not at all.

The real client, sink and delivery on a virtual clock: how long a backlog takes beside the ideal, and how many requests
leave while the vendor has asked for silence.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime

import httpx

from arsync_pipelines.connectors.http import Retry, RetryBudget
from arsync_pipelines.connectors.salesforce.api import SalesforceApi
from arsync_pipelines.connectors.salesforce.options import SalesforceOptions
from arsync_pipelines.connectors.salesforce.sink import SalesforceSink
from arsync_pipelines.domain.limits import LimitRules
from arsync_pipelines.services.deliver import Delivery, RetryPolicy
from arsync_pipelines.services.limiter import Limits
from tests.contract.ops.values import START, intent, states
from tests.integration.delivery.stores import Stores, opened_for_simulation
from tests.integration.faults.batches import _Sink
from tests.unit.connectors.salesforce.org import OPTIONS

FORMS = ("seconds", "date", "absent")
WINDOW_S, PER_WINDOW, LATENCY_S, ROWS_A_CALL = 60.0, 10, 0.2, 5


@dataclass
class Storm:
    """What came of one form."""

    form: str
    requests: int
    refused: int
    early: int
    drain_s: float
    ideal_s: float
    unaccounted: int

    @property
    def times_ideal(self) -> float:
        return self.drain_s / self.ideal_s


@dataclass
class _Time:
    at: datetime = START

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    def monotonic(self) -> float:
        return (self.at - START).total_seconds()


@dataclass
class _Vendor:
    """So many requests per window of the clock, counted from its start; the rest are refused."""

    form: str
    time: _Time
    taken: dict[int, int] = field(default_factory=dict)
    silent_until: datetime = START
    requests: int = 0
    refused: int = 0
    early: int = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/services/oauth2/token":
            return httpx.Response(200, json={"access_token": "t", "instance_url": "https://acme.test"})
        self.requests += 1
        self.early += self.time.now() < self.silent_until
        self.time.sleep(LATENCY_S)
        window = int(self.time.monotonic() // WINDOW_S)
        if self.taken.get(window, 0) >= PER_WINDOW:
            return self._refuse(window)
        self.taken[window] = self.taken.get(window, 0) + 1
        rows = json.loads(request.content)["records"]
        return httpx.Response(200, json=[{"id": "a0" + "0" * 16, "success": True, "errors": []} for _ in rows])

    def _refuse(self, window: int) -> httpx.Response:
        self.refused += 1
        again = START + timedelta(seconds=(window + 1) * WINDOW_S)
        headers = {"Date": format_datetime(self.time.now().replace(microsecond=0), usegmt=True)}
        if self.form == "seconds":
            headers["Retry-After"] = str(-int(-(again - self.time.now()).total_seconds() // 1))
        if self.form == "date":
            headers["Retry-After"] = format_datetime(again, usegmt=True)
        if self.form != "absent":
            self.silent_until = max(self.silent_until, again)
        body = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "slow down"}]
        return httpx.Response(429, json=body, headers=headers)


def storm(on: Stores, form: str, requests: int) -> Storm:
    """A backlog of so many requests against the window."""
    time = _Time()
    vendor = _Vendor(form, time)
    retry = Retry(RetryBudget(attempts=8, seconds=180.0), time.sleep, time.monotonic)
    made = SalesforceOptions.model_validate(OPTIONS)
    api = SalesforceApi(
        "crm", made, lambda ref: f"secret-{ref.env}", transport=httpx.MockTransport(vendor), retry=retry
    )
    with on.place() as place:
        ops = opened_for_simulation(place, time.now)
        ops.intents.add([intent(f"k{n:04}") for n in range(requests * ROWS_A_CALL)], time.now())
        limits = Limits(ops.limits, "crm", LimitRules())
        sink = _Sink(SalesforceSink(api, sleep=time.sleep, monotonic=time.monotonic), ROWS_A_CALL)
        for _ in range(50):  # a run waits for two minutes at most; the next one goes on
            Delivery(ops.intents, sink, RetryPolicy(30), time.sleep, time.now, limits=limits).run(["invoice"])
            if not ops.intents.unsettled("crm", "invoice"):
                break
            time.sleep(1.0)
        found = states(ops)
        ops.close()
    windows = -(-requests // PER_WINDOW)
    ideal = (windows - 1) * WINDOW_S + (requests - (windows - 1) * PER_WINDOW) * LATENCY_S
    unaccounted = requests * ROWS_A_CALL - found.get("acknowledged", 0)
    return Storm(form, vendor.requests, vendor.refused, vendor.early, time.monotonic(), ideal, unaccounted)
