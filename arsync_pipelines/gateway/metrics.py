"""Prometheus' text format (0.0.4), written by hand: six counters and three gauges need no library."""

from __future__ import annotations

from collections.abc import Mapping

from arsync_pipelines.services.receive import OUTCOMES

CONTENT_TYPE = "text/plain; version=0.0.4"

_HELP = {
    "received": "Events stored.",
    "duplicates": "Events that were stored before.",
    "forged": "Deliveries without a signature that holds.",
    "stale": "Deliveries signed too long ago: replays.",
    "unreadable": "Signed deliveries that could not be read.",
    "refused": "Deliveries that could not be stored; the source was told to send them again.",
}


def render(counts: Mapping[tuple[str, str], int], waiting: Mapping[str, tuple[int, float]] | None) -> str:
    """Counters of this process since it began; gauges of the store.

    `waiting`: connection -> (events not settled, age of the oldest in seconds); None when the store does not answer.
    """
    connections = sorted({connection for connection, _ in counts} | set(waiting or ()))
    lines = []
    for outcome in OUTCOMES:
        name = f"arsync_webhook_{outcome}_total"
        lines += [f"# HELP {name} {_HELP[outcome]}", f"# TYPE {name} counter"]
        lines += [f"{name}{_labels(c)} {counts.get((c, outcome), 0)}" for c in connections]
    lines += ["# HELP arsync_store_up Whether the operational store answers.", "# TYPE arsync_store_up gauge"]
    lines.append(f"arsync_store_up {0 if waiting is None else 1}")
    if waiting is not None:
        name = "arsync_inbox_pending"
        lines += [f"# HELP {name} Events whose records are not read again yet.", f"# TYPE {name} gauge"]
        lines += [f"{name}{_labels(c)} {waiting.get(c, (0, 0.0))[0]}" for c in connections]
        name = "arsync_inbox_oldest_pending_seconds"
        lines += [f"# HELP {name} Age of the oldest of them.", f"# TYPE {name} gauge"]
        lines += [f"{name}{_labels(c)} {waiting.get(c, (0, 0.0))[1]}" for c in connections]
    return "\n".join(lines) + "\n"


def _labels(connection: str) -> str:
    escaped = connection.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{{connection="{escaped}"}}'
