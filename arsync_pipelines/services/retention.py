"""Retention: what ended longer ago than the configuration says leaves the operational store for the archive.

What may leave is data of ops/archive; here is only from when on, and that one run on a machine does it at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from arsync_pipelines.domain.errors import OpsStoreError
from arsync_pipelines.ops.archive.files import Segment
from arsync_pipelines.ops.archive.store import ArchiveStore, Before, Candidates

Progress = Callable[[Segment], None]


@dataclass(frozen=True, slots=True)
class RetentionService:
    """`keep`: how long what has ended stays in the store; `keep_audit`: how long the audit's rows do. `checkpoint`
    puts the end of the audit on record, as nothing of it leaves that no checkpoint has seen."""

    archive: ArchiveStore
    checkpoint: Callable[[datetime], object]
    keep: timedelta
    keep_audit: timedelta
    lock_dir: Path

    def before(self, now: datetime) -> Before:
        """The instants before which things may leave."""
        return Before(now - self.keep, now - self.keep_audit)

    def look(self, now: datetime) -> list[Candidates]:
        """What a run would archive; changes nothing."""
        return self.archive.look(self.before(now))

    def run(self, now: datetime, progress: Progress = lambda _segment: None) -> list[Segment]:
        """Archive it. Raises OpsStoreError when another run is at it, when files cannot be written, or when the audit
        does not hold; what was archived until then is whole, and the next run goes on."""
        self.lock_dir.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.lock_dir / "archive.lock", timeout=0):
                self.checkpoint(now)
                return self.archive.run(self.before(now), now, progress)
        except Timeout:
            raise OpsStoreError("another run is archiving; let it end, or look at what holds archive.lock") from None
