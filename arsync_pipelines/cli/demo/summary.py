"""What a demo tells a person at its end, and what it writes for machines."""

from __future__ import annotations

import json
import os
import platform as machine
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from arsync_pipelines.bootstrap import Platform
from arsync_pipelines.cli.console import out, table
from arsync_pipelines.cli.demo.proof import Proof
from arsync_pipelines.cli.jobs import summarise
from arsync_pipelines.defs.maintenance.runner import RunOutcome
from arsync_pipelines.services import gate


@dataclass(slots=True)
class Course:
    """What is known of a demo so far: `outcome` of the main job, `expectations` at the gate, `proof`; None before."""

    size: dict[str, int]
    outcome: RunOutcome | None = None
    expectations: int | None = None
    proof: Proof | None = None
    error: str = ""
    started: float = field(default_factory=time.perf_counter)


def make_report(course: Course) -> dict[str, Any]:
    """The document of report.json. Parts that the demo did not come to are null; `error` says why it ended early."""
    about = {"cpus": os.cpu_count(), "system": machine.platform(), "python": machine.python_version()}
    return {
        "elapsed_s": round(time.perf_counter() - course.started, 1),
        "error": course.error,
        "machine": about,
        "size": course.size,
        **(_of_run(course.outcome, course.expectations) if course.outcome else dict.fromkeys(_RUN)),
        "proof": asdict(course.proof) if course.proof else None,
    }


_RUN = ("ingest", "build", "quality", "publish", "push")


def _of_run(outcome: RunOutcome, expectations: int | None) -> dict[str, Any]:
    run = summarise(outcome)
    suites = [check for check in outcome.checks if check[1].endswith("_expectations")]
    tests = [check for check in outcome.checks if not check[1].endswith("_expectations")]
    models = [n for n in outcome.metadata if not n.startswith(("raw_", "salesforce__")) and n != "ar_snapshot"]
    snapshot = outcome.metadata.get("ar_snapshot", {})
    return {
        "ingest": {
            name.removeprefix("raw_"): {"rows": m["rows_read"], "pages": m["pages"], "seconds": m["seconds"]}
            for name, m in run["ingest"].items()
        },
        "build": {
            "models": len(models),
            "tests": len(tests),
            "failed": sum(not passed and severity == "ERROR" for *_, passed, severity in tests),
            "warned": sum(not passed and severity == "WARN" for *_, passed, severity in tests),
        },
        "quality": {
            "suites": len(suites),
            "expectations": expectations,
            "failed": sum(not passed and severity == "ERROR" for *_, passed, severity in suites),
        },
        "publish": {"snapshot": snapshot.get("snapshot_id"), "tables": snapshot.get("tables")},
        "push": {
            name.split("__", 1)[1]: {k: m[k] for k in ("planned", "acknowledged", "rejected", "requests")}
            for name, m in run["push"].items()
        },
    }


def everything_held(report: dict[str, Any], proof: Proof) -> bool:
    """Exit status 0 only if this is so."""
    rejected = sum(o["rejected"] + o["planned"] - o["acknowledged"] for o in report["push"].values())
    failed = report["build"]["failed"] + report["quality"]["failed"]
    return proof.holds and failed == 0 and rejected == 0 and bool(report["push"])


def write_report(report: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2, default=str) + "\n", encoding="utf-8")


def print_summary(report: dict[str, Any], held: bool) -> None:
    """The figures that matter, in the order in which the data went."""
    ingest, build, quality, proof = report["ingest"], report["build"], report["quality"], report["proof"]
    by_system: Counter[str] = Counter()
    for name, stream in ingest.items():
        by_system[name.split("__")[0]] += stream["rows"]
    out.print()
    out.rule("[bold]arsync: receivables, checked and in the CRM")
    read = ", ".join(f"{rows:,} from {system.capitalize()}" for system, rows in by_system.items())
    out.print(f"Read       {sum(by_system.values()):,} rows ({read})")
    tested = f"{build['tests']} tests, {build['failed']} failed, {build['warned']} warned"
    out.print(f"Built      {build['models']} models; {tested}")
    out.print(
        f"Checked    {quality['suites']} suites, {quality['expectations']} expectations, {quality['failed']} failed"
    )
    out.print(f"Published  snapshot {report['publish']['snapshot']} with {report['publish']['tables']} tables")
    for name, pushed in report["push"].items():
        out.print(
            f"Pushed     {pushed['acknowledged']:,} of {pushed['planned']:,} {name.replace('_', ' ')} records "
            f"in {pushed['requests']} requests"
        )
    out.print()
    figures = ("aging_total", "subledger", "gl_control", "difference")
    table(
        "Tie-out: aging + unapplied = sub-ledger = GL control account",
        ["legal entity", "currency", "aging*", "sub-ledger*", "GL control*", "difference*"],
        [(r["legal_entity"], r["currency"], *[f"{Decimal(r[k]):,}" for k in figures]) for r in proof["tieout"]],
    )
    for kind in ("accounts", "balances", "invoices"):
        out.print(f"CRM        {proof[f'{kind}_compared']:,} {kind} compared, {proof[f'{kind}_different']:,} different")
    for example in proof["examples"][:5]:
        out.print(f"           [red]{example}[/]")
    verdict = (
        "[bold green]everything agrees, to the cent[/]" if held else "[bold red]NOT everything agrees: see above[/]"
    )
    out.print(f"\n{verdict} ({report['elapsed_s']:.0f} s)")


def expectations(platform: Platform) -> int:
    """Landing expectations whose last result stands at the gate."""
    with platform.warehouse.writing():
        return sum(row["origin"] == "landing" for row in gate.stored(platform.warehouse))
