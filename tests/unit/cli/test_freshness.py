"""The parts of `arsync bench freshness`: stages from Dagster's events, and quantiles."""

from __future__ import annotations

from tests.benchmarks.freshness_stages import STAGES, Mark, quantile, stages

ONE_RUN = [
    Mark(90.0, "before", "PIPELINE_ENQUEUED"),
    Mark(104.0, "r", "PIPELINE_ENQUEUED"),
    Mark(105.0, "r", "PIPELINE_STARTING"),
    Mark(107.0, "r", "STEP_START", "ingest_netsuite"),
    Mark(110.0, "r", "STEP_SUCCESS", "ingest_netsuite"),
    Mark(110.5, "r", "STEP_START", "dbt_build"),
    Mark(120.5, "r", "STEP_SUCCESS", "dbt_build"),
    Mark(121.0, "r", "STEP_START", "published__ar_snapshot"),
    Mark(123.0, "r", "STEP_SUCCESS", "published__ar_snapshot"),
    Mark(124.0, "r", "STEP_START", "push_salesforce"),
    Mark(131.0, "r", "STEP_SUCCESS", "push_salesforce"),
]


def test_stages_lie_between_the_events_of_a_run() -> None:
    found = stages(100.0, 128.0, ONE_RUN).seconds
    assert found == {
        "sensor": 4.0, "queue": 1.0, "launch": 2.0, "ingest": 3.0, "build": 10.0, "publish": 2.0, "handover": 1.0,
        "push": 4.0,
    }  # fmt: skip
    assert set(found) == set(STAGES)


def test_a_second_run_that_pushes_is_a_handover_and_what_is_not_told_is_missing() -> None:
    two = [m for m in ONE_RUN if m.step != "push_salesforce"]
    two += [Mark(140.0, "p", "PIPELINE_ENQUEUED"), Mark(150.0, "p", "STEP_START", "push_salesforce")]
    found = stages(100.0, 155.0, two).seconds
    assert (found["handover"], found["push"]) == (27.0, 5.0)
    assert "push" not in stages(100.0, 130.0, two).seconds


def test_quantiles_are_values_that_were_measured() -> None:
    values = [float(n) for n in range(1, 21)]
    assert (quantile(values, 0.5), quantile(values, 0.95), quantile([], 0.95)) == (10.0, 19.0, 0.0)
