"""A process that stores twelve events and may be killed on the way; a line in a file for each that it acknowledged.

python -m tests.contract.ops.storer FOLDER DATABASE_URL FAILPOINTS
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from arsync_pipelines.domain import failpoint
from arsync_pipelines.domain.inbox import Event, Hint
from arsync_pipelines.ops.store import open_store

EVENTS = [f"evt_{n:02}" for n in range(12)]


def main(folder: Path, url: str, failpoints: str) -> None:
    ops = open_store(folder / "ops.sqlite", url)
    failpoint.arm(failpoints)
    with (folder / "acknowledged").open("a") as answered:
        for name in EVENTS:
            event = Event(name, "invoice.updated", (Hint("invoice", name),), b"{}")
            ops.inbox.store("pay", [event], "stripe-v1", datetime.now(UTC))
            answered.write(f"{name}\n")
            answered.flush()
            os.fsync(answered.fileno())
    ops.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
