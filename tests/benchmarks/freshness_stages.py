"""Where a change's time goes between the ERP and the CRM, as Dagster's event log has it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

STAGES = ("sensor", "queue", "launch", "ingest", "build", "publish", "handover", "push")
"""In order: until a run is asked for, until it is taken from the queue, until its process works, its steps, from the
snapshot to the step that pushes, and from there until the CRM shows it."""

_STEPS = {"ingest_": "ingest", "dbt_build": "build", "published__ar_snapshot": "publish", "push_": "push"}


@dataclass(frozen=True, slots=True)
class Mark:
    """An event of a run: `what` as Dagster names it, `step` "" for the run's own."""

    at: float
    run: str
    what: str
    step: str = ""


@dataclass(frozen=True, slots=True)
class Stages:
    """Seconds by stage, of one change; a stage that the log does not show is missing."""

    seconds: dict[str, float]


def stages(posted: float, seen: float, marks: Iterable[Mark]) -> Stages:
    """Split `posted` to `seen` (seconds of the epoch) by the events of the runs of that time."""
    ordered = sorted((m for m in marks if m.at >= posted), key=lambda m: m.at)
    points: dict[str, float] = {"posted": posted}
    for mark in ordered:
        if (name := _point(mark)) and mark.at <= seen:
            # of several steps of a kind the last that ended before the push counts
            if name.endswith("_end") and "push_begin" not in points:
                points[name] = mark.at
            points.setdefault(name, mark.at)
    points["seen"] = seen
    wanted = {
        "sensor": ("posted", "enqueued"),
        "queue": ("enqueued", "starting"),
        "launch": ("starting", "ingest_begin"),
        "ingest": ("ingest_begin", "ingest_end"),
        "build": ("build_begin", "build_end"),
        "publish": ("publish_begin", "publish_end"),
        "handover": ("publish_end", "push_begin"),
        "push": ("push_begin", "seen"),
    }
    return Stages(
        {
            name: round(points[end] - points[begin], 1)
            for name, (begin, end) in wanted.items()
            if begin in points and end in points
        }
    )


def _point(mark: Mark) -> str:
    if mark.what in {"PIPELINE_ENQUEUED", "PIPELINE_STARTING"}:
        return {"PIPELINE_ENQUEUED": "enqueued", "PIPELINE_STARTING": "starting"}[mark.what]
    kind = next((kind for prefix, kind in _STEPS.items() if mark.step.startswith(prefix)), "")
    end = {"STEP_START": "begin", "STEP_SUCCESS": "end"}.get(mark.what, "")
    return f"{kind}_{end}" if kind and end else ""


def stages_since(posted: float, seen: float) -> Stages:
    """As `stages`, from the instance of the environment."""
    import dagster as dg

    marks = []
    with dg.DagsterInstance.get() as instance:
        for record in instance.get_run_records(limit=6):
            run_id = record.dagster_run.run_id
            for entry in instance.all_logs(run_id, of_type=_KINDS()):
                event = entry.dagster_event
                if event is not None:
                    marks.append(Mark(entry.timestamp, run_id, event.event_type_value, event.step_key or ""))
    return stages(posted, seen, marks)


def _KINDS() -> set[object]:
    import dagster as dg

    kinds = dg.DagsterEventType
    return {kinds.PIPELINE_ENQUEUED, kinds.PIPELINE_STARTING, kinds.STEP_START, kinds.STEP_SUCCESS}


def quantile(ordered: Sequence[float], share: float) -> float:
    """Of ordered values the smallest that `share` of them do not exceed; 0 of none."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else 0.0
