"""Tells a story to one contender and holds what that one has present against what the account holds."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from tests.fixtures.netsuite_account import Account
from tests.integration.faults.cursors.books import Books, Versions, serving
from tests.integration.faults.cursors.ours import Arsync
from tests.integration.faults.cursors.stories import Story


class Reader(Protocol):
    """One contender with a store of its own."""

    @property
    def refusals(self) -> tuple[type[Exception], ...]:
        """What it raises where it knows that something is wrong."""
        ...

    def read(self, streams: tuple[str, ...]) -> None:
        """Read on from where it was."""
        ...

    def present(self, streams: tuple[str, ...]) -> Versions:
        """What stands in its store now, as its user would look at it."""
        ...

    def noticed(self) -> str:
        """What its own comparisons with the source say is wrong; "" for nothing."""
        ...


Contender = Callable[[str, Path], Reader]
"""Makes a reader of the account at an address, with an empty folder to keep things in."""

SLIPS: Mapping[str, Contender] = {
    "late commit, 4 min below": partial(Arsync, overlap_minutes=0),
    "deleted": partial(Arsync, heeds_deletions=False),
}
"""Our own reader with a slip in it, by the story that must show it."""


@dataclass(frozen=True)
class Told:
    """Keys that are missing, stand in an older version, are there although deleted; `noticed`: what said so, if any."""

    story: Story
    expected: int
    present: int
    missing: tuple[str, ...]
    stale: tuple[str, ...]
    extra: tuple[str, ...]
    noticed: str

    @property
    def wrong(self) -> tuple[str, ...]:
        return (*self.missing, *self.stale, *self.extra)

    @property
    def said(self) -> str:
        """What was wrong, for a line of a report."""
        kinds = (("missing", self.missing), ("stale", self.stale), ("kept", self.extra))
        return ", ".join(f"{kind} {len(keys)}" for kind, keys in kinds if keys) or "all right"

    @property
    def silent(self) -> tuple[str, ...]:
        """What is wrong without anybody being told."""
        return () if self.noticed else self.wrong

    @property
    def broken(self) -> bool:
        """Whether it is less than what is promised of our own reader."""
        return bool({"present": self.wrong or self.noticed, "noticed": self.silent, "gap": False}[self.story.promise])

    def __str__(self) -> str:
        noticed = f" ({self.noticed})" if self.noticed else ""
        return f"{self.story.name}: {self.present} of {self.expected}, {self.said}{noticed}"


def told(story: Story, contender: Contender) -> Told:
    """The whole story on a fresh account, read where it says."""
    account = Account()
    account.page_size = story.page
    books = Books(account)
    errors: list[str] = []
    with tempfile.TemporaryDirectory() as folder, serving(account) as url:
        reader = contender(url, Path(folder))
        for _ in story.happens(books):
            try:
                reader.read(story.streams)
            except reader.refusals as error:
                errors.append(f"{type(error).__name__}: {str(error).splitlines()[-1].strip()}")
        held = reader.present(story.streams)
        noticed = "; ".join(dict.fromkeys(errors)) or reader.noticed()
    true = books.truth(story.streams)
    right = {key for key, version in true.items() if held.get(key) == version}
    return Told(
        story,
        len(true),
        len(right),
        tuple(sorted(true.keys() - held.keys())),
        tuple(sorted(true.keys() & held.keys() - right)),
        tuple(sorted(held.keys() - true.keys())),
        noticed,
    )


def figures(outcomes: Sequence[Told]) -> str:
    """All stories of one contender in a line."""
    expected, present = sum(one.expected for one in outcomes), sum(one.present for one in outcomes)
    missing, stale = sum(len(one.missing) for one in outcomes), sum(len(one.stale) for one in outcomes)
    kept, silent = sum(len(one.extra) for one in outcomes), sum(len(one.silent) for one in outcomes)
    return (
        f"present {present}/{expected}, missing {missing}, stale {stale}, deleted rows kept {kept}; "
        f"unnoticed of these {silent}"
    )
