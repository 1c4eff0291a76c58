"""The world as the runner sees it: seed it once, then let days pass or single facts happen.

Every change is saved in world.db before a vendor hears of it, and remembered as pending until all have: a process
that was killed in between projects it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from . import events
from .business import Business
from .generator import Generator, Size
from .ledger import Ledger
from .records import Delta, Invoice
from .store import WorldStore

FILE_NAME = "world.db"


class World:
    """Opens the world of a state folder. One at a time: the caller serialises changes."""

    def __init__(self, state_dir: Path) -> None:
        self.store = WorldStore(state_dir / FILE_NAME)

    @property
    def seeded(self) -> bool:
        """Whether seeding was completed; an unfinished world is to be thrown away."""
        return bool(self.store.get("seeded", False))

    @property
    def size(self) -> Size:
        return Size(**self.store.get("size"))

    def seed(self, size: Size) -> Iterator[Delta]:
        """Makes the past, chunk by chunk; project each. Only when it was iterated to its end the world is seeded."""
        generator = Generator(size)
        for delta in generator.deltas():
            self.store.append(delta)
            yield delta
        self.store.finish()
        sizes = {"seed": size.seed, "customers": size.customers, "invoices": size.invoices, "months": size.months}
        self.store.put(size=sizes, ids=generator.ids.last, rare_ids=generator.rare_ids.last)

    def seeding_done(self) -> None:
        """Call when every vendor holds the past."""
        self.store.put(seeded=True)

    def day(self, now: datetime) -> Delta:
        """The business of the day of `now`, all of it stamped after `now`."""
        ledger = self._ledger(f"day:{now.date()}", now)
        ledger.documents.floor = now.replace(microsecond=0) + timedelta(seconds=1)
        return self._save(ledger, now, lambda: Business(ledger, self._per_day, 1.0).run())

    def stretch(self, since: datetime, now: datetime) -> Delta:
        """The share of a day's business that falls between two instants, stamped in the second after `now`."""
        ledger = self._ledger(f"stretch:{now.isoformat()}", now)
        ledger.documents.window = (now, now)
        share = (now - since) / timedelta(days=1)
        return self._save(ledger, now, lambda: Business(ledger, self._per_day, share).run())

    def event(self, kind: str, invoice_number: str | None, amount: int | None, now: datetime) -> tuple[Delta, Invoice]:
        """One fact on demand, dated today. Raises EventRefused."""
        ledger = self._ledger(f"event:{now.isoformat()}", now)
        ledger.documents.window = (now, now)
        changed: list[Invoice] = []
        act = lambda: changed.append(events.make_happen(ledger, kind, invoice_number, amount))  # noqa: E731
        delta = self._save(ledger, now, act)
        return delta, changed[0]

    def projected(self) -> None:
        """Call when every vendor has the last change."""
        self.store.put(pending_after=None)

    def pending(self) -> Delta | None:
        """What vendors may have missed because the process died; None when nothing is."""
        after = self.store.get("pending_after")
        return None if after is None else self.store.changed_after(after)

    @property
    def _per_day(self) -> float:
        size = self.size
        return size.invoices / (size.months * 30.44)

    def _ledger(self, name: str, now: datetime) -> Ledger:
        return Ledger(self.store, Random(f"{self.size.seed}:{name}"), now.date())

    def _save(self, ledger: Ledger, now: datetime, act: Callable[[], None]) -> Delta:
        with self.store.lock:
            act()
            delta = ledger.documents.delta
            self.store.save(delta, ledger.ids, pending_after=int(now.timestamp()))
        return delta
