"""`arsync bench NAME`: runs a measurement or a long proof of tests/benchmarks in a process of its own.

Each prints machine, sizes and peers; --json makes it one document (a list of them for `all`), --check exits non-zero
below a target.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Annotated, Any

import typer

from arsync_pipelines.bootstrap import PROJECT_ROOT
from arsync_pipelines.cli.console import err, print_json

NAMES = ("ingest", "build", "asof", "push", "burst", "freshness", "mutants", "oracle", "tryton", "faults", "drt")
_SEEDED = ("faults",)


def bench(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(NAMES)}, or all.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document; a list for all.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Exit non-zero when a figure misses its target.")] = False,
    scale: Annotated[float, typer.Option(help="Fraction of the full size, for a quick look.")] = 1.0,
    seeds: Annotated[int, typer.Option(help="For faults: how many seeds to simulate; 0: 1,000.", min=0)] = 0,
) -> None:
    """Measure, and print machine, sizes, peers and figures."""
    if name not in (*NAMES, "all"):
        err.print(f"no benchmark {name!r}; there are: {', '.join((*NAMES, 'all'))}")
        raise typer.Exit(2)
    if seeds and name not in (*_SEEDED, "all"):
        err.print(f"{name} has no seeds; there are some for: {', '.join(_SEEDED)}")
        raise typer.Exit(2)
    status = 0
    documents: list[Any] = []
    for each in NAMES if name == "all" else (name,):
        command = [sys.executable, "-m", f"tests.benchmarks.{each}", "--scale", str(scale)]
        command += ["--seeds", str(seeds)] if seeds and each in _SEEDED else []
        command += ["--json"] if as_json else []
        command += ["--check"] if check else []
        done = subprocess.run(
            command, cwd=PROJECT_ROOT, check=False, stdout=subprocess.PIPE if as_json else None, text=True
        )
        status = max(status, abs(done.returncode))  # negative: ended by a signal
        if as_json:
            documents.append(_document(each, done))
    if as_json:
        print_json(documents if name == "all" else documents[0])
    raise typer.Exit(status)


def _document(name: str, done: subprocess.CompletedProcess[str]) -> Any:
    """What a benchmark printed; where it ended before that, how."""
    try:
        return json.loads(done.stdout)
    except ValueError:
        return {"bench": name, "error": f"ended with {done.returncode} and without a document"}
