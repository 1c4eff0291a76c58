"""How old the CRM is: an invoice posted in the ERP's stand-in until the account in the CRM's stand-in shows it.

Everything runs as `make demo` starts it: the stand-ins, the gateway that NetSuite's user event script calls, and
`dagster dev` with its own daemon, sensors and run queue. A probe posts an invoice through NetSuite's record API and
asks Salesforce every quarter of a second until the invoice is there and its account's open balance has moved. Between
two probes is a random rest, as people post when they like. Dagster's own event log tells where the time went.

The history is made and brought over first, which takes a quarter of an hour; ARSYNC_BENCH_FOLDER keeps it for the next.
With ARSYNC_BENCH_POLL nobody calls the gateway, and the sensors find the invoices by asking.

    arsync bench freshness
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from arsync_pipelines.cli.demo.world import World, running_world
from tests.benchmarks.freshness_run import at_rest, installed, living
from tests.benchmarks.freshness_stages import STAGES, Stages, quantile, stages_since
from tests.benchmarks.report import Target, main
from tests.fixtures.freshness_probe import Prober

INVOICES, PROBES = 200_000, 20
REST_S, LONGEST_S = (2.0, 12.0), 300.0
TARGETS = (
    Target("p95_s", at_most=60),
    Target("probes", at_least=PROBES),
    Target("never_seen", at_most=0),
    Target("history_invoices", at_least=INVOICES),
)


def run(scale: float = 1.0) -> dict[str, Any]:
    """Seconds from posting to seeing, p50, p95 and the longest, and the median of every stage."""
    invoices = max(200, round(INVOICES * scale))
    began = time.monotonic()
    with _folder() as folder, running_world(folder / "sandbox", 7, max(20, invoices // 10), invoices) as world:
        polls = bool(os.environ.get("ARSYNC_BENCH_POLL"))
        installed(world, folder)
        ready = time.monotonic() - began
        with living(world, folder, hints=not polls):
            seen, stages, loads = _probed(world, max(3, round(PROBES * min(1.0, scale * 10))))
    found = sorted(s for s in seen if s is not None)
    return {
        "history_invoices": invoices,
        "way": "polls" if polls else "hints",
        "probes": len(seen),
        "never_seen": len(seen) - len(found),
        "p50_s": quantile(found, 0.5),
        "p95_s": quantile(found, 0.95),
        "max_s": max(found, default=0.0),
        "load_average": round(sum(loads) / len(loads), 1),
        "ready_after_s": round(ready),
        "table": [
            {"stage": name, "median_s": quantile(spent, 0.5), "p95_s": quantile(spent, 0.95)}
            for name in STAGES
            if (spent := sorted(s.seconds[name] for s in stages if name in s.seconds))
        ],
    }


def _probed(world: World, count: int) -> tuple[list[float | None], list[Stages], list[float]]:
    chance = random.Random(7)
    seen: list[float | None] = []
    stages: list[Stages] = []
    loads: list[float] = []
    with closing(Prober(world)) as prober:
        for number in range(count):
            posted_at = time.time()
            probe = prober.post(number)
            seconds = prober.wait(probe, LONGEST_S)
            seen.append(None if seconds is None else round(seconds, 1))
            loads.append(os.getloadavg()[0])
            if seconds is not None:
                at_rest(60.0)  # the run is over: its last events are written
                stages.append(stages_since(posted_at, posted_at + seconds))
            told = ", ".join(f"{name} {spent}" for name, spent in (stages[-1].seconds if stages else {}).items())
            sys.stderr.write(f"probe {number + 1}: {seen[-1]} s ({told}); load {loads[-1]:.1f}\n")
            time.sleep(chance.uniform(*REST_S))
    return seen, stages, loads


@contextmanager
def _folder() -> Iterator[Path]:
    if kept := os.environ.get("ARSYNC_BENCH_FOLDER"):
        yield Path(kept)
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


if __name__ == "__main__":
    main("freshness", run, TARGETS)
