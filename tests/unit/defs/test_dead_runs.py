"""A run whose process died is closed and its pool slots are free; a run that lives is left alone."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from arsync_pipelines.defs.maintenance.dead_runs import LOCK_TAG, alive, close_dead_runs


def started(instance: dg.DagsterInstance, run_id: str, tags: dict[str, str]) -> None:
    run = dg.DagsterRun(job_name="sync_ar_job", run_id=run_id, status=dg.DagsterRunStatus.STARTED, tags=tags)
    instance.run_storage.add_run(run)


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def test_only_a_run_of_ours_whose_lock_is_free_is_dead(tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance, alive(tmp_path, "living") as tags:
        started(instance, "living", tags)
        started(instance, "dead", {LOCK_TAG: "dead"})
        started(instance, "launched-by-others", {})
        assert close_dead_runs(instance, tmp_path) == ["dead"]
        assert status(instance, "dead") is dg.DagsterRunStatus.FAILURE
        assert status(instance, "living") is dg.DagsterRunStatus.STARTED
        assert status(instance, "launched-by-others") is dg.DagsterRunStatus.STARTED


def test_slots_of_a_dead_run_are_free_again(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with dg.instance_for_test(temp_dir=str(home)) as instance:
        instance.event_log_storage.set_concurrency_slots("pool", 1)
        started(instance, "dead", {LOCK_TAG: "dead"})
        assert instance.event_log_storage.claim_concurrency_slot("pool", "dead", "step").is_claimed
        close_dead_runs(instance, tmp_path)
        assert instance.event_log_storage.claim_concurrency_slot("pool", "next", "step").is_claimed
