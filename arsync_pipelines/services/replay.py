"""Replaying what is held: rejected and dead intents wait again, and the next push sends those still wanted.

Nothing is sent here. The next push plans first: what is no longer a difference, or differs otherwise by now, is
superseded and never sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from arsync_pipelines.ops.held import Held, HeldFilter, HeldStore
from arsync_pipelines.services.push import at_rest


@dataclass(frozen=True, slots=True)
class Replayed:
    """`found` were held; `moved` of them wait now, the others were no longer held or overtaken by a newer version."""

    found: tuple[Held, ...]
    moved: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReplayService:
    """Replays over one store; `lock_dir` is the one in which pushes are locked."""

    held: HeldStore
    lock_dir: Path

    def look(self, wanted: HeldFilter) -> list[Held]:
        """What a replay would move; moves nothing."""
        return self.held.find(wanted)

    def replay(self, wanted: HeldFilter, actor: str, reason: str, now: datetime) -> Replayed:
        """Let what is held wait again.

        Takes turns with pushes of the connection: one under way would send it without having planned with it. Raises
        ValueError without a reason, SinkError when a push does not end.
        """
        if not reason.strip():
            raise ValueError("a replay needs a reason")
        found = self.held.find(wanted)
        moved: list[str] = []
        for connection in sorted({held.connection for held in found}):
            with at_rest(self.lock_dir, connection):
                ids = _of(connection, found)
                moved += self.held.replay(ids, now, actor, reason)
        return Replayed(tuple(found), tuple(moved))


def _of(connection: str, found: Sequence[Held]) -> list[str]:
    return [held.intent_id for held in found if held.connection == connection]
