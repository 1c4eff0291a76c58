"""Ten thousand random ledgers, five hundred to a warehouse, against the oracle: receivables in plain Python.

A ledger reaches us in three rounds, built one after the other; its items, buckets and totals are compared on five days
as known at four times, and every answer is asked for again after later rounds. What differs is made small and printed.

    arsync bench oracle
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.report import Target, main
from tests.integration.oracle.campaign import run as campaign

LEDGERS, PACK = 10_000, 500
TARGETS = (Target("differences", at_most=0),)


def run(scale: float = 1.0) -> dict[str, Any]:
    """A seed for every pack: 1, 2, ..."""
    packs = max(1, round(LEDGERS * scale / PACK))
    size = min(PACK, max(1, round(LEDGERS * scale)))
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        found = campaign(Path(folder), size, range(1, packs + 1))
    if found.failing:
        sys.stderr.write(found.failing + "\n")
    return {
        "ledgers": found.ledgers,
        "of_netsuite": found.netsuite,
        "facts": found.facts,
        "questions": found.questions,
        "asked_again": found.asked_again,
        "changed": found.changed,
        "differences": found.differences,
        "seeds": f"{found.seeds[0]} to {found.seeds[-1]}",
        "seconds": round(time.perf_counter() - started),
    }


if __name__ == "__main__":
    main("oracle", run, TARGETS)
