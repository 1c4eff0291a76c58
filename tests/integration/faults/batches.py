"""Every mask of good and bad rows that a batch can have, through the real sink and the real store.

Rows that are refused are held, rows that are locked wait and arrive, and no row is unaccounted for.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import httpx

from arsync_pipelines.connectors.salesforce.sink import SalesforceSink
from arsync_pipelines.domain.push import PushIntent
from arsync_pipelines.ports.sink import SinkCapabilities
from arsync_pipelines.services.deliver import Delivery, RetryPolicy
from tests.contract.ops.values import states
from tests.integration.delivery.stores import Stores
from tests.unit.connectors.salesforce.org import Org


@dataclass
class Masked:
    """What came of all masks of so many rows."""

    masks: int
    rows: int
    unaccounted: int
    duplicated: int
    lost: int


@dataclass
class _Vendor:
    """Answers each row as its key says: "mask:row" is bad where the mask has the row's bit; r refuses, l locks once."""

    effects: Counter[str] = field(default_factory=Counter)
    locked: set[str] = field(default_factory=set)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        records = json.loads(request.content)["records"]
        return httpx.Response(200, json=[self._row(r["External_Id__c"]) for r in records])

    def _row(self, key: str) -> dict[str, Any]:
        kind, mask, row = key.split(":")
        if int(mask) >> int(row) & 1 and key not in self.locked:
            code = "FIELD_CUSTOM_VALIDATION_EXCEPTION" if kind == "r" else "UNABLE_TO_LOCK_ROW"
            if kind == "l":
                self.locked.add(key)
            return {"success": False, "errors": [{"statusCode": code, "message": "no", "fields": []}]}
        self.effects[key] += 1
        return {"id": "a0" + "0" * 16, "success": True, "errors": [], "created": True}


@dataclass
class _Sink:
    """The real sink in batches of one mask."""

    real: SalesforceSink
    rows: int
    connection: str = "crm"
    system: str = "salesforce"

    @property
    def capabilities(self) -> SinkCapabilities:
        return replace(self.real.capabilities, batch_size=self.rows)

    def through(self, gate: Any) -> None:
        self.real.through(gate)

    def write(self, object_name: str, intents: Any) -> Any:
        return self.real.write(object_name, intents)

    def read_back(self, object_name: str, intents: Any) -> Any:
        return self.real.read_back(object_name, intents)


def every_mask(on: Stores, rows: int) -> Masked:
    """All 2^rows masks, once with rows that are refused and once with rows that are locked."""
    vendor, now = _Vendor(), datetime.now(UTC)
    keys = [f"{kind}:{mask}:{row}" for kind in "rl" for mask in range(2**rows) for row in range(rows)]
    with on.place() as place:
        ops = place.open()
        # a mask's rows stand together, as they are claimed by their parents
        ops.intents.add([_intent(key, now) for key in keys], now)
        sink = _Sink(SalesforceSink(Org(vendor).api()), rows)
        Delivery(ops.intents, sink, RetryPolicy(5, 0.0, 0.01, 60.0), alone=not ops.intents.shared).run(["invoice"])
        found = states(ops)
        ops.close()
    refused = 2**rows * rows // 2
    wanted = {"acknowledged": len(keys) - refused, "rejected": refused}
    unaccounted = sum(abs(found.get(state, 0) - wanted.get(state, 0)) for state in {*found, *wanted})
    duplicated = sum(times - 1 for times in vendor.effects.values())
    return Masked(2 * 2**rows, len(keys), unaccounted, duplicated, wanted["acknowledged"] - len(vendor.effects))


def _intent(key: str, now: datetime) -> PushIntent:
    parent = key.rpartition(":")[0]
    payload = {"open_amount": "10.00"}
    return PushIntent(f"i-{key}", "crm", "invoice", key, 1, payload, {}, parent, f"fact-{key}", "s", now)
