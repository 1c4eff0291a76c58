"""The time that the sandboxed business believes in.

Only business stamps (created, modified, posted) come from here. Authentication runs on real time: tokens expire, and
signatures go stale, by the wall clock that the client uses too.
"""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

WORLD_NOW = datetime(2026, 7, 1, 6, 0, tzinfo=UTC)

# how far ahead of the file a fast clock may run before it must be written again, in real seconds
_LEASE_S = 5.0


class VirtualClock:
    """`now = anchor + real seconds since the anchor x rate`, kept in one small file.

    With rate 1 the clock goes on while the process is down. With any other rate it does not, and never goes back
    either: a restart begins at the latest instant that the killed process could have shown.
    """

    def __init__(self, path: Path, start: datetime = WORLD_NOW) -> None:
        self._path = path
        self._lock = threading.Lock()
        if path.exists():
            saved = json.loads(path.read_text())
            running = datetime.fromisoformat(saved["anchor"]) + timedelta(seconds=max(0.0, time.time() - saved["real"]))
            ceiling = datetime.fromisoformat(saved["ceiling"])
            self._anchor = running if saved["rate"] == 1.0 else ceiling
            self._rate = float(saved["rate"])
        else:
            self._anchor = start
            self._rate = 1.0
        self._real = time.time()
        self._save()

    @property
    def rate(self) -> float:
        """Virtual seconds per real second."""
        return self._rate

    def now(self) -> datetime:
        """The present, an aware UTC datetime."""
        with self._lock:
            return self._now()

    def today(self) -> date:
        return self.now().date()

    def advance(self, step: timedelta) -> datetime:
        """Jumps ahead. Raises ValueError for a negative step: stamps already given out would lie in the future."""
        if step < timedelta(0):
            raise ValueError("the virtual clock only moves forward; give a step of zero or more")
        with self._lock:
            self._set_anchor(self._now() + step)
            return self._anchor

    def start_over(self, instant: datetime = WORLD_NOW) -> None:
        """Begins anew at `instant`; after seeding, never in a world that has already shown a time."""
        with self._lock:
            self._set_anchor(instant)

    def set_rate(self, rate: float) -> None:
        if rate < 0:
            raise ValueError(f"live rate {rate} is negative; give virtual seconds per real second, 0 to stand still")
        with self._lock:
            now = self._now()
            self._rate = rate
            self._set_anchor(now)

    def checkpoint(self) -> None:
        """Writes the present down; a clock with a rate other than 1 must be checkpointed more often than every 5 s."""
        with self._lock:
            self._set_anchor(self._now())

    def _now(self) -> datetime:
        return self._anchor + timedelta(seconds=max(0.0, time.time() - self._real) * self._rate)

    def _set_anchor(self, instant: datetime) -> None:
        self._anchor = instant
        self._real = time.time()
        self._save()

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        ceiling = self._anchor + timedelta(seconds=_LEASE_S * self._rate)
        temporary = self._path.with_suffix(".tmp")
        temporary.write_text(
            json.dumps(
                {
                    "anchor": self._anchor.isoformat(),
                    "real": self._real,
                    "rate": self._rate,
                    "ceiling": ceiling.isoformat(),
                }
            )
        )
        temporary.replace(self._path)
