"""Attempts arrive in the warehouse once, in order, and none before it ended; with a real store and a real warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from arsync_pipelines.domain.push import IntentState, PushIntent
from arsync_pipelines.ops.intents import IntentStore
from arsync_pipelines.ops.rows import Settlement
from arsync_pipelines.ops.store import open_store
from arsync_pipelines.services import attempts
from arsync_pipelines.warehouse.duckdb import DuckDbWarehouse

NOW = datetime(2026, 7, 1, 8, tzinfo=UTC)
INTENT = PushIntent(
    intent_id="i1", connection="crm", object="invoice", business_key="erp:1", version=1, payload={"status": "open"},
    before={}, parent_key="001A", correlation_id="c", snapshot_id="s", created_at=NOW,
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> IntentStore:
    return open_store(tmp_path / "ops.db").intents


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[DuckDbWarehouse]:
    made = DuckDbWarehouse(tmp_path / "warehouse.duckdb", tmp_path / "snapshots")
    with made.writing():
        yield made


def rows(warehouse: DuckDbWarehouse) -> list[dict[str, Any]]:
    return warehouse.query(f"select * from {attempts.TABLE} order by _seq")


def deliver(store: IntentStore, *keys: str) -> None:
    """An intent for each key, claimed: an attempt is open."""
    store.add([replace(INTENT, intent_id=f"i-{key}", business_key=key) for key in keys], NOW)
    store.claim("crm", "invoice", 100, NOW)


def end(store: IntentStore, key: str, at: datetime = NOW + timedelta(seconds=5)) -> None:
    store.settle([Settlement(f"i-{key}", IntentState.ACKNOWLEDGED, "acknowledged", at)])


def test_an_attempt_is_copied_once_after_it_ended(store: IntentStore, warehouse: DuckDbWarehouse) -> None:
    deliver(store, "erp:1", "erp:2", "erp:3")
    assert attempts.copy(store, warehouse) == 0
    end(store, "erp:1")
    end(store, "erp:3")
    assert attempts.copy(store, warehouse) == 1, "erp:3 waits for erp:2, which began before"
    assert attempts.copy(store, warehouse) == 0
    end(store, "erp:2")
    assert attempts.copy(store, warehouse) == 2
    assert [(row["_seq"], row["business_key"]) for row in rows(warehouse)] == [(1, "erp:1"), (2, "erp:2"), (3, "erp:3")]
    first = rows(warehouse)[0]
    assert first["planned_at"] == first["started_at"] == NOW.replace(tzinfo=None)
    assert first["ended_at"] == datetime(2026, 7, 1, 8, 0, 5)
    assert (first["connection"], first["object"], first["outcome"]) == ("crm", "invoice", "acknowledged")


def test_times_are_utc_whatever_zone_they_were_taken_in(store: IntentStore, warehouse: DuckDbWarehouse) -> None:
    deliver(store, "erp:1")
    end(store, "erp:1", (NOW + timedelta(minutes=1)).astimezone(UTC))
    attempts.copy(store, warehouse)
    assert rows(warehouse)[0]["ended_at"] == datetime(2026, 7, 1, 8, 1)


def test_a_store_that_begins_anew_is_copied_from_its_start(
    store: IntentStore, warehouse: DuckDbWarehouse, tmp_path: Path
) -> None:
    for key in ("erp:1", "erp:2"):
        deliver(store, key)
        end(store, key)
    attempts.copy(store, warehouse)
    other = open_store(tmp_path / "other.db").intents
    deliver(other, "erp:9")
    end(other, "erp:9")
    assert attempts.copy(other, warehouse) == 1
    assert [(row["_seq"], row["business_key"]) for row in rows(warehouse)][-1] == (3, "erp:9")
