"""Dagster's event log in SQLite as kept here: planned events go in together, or none of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from arsync_pipelines.defs.storage import KeptEventLog

_INSTANCE = """\
storage:
  custom:
    module: arsync_pipelines.defs.storage
    class: ChosenStorage
telemetry:
  enabled: false
"""


@dg.multi_asset(specs=[dg.AssetSpec("invoices"), dg.AssetSpec("payments")])
def both() -> Any:
    yield dg.MaterializeResult(asset_key="invoices")
    yield dg.MaterializeResult(asset_key="payments")


def _planned(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    events = (entry.dagster_event for entry in instance.all_logs(run_id))
    return sorted(
        e.asset_key.to_user_string()
        for e in events
        if e is not None and e.event_type_value == "ASSET_MATERIALIZATION_PLANNED" and e.asset_key
    )


def _run(home: Path) -> list[str]:
    (home / "dagster.yaml").write_text(_INSTANCE)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        result = dg.materialize([both], instance=instance)
        assert result.success
        assert instance.get_latest_materialization_event(dg.AssetKey("payments")) is not None
        return _planned(instance, result.run_id)


def test_planned_events_are_stored_in_one_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    sizes: list[int] = []
    store = KeptEventLog.store_event_batch

    def counted(self: KeptEventLog, events: Any) -> None:
        sizes.append(len(events))
        store(self, events)

    monkeypatch.setattr(KeptEventLog, "store_event_batch", counted)
    assert _run(tmp_path) == ["invoices", "payments"]
    assert sizes == [2]
    assert "Falling back" not in capfd.readouterr().err


def test_a_batch_that_fails_leaves_nothing_and_is_stored_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    store = SqliteEventLogStorage.store_event
    seen: list[str] = []

    def once_refused(self: Any, event: Any) -> None:
        if event.dagster_event and event.dagster_event.event_type_value == "ASSET_MATERIALIZATION_PLANNED":
            seen.append(event.dagster_event.asset_key.to_user_string())
            if len(seen) == 2:
                raise OSError("the disk said no")
        store(self, event)

    monkeypatch.setattr(SqliteEventLogStorage, "store_event", once_refused)
    assert _run(tmp_path) == ["invoices", "payments"], "the first of the failed batch is not there twice"
    assert seen == ["invoices", "payments"] * 2
    assert "Falling back" in capfd.readouterr().err
