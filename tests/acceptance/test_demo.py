"""`arsync demo --once`, as a person types it: it ends with 0 and leaves the report that machines read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.acceptance import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small demo that was shown once."""
    folder = tmp_path_factory.mktemp("demo")
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("ARSYNC_", "DAGSTER_"))}
    command = [sys.executable, "-m", "arsync_pipelines.cli", "demo", "--once", "--customers", "30", "--invoices", "150"]
    with (folder / "demo.log").open("wb") as log:
        done = subprocess.run(
            [*command, "--directory", str(folder / "demo")],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**outside, "PYTHONPATH": str(ROOT)},
            check=False,
            timeout=600,
        )
    assert done.returncode == 0, (folder / "demo.log").read_text()[-3000:]
    return folder


def test_the_report_tells_what_the_main_job_did(demo: Path) -> None:
    report: dict[str, Any] = json.loads((demo / "demo" / "report.json").read_text())
    assert report["error"] == "" and report["elapsed_s"] > 0
    assert all(set(stream) == {"rows", "pages", "seconds"} for stream in report["ingest"].values())
    assert report["ingest"]["netsuite__customer"]["rows"] >= 30
    assert report["build"]["models"] > 50 and report["build"]["tests"] > 50 and report["build"]["failed"] == 0
    assert report["quality"]["suites"] > 10 and report["quality"]["expectations"] > report["quality"]["suites"]
    assert report["quality"]["failed"] == 0
    assert report["publish"]["snapshot"] and report["publish"]["tables"] > 10
    assert set(report["push"]) == {"account", "account_balance", "invoice"}
    for pushed in report["push"].values():
        assert set(pushed) == {"planned", "acknowledged", "rejected", "requests"}
        assert pushed["planned"] == pushed["acknowledged"] > 0 and pushed["rejected"] == 0 < pushed["requests"]


def test_the_report_proves_the_crm_against_the_world(demo: Path) -> None:
    proof = json.loads((demo / "demo" / "report.json").read_text())["proof"]
    figures = {"legal_entity", "currency", "aging_total", "subledger", "gl_control", "difference"}
    assert proof["tieout"] and all(figures <= set(row) for row in proof["tieout"])
    assert {row["difference"] for row in proof["tieout"]} == {"0.00"}
    assert {row["currency"] for row in proof["tieout"]} >= {"USD", "EUR", "GBP", "JPY"}
    assert proof["accounts_compared"] > 0 and proof["accounts_different"] == 0
    assert proof["invoices_compared"] > 0 and proof["invoices_different"] == 0


def test_the_summary_says_that_everything_agrees(demo: Path) -> None:
    assert "everything agrees, to the cent" in (demo / "demo.log").read_text()
