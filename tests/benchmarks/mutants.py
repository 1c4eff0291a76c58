"""Slips of the arithmetic, each made in the project and shown to who has to notice: the random ledgers' oracle, or
dbt's unit tests.

    arsync bench mutants
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.report import Target, main
from tests.integration.oracle.mutants import MUTANTS
from tests.integration.oracle.workshop import Builder, Workshop

TARGETS = (Target("survived", at_most=0),)


def run(scale: float = 1.0) -> dict[str, Any]:
    """The mutants one by one; of all of them how many were killed, and the seconds they took after the right builds."""
    with tempfile.TemporaryDirectory() as folder:
        workshop = Workshop(Builder(Path(folder)))
        verdicts = [workshop.verdict(mutant) for mutant in MUTANTS[: max(1, round(len(MUTANTS) * scale))]]
    survived = sum(not verdict.noticed for verdict in verdicts)
    return {
        "mutants": len(verdicts),
        "killed": len(verdicts) - survived,
        "survived": survived,
        "seconds": round(sum(verdict.seconds for verdict in verdicts), 1),
        "table": [
            {"kind": v.kind, "name": v.name, "killed_by": v.killed_by, "seconds": v.seconds, "change": v.change}
            for v in verdicts
        ],
    }


if __name__ == "__main__":
    main("mutants", run, TARGETS)
