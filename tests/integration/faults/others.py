"""Recipes that are tests already: which files they are. Each is run in a process of its own, and counted."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence

from arsync_pipelines.bootstrap import PROJECT_ROOT

RECIPES: Mapping[str, Sequence[str]] = {
    "bulk: failed, unprocessed and missing rows, aborted jobs": ["tests/unit/connectors/salesforce/test_bulk_write.py"],
    "poisoned rows in a batch refused as a whole": ["tests/unit/connectors/http/test_bisect.py"],
    "servers that ignore what they are asked, rows that do not fit": [
        "tests/unit/connectors/netsuite/test_distrust.py",
        "tests/unit/connectors/stripe/test_distrust.py",
        "tests/contract/sources/test_failures.py",
        "tests/contract/warehouse/test_loading.py",
        "tests/integration/ingest/test_landing_checks.py",
    ],
    "webhooks: duplicated, reordered, dropped, forged, replayed, killed before the answer": [
        "tests/contract/ops/test_webhook_histories.py",
        "tests/contract/ops/test_inbox_killed.py",
    ],
    "audit: edited, removed, inserted, reordered and rewritten rows": ["tests/contract/ops/test_audit.py"],
}


def passed(files: Sequence[str]) -> tuple[int, int]:
    """How many tests passed and how many did not."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|error)", done.stdout)}
    good = counts.get("passed", 0)
    return good, sum(counts.values()) - good + int(done.returncode != 0 and len(counts) < 2)
