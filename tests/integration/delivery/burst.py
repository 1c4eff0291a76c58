"""A month's end on a virtual clock: many changed invoices, few requests a minute, and a credit hold filed in between.

Engine, limits, operational store and Salesforce connector are the real ones; the org answers from this process and
looks at the clock. What an ideal client would need is told beside what was needed.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from arsync_pipelines.connectors.http import Retry, RetryBudget
from arsync_pipelines.connectors.salesforce.api import SalesforceApi
from arsync_pipelines.connectors.salesforce.options import SalesforceOptions
from arsync_pipelines.connectors.salesforce.sink import SalesforceSink
from arsync_pipelines.domain.limits import LimitRules
from arsync_pipelines.domain.push import PushIntent
from arsync_pipelines.ops.store import OpsStore
from arsync_pipelines.services.deliver import Delivery, RetryPolicy
from arsync_pipelines.services.limiter import Limits
from tests.integration.delivery.burst_org import BULK_ROWS_PER_S, LATENCY_S, BurstOrg, Clock, locked

QUOTA, WINDOW_S = 100, 60.0
ACCOUNT_ROWS = 10
HOLD = "001HOLD000000AA"
_JOB_REQUESTS = 6
"""Create, upload, start, look, and the two lists of results that a job with failures has."""


@dataclass(frozen=True)
class Way:
    """A way to write: options of the connection, and rows that one request (or one job of several) takes."""

    name: str
    options: dict[str, Any]
    rows: int
    requests: int
    rows_per_s: float = float("inf")
    idle_requests: int = 0
    """Of one job, whose answers the org's work can begin or the last request leave not without."""

    def ideal(self, sent: int, quota: int) -> tuple[int, float]:
        """Requests and seconds that `sent` rows cannot do without, however they are spread over the windows.

        The first `quota` requests may leave at once, as many again when the window is over, and so on; the org itself
        works on `rows_per_s`, and has nothing to do before a job is made and uploaded nor after it has ended, when its
        results are asked for.
        """
        requests = -(-sent // self.rows) * self.requests
        work = sent / self.rows_per_s + self.idle_requests * LATENCY_S if self.idle_requests else 0.0
        return requests, max((requests - 1) // quota * WINDOW_S, work)


COLLECTIONS = Way("collections", {"bulk_write_rows": 10_000_000}, 200, 1)
BULK = Way("bulk", {}, 50_000, _JOB_REQUESTS, BULK_ROWS_PER_S, idle_requests=4)


@dataclass(frozen=True)
class Burst:
    """What came of one. Seconds are the clock's but for `cpu_*`, processor seconds of this process without the org's.

    `before_hold`: requests that reached the org after the hold was filed and before the hold itself.
    """

    rows: int
    acknowledged: int
    rejected: int
    unsettled: int
    requests: int
    ideal_requests: int
    seconds: float
    ideal_seconds: float
    early: int
    effects: int
    before_hold: int
    hold_seconds: float
    cpu_filed: float
    cpu_delivered: float
    wall_seconds: float
    peak_mb: int
    audit_holds: bool

    @property
    def unaccounted(self) -> int:
        """Intents, the hold among them, that are neither acknowledged nor rejected."""
        return self.rows + 1 - self.acknowledged - self.rejected

    @property
    def doubled(self) -> int:
        """Rows that took effect in the org more often than they were acknowledged."""
        return self.effects - (self.acknowledged - 1)

    @property
    def ratio(self) -> float:
        """Seconds needed to those of an ideal client."""
        return self.seconds / self.ideal_seconds if self.ideal_seconds else 0.0


def burst(
    open_: Callable[[Callable[[], datetime]], OpsStore], rows: int, way: Way, concurrency: int = 4, quota: int = QUOTA
) -> Burst:
    """File `rows` changed invoices, deliver them all at `quota` requests a minute, and file a hold when half of the
    ideal time is over."""
    clock = Clock()
    org = BurstOrg(clock, (quota, WINDOW_S))
    ops = open_(clock.now)
    try:
        filed = time.process_time()
        ops.intents.add(_invoices(rows, clock.now()), clock.now())
        cpu_filed = time.process_time() - filed
        requests, seconds = way.ideal(rows + sum(map(locked, range(rows))), quota)
        clock.at_second(seconds / 2, lambda: _file_hold(ops, org, clock))
        limits = Limits(ops.limits, "crm", LimitRules(requests=quota, per_s=WINDOW_S))
        sink = _sink(org, clock, {**way.options, "concurrency": concurrency})
        started, wall = time.process_time(), time.perf_counter()
        delivery = Delivery(ops.intents, sink, RetryPolicy(), clock.sleep, clock.now, limits=limits)
        results = delivery.run()
        cpu = time.process_time() - started - org.cpu
        counts = {(r["object"], r["state"]): r["intents"] for r in ops.intents.counts("crm")}
        return Burst(
            rows=rows,
            acknowledged=counts.get(("invoice", "acknowledged"), 0) + counts.get(("account", "acknowledged"), 0),
            rejected=counts.get(("invoice", "rejected"), 0),
            unsettled=sum(r.left for r in results.values()),
            requests=len(org.arrivals),
            ideal_requests=requests,
            seconds=round(org.arrivals[-1], 1),
            ideal_seconds=round(seconds, 1),
            early=org.early,
            effects=org.effects,
            before_hold=org.between("hold filed", HOLD),
            hold_seconds=round(org.waited("hold filed", HOLD), 2),
            cpu_filed=round(cpu_filed, 1),
            cpu_delivered=round(cpu, 1),
            wall_seconds=round(time.perf_counter() - wall, 1),
            peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            audit_holds=ops.verify().holds,
        )
    finally:
        ops.close()


def _sink(org: BurstOrg, clock: Clock, options: dict[str, Any]) -> SalesforceSink:
    auth = {"method": "client_credentials", "client_id": {"env": "ID"}, "client_secret": {"env": "SECRET"}}
    made = SalesforceOptions.model_validate({"base_url": "https://acme.test", "auth": auth, **options})
    retry = Retry(RetryBudget(), clock.sleep, clock.seconds, lambda high: high / 2)
    api = SalesforceApi("crm", made, lambda ref: f"secret-{ref.env}", transport=org, retry=retry)
    return SalesforceSink(api, sleep=clock.sleep, monotonic=clock.seconds)


def _file_hold(ops: OpsStore, org: BurstOrg, clock: Clock) -> None:
    hold = PushIntent(
        "hold", "crm", "account", HOLD, 1, {"credit_hold": True}, {"credit_hold": False}, HOLD, "hold", "s",
        clock.now(), priority=100,
    )  # fmt: skip
    ops.intents.add([hold], clock.now())
    org.mark("hold filed")


def _invoices(rows: int, now: datetime) -> list[PushIntent]:
    made = []
    for number in range(rows):
        account = f"001{number // ACCOUNT_ROWS:012}"
        payload = {
            "account_id": account,
            "number": f"INV{number:06}",
            "legal_entity": "Meridian Industries Inc.",
            "invoice_date": "2026-05-01",
            "due_date": "2026-05-31",
            "currency": "USD",
            "total_amount": "120.00",
            "open_amount": "119.00",
            "status": "partially_paid",
            "aging_bucket": "1-30",
            "disputed_amount": "0.00",
            "link": None,
        }
        before = {"open_amount": "120.00", "status": "open"}
        key = f"erp:{number:06}"
        made.append(PushIntent(f"i-{key}", "crm", "invoice", key, 1, payload, before, account, f"fact-{key}", "s", now))
    return made
