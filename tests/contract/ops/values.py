"""Intents and settlements as the contract's tests need them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from arsync_pipelines.domain.push import IntentState, PushIntent
from arsync_pipelines.ops.rows import Settlement
from arsync_pipelines.ops.store import OpsStore, open_store


@dataclass(frozen=True, slots=True)
class Place:
    """Where a store is kept: the folder of its files and, for Postgres, its address."""

    folder: Path
    url: str

    def open(self, clock: Callable[[], datetime] | None = None) -> OpsStore:
        """Another process's view of the same store; `clock` instead of its own."""
        return open_store(self.folder / "ops.sqlite", self.url, clock=clock)


START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def intent(key: str, version: int = 1, value: str = "1.00", **values: Any) -> PushIntent:
    given = {"connection": "crm", "object": "invoice", "parent_key": "001", "correlation_id": f"fact-{key}"} | values
    return PushIntent(
        intent_id=f"{given['connection']}-{given['object']}-{key}-{version}", business_key=key, version=version,
        payload={"open_amount": value}, before={}, snapshot_id="s", created_at=START, **given,
    )  # fmt: skip


def settled(key: str, state: IntentState, version: int = 1, seconds: float = 2, **values: Any) -> Settlement:
    outcome = {IntentState.PENDING: "retry"}.get(state, state.value)
    return Settlement(f"crm-invoice-{key}-{version}", state, outcome, at(seconds), **values)


def states(ops: OpsStore) -> dict[str, int]:
    """State -> intents."""
    found: dict[str, int] = {}
    for row in ops.intents.counts():
        found[row["state"]] = found.get(row["state"], 0) + row["intents"]
    return found


def claim(ops: OpsStore, limit: int = 100, seconds: float = 1) -> list[str]:
    """Keys of the invoices that are taken."""
    return [i.business_key for i in ops.intents.claim("crm", "invoice", limit, at(seconds))]


def deliver(ops: OpsStore, *keys: str, seconds: float = 0) -> None:
    """Intents of these keys, stored, claimed and acknowledged: three rows of audit for one key."""
    ops.intents.add([intent(key) for key in keys], at(seconds))
    claim(ops, seconds=seconds + 1)
    ops.intents.settle([settled(key, IntentState.ACKNOWLEDGED, seconds=seconds + 2) for key in keys])
