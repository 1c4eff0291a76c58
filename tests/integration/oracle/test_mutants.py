"""The oracle's own test: each slip of the arithmetic is noticed. All of them are told at the end of the run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import told
from tests.integration.oracle.mutants import MUTANTS, UNCHANGED, Mutant, Verdict

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def verdicts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    """Of the mutants that this run asks for, all made by one process."""
    asked = [item.callspec.params["mutant"].name for item in request.session.items if item.path == request.path]
    command = [sys.executable, "-W", "ignore", "-m", "tests.integration.oracle.workshop"]
    command += [str(tmp_path_factory.mktemp("workshop")), *asked]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1200, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return {one.name: one for line in done.stdout.splitlines() for one in [Verdict(**json.loads(line))]}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_killed(
    mutant: Mutant, verdicts: dict[str, Verdict], record_property: Callable[[str, object], None]
) -> None:
    record_property(told("Mutants of the arithmetic"), verdicts[mutant.name].line)
    assert verdicts[mutant.name].noticed


@pytest.mark.parametrize("mutant", UNCHANGED, ids=lambda mutant: mutant.name)
def test_nothing_is_noticed_where_nothing_changed(mutant: Mutant, verdicts: dict[str, Verdict]) -> None:
    """After all mutants, whose traces would tell."""
    assert verdicts[mutant.name].noticed == 0
