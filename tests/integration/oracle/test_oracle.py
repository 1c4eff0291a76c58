"""Random ledgers against the oracle: items, buckets and totals to the cent, on any day, as known at any time.

The long form, ten thousand ledgers of other seeds, is `arsync bench oracle`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import told
from tests.integration.oracle.campaign import Campaign

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
LEDGERS = 500


def test_random_ledgers_agree_with_the_oracle_and_answers_stay(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "tests.integration.oracle.campaign", str(tmp_path), str(LEDGERS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1200, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    found = Campaign(**json.loads(done.stdout))
    record_property(told("Random ledgers against the oracle"), found.line)
    assert found.ledgers == LEDGERS and found.facts > 8 * LEDGERS, "ledgers worth the name"
    assert 0 < found.netsuite < LEDGERS, "one system only"
    assert found.questions > 20 * LEDGERS and found.asked_again >= 25, "hardly anything was asked"
    assert found.differences == 0, found.failing
