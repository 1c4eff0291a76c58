"""Actors on a virtual clock, one at a time: each is a thread that runs until it rests, and who rests least goes next.

Which of several goes first is drawn from the seed, so one seed is one history.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

START = datetime(2026, 1, 1, tzinfo=UTC)


class Killed(BaseException):
    """The actor's process is gone: nothing of it runs any more, no `except` and no clean-up."""


@dataclass
class Actor:
    """One process. `dead`: it was killed."""

    name: str
    body: Callable[[Actor], None]
    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    dead: bool = False


class Scheduler:
    """The clock and the actors. Nothing here is called by two at once."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.at = START
        self._queue: list[tuple[datetime, float, int, Actor]] = []
        self._done = threading.Semaphore(0)
        self._error: BaseException | None = None
        self._count = 0

    def now(self) -> datetime:
        """The time, a microsecond later each time it is asked."""
        self.at += timedelta(microseconds=1)
        return self.at

    def seconds(self) -> float:
        """Since the beginning."""
        return (self.at - START).total_seconds()

    def start(self, actor: Actor, after: float = 0.0) -> None:
        """Let an actor begin in `after` seconds."""
        self._enqueue(actor, after)
        threading.Thread(target=self._run, args=(actor,), name=actor.name, daemon=True).start()

    def rest(self, actor: Actor, seconds: float) -> None:
        """Called by an actor: others go on until its time has come. Raises Killed when it was killed meanwhile."""
        self._enqueue(actor, seconds)
        if (following := self._next()) is not actor:  # else nobody has anything to do before: no switch of threads
            following.go.release()
            actor.go.acquire()
        if actor.dead:
            raise Killed

    def run(self) -> None:
        """Until every actor has ended. Raises what one ended with, other than by being killed."""
        self._next().go.release()
        self._done.acquire()
        if self._error is not None:
            raise self._error

    def _next(self) -> Actor:
        """Whose turn it is; the clock is moved to it."""
        due, _, _, actor = heapq.heappop(self._queue)
        self.at = max(self.at, due)
        return actor

    def _enqueue(self, actor: Actor, seconds: float) -> None:
        self._count += 1
        due = self.at + timedelta(seconds=seconds)
        heapq.heappush(self._queue, (due, self.chance.random(), self._count, actor))

    def _run(self, actor: Actor) -> None:
        actor.go.acquire()
        try:
            actor.body(actor)
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001 - told to who runs the scheduler
            self._error = error
        if self._error is not None or not self._queue:
            self._done.release()
        else:
            self._next().go.release()
