"""A process that delivers twelve invoices to a target which is a file, and may be killed at a failpoint on the way.

    python -m tests.contract.ops.pusher FOLDER DATABASE_URL FAILPOINTS

The file is the witness: a line for each write that took effect, synced before it is answered.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from arsync_pipelines.domain import failpoint
from arsync_pipelines.domain.push import PushIntent
from arsync_pipelines.ops.store import open_store
from arsync_pipelines.ports.sink import Outcome, SinkCapabilities, WriteResult
from arsync_pipelines.services.deliver import Delivery, RetryPolicy
from tests.contract.ops.values import intent

KEYS = [f"k{n:02}" for n in range(12)]


@dataclass(frozen=True)
class FileTarget:
    """Implements ports.sink.Sink."""

    path: Path
    connection: str = "crm"
    system: str = "salesforce"

    @property
    def capabilities(self) -> SinkCapabilities:
        return SinkCapabilities(("invoice",), 5, 1000, {"invoice": "ar_invoice"}, request_timeout_s=0.5)

    def written(self) -> list[list[Any]]:
        """[key, payload] of each write, in order."""
        return [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []

    def write(self, _object_name: str, intents: Sequence[PushIntent]) -> WriteResult:
        with self.path.open("a") as journal:
            journal.writelines(json.dumps([i.business_key, dict(i.payload)]) + "\n" for i in intents)
            journal.flush()
            os.fsync(journal.fileno())
        return WriteResult(tuple(Outcome(i.intent_id, "acknowledged") for i in intents), requests=1)

    def read_back(self, _object_name: str, intents: Sequence[PushIntent]) -> Mapping[str, Mapping[str, Any] | None]:
        held = dict(self.written())
        return {i.business_key: held.get(i.business_key) for i in intents}


def main(folder: Path, url: str, failpoints: str) -> None:
    failpoint.arm(failpoints)
    ops = open_store(folder / "ops.sqlite", url)
    if not ops.intents.counts():
        ops.intents.add([intent(key) for key in KEYS], datetime.now(UTC))
    failpoint.failpoint("push.stored")
    policy = RetryPolicy(4, 0.01, 0.02, 5.0, lease_s=1.0)
    # one after the other here, as a lock keeps them where the store is a file; a shared store has no such lock
    Delivery(ops.intents, FileTarget(folder / "target.jsonl"), policy, alone=not ops.intents.shared).run()
    ops.checkpoints.write(datetime.now(UTC))
    ops.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
