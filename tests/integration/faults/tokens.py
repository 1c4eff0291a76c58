"""A token that ends while several workers send: the first to be refused renews it, the others take what he got."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from arsync_pipelines.connectors.salesforce.api import SalesforceApi
from arsync_pipelines.connectors.salesforce.options import SalesforceOptions
from tests.unit.connectors.salesforce.org import OPTIONS

WORKERS = 8


@dataclass
class Expiries:
    """`refreshes` beyond the first token; `refused` requests that carried an ended one."""

    expiries: int
    refreshes: int
    requests: int
    refused: int
    failed: int


class _Vendor:
    """Ends its token after every so many requests."""

    def __init__(self, every: int) -> None:
        self.every = every
        self.lock = threading.Lock()
        self.tokens = 0
        self.expiries = 0
        self.requests = 0
        self.refused = 0
        self.good = 0
        self.valid = ""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            if request.url.path == "/services/oauth2/token":
                self.tokens += 1
                self.valid = f"t{self.tokens}"
                return httpx.Response(200, json={"access_token": self.valid, "instance_url": "https://acme.test"})
            self.requests += 1
            if request.headers["Authorization"] != f"Bearer {self.valid}":
                self.refused += 1
                body = [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]
                return httpx.Response(401, json=body)
            self.good += 1
            if self.good % self.every == 0:
                self.valid, self.expiries = "none", self.expiries + 1
            return httpx.Response(200, json={"records": [], "done": True, "totalSize": 0})


def expired(requests: int, every: int = 25) -> Expiries:
    """So many requests by all workers together, a token's end after every `every` of them."""
    vendor = _Vendor(every)
    made = SalesforceOptions.model_validate({**OPTIONS, "concurrency": WORKERS})
    api = SalesforceApi("crm", made, lambda ref: f"secret-{ref.env}", transport=httpx.MockTransport(vendor))

    def ask(_number: int) -> bool:
        try:
            api.query("select Id from Account")
        except Exception:  # noqa: BLE001 - counted
            return False
        return True

    with ThreadPoolExecutor(WORKERS) as threads:
        good = list(threads.map(ask, range(requests)))
    api.close()
    # the last expiry has nobody who would notice
    seen = vendor.expiries - (vendor.valid == "none")
    return Expiries(seen, vendor.tokens - 1, vendor.requests, vendor.refused, good.count(False))
