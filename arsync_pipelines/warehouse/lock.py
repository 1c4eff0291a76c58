"""The one writer lock of a warehouse file: across processes an OS file lock, within a process re-entrant.

Who holds it is written beside it, for the message of the one that waits in vain. Nothing of databases belongs here.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from arsync_pipelines.domain.errors import WarehouseError


class WriterLock:
    """Held by one process at a time; released by the operating system when that process dies.

    Every thread of the holding process may enter: serialising single operations is the owner's business.
    """

    def __init__(self, database: Path) -> None:
        self._lock: BaseFileLock | None = None
        self._holder = Path(f"{database}.holder")
        self._database = database
        self._depth = 0
        self._mutex = threading.Lock()

    @property
    def held(self) -> bool:
        """Whether this process holds the lock."""
        return self._depth > 0

    @property
    def is_last(self) -> bool:
        """Whether the next release gives the lock back."""
        return self._depth == 1

    def acquire(self, timeout: float) -> None:
        """Enter once; waits at most `timeout` seconds for another process. Raises WarehouseError naming it."""
        with self._mutex:
            if self._depth == 0:
                self._database.parent.mkdir(parents=True, exist_ok=True)
                lock = FileLock(f"{self._database}.lock", thread_local=False)  # one made before a fork locks nothing
                try:
                    lock.acquire(timeout=timeout)
                except Timeout:
                    raise WarehouseError(
                        f"the warehouse {self._database} is being written by {self._describe_holder()}; gave up after "
                        f"{timeout:g} s. Wait for that process or stop it, then run again"
                    ) from None
                self._lock = lock
                self._sign()
            self._depth += 1

    def release(self) -> None:
        """Leave once; the last to leave gives the lock back."""
        with self._mutex:
            self._depth -= 1
            if self._depth == 0:
                self._holder.unlink(missing_ok=True)
                if self._lock is not None:
                    self._lock.release()
                    self._lock = None

    def _sign(self) -> None:
        command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:2]]).strip() or "python"
        signature = {"pid": os.getpid(), "command": command, "since": datetime.now(UTC).isoformat(timespec="seconds")}
        self._holder.write_text(json.dumps(signature))

    def _describe_holder(self) -> str:
        try:
            holder = json.loads(self._holder.read_text())
            return f"process {holder['pid']} ({holder['command']}) since {holder['since']}"
        except (OSError, ValueError, KeyError):
            return "another process"
