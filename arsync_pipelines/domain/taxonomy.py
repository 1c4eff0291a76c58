"""What a failure code means, as data that cases, alerts and documentation all read: how it is handled, whose it is, how
soon it is due, and what to do.

    technical   transient, permanent, ambiguous   retried by itself, or a set-up that is wrong
    business    business                          never retried blindly: a person corrects the data, or waives it

Codes of arsync itself stand here; a vendor's stand in its connector. A code that stands nowhere falls to a default of
its class which says so. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import get_args

from arsync_pipelines.domain.push import FailureClass
from arsync_pipelines.domain.teams import Team

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.]*")


@dataclass(frozen=True, slots=True)
class Failure:
    """One line of the taxonomy.

    `title` says what it is; `owner` the team that acts; `sla_hours` from when a case of it opens until it should be
    closed; `advice` what to do. `system`: the vendor whose code it is, "" where it is arsync's own.
    """

    code: str
    failure_class: FailureClass
    title: str
    owner: Team
    sla_hours: int
    advice: str
    system: str = ""

    def __post_init__(self) -> None:
        where = f"failure {self.system} {self.code}".replace("  ", " ")
        if not _CODE.fullmatch(self.code):
            raise ValueError(f"{where}: a code is a letter followed by letters, digits, _ and .")
        if self.owner not in get_args(Team):
            raise ValueError(f"{where}: owner {self.owner!r} is no team of domain.teams")
        if self.sla_hours < 1:
            raise ValueError(f"{where}: an SLA is at least one hour")
        if not self.title.strip() or not self.advice.strip():
            raise ValueError(f"{where}: title and advice are what people read; neither may be empty")

    @property
    def is_technical(self) -> bool:
        """Whether it is of the technical kind."""
        return self.failure_class is not FailureClass.BUSINESS


@dataclass(frozen=True, slots=True)
class Change:
    """Another owner or SLA for a code; None leaves it as it is."""

    code: str
    system: str = ""
    owner: Team | None = None
    sla_hours: int | None = None


UNKNOWN_TECHNICAL = Failure(
    "UNKNOWN_TECHNICAL", FailureClass.PERMANENT, "a technical failure whose code arsync does not know",
    "data_engineering", 8,
    "read the message of the case; if it recurs, add its code to the taxonomy of the connector",
)  # fmt: skip
UNKNOWN_BUSINESS = Failure(
    "UNKNOWN_BUSINESS", FailureClass.BUSINESS, "a refusal whose code arsync does not know",
    "sales_operations", 24,
    "read the message of the case and correct the record it names; if it recurs, add its code to the taxonomy",
)  # fmt: skip


class Taxonomy:
    """All lines in force. Raises ValueError when two lines name the same code of the same system."""

    def __init__(
        self, failures: Iterable[Failure], defaults: tuple[Failure, Failure] = (UNKNOWN_TECHNICAL, UNKNOWN_BUSINESS)
    ) -> None:
        self._technical, self._business = defaults
        self._lines: dict[tuple[str, str], Failure] = {}
        for failure in (*failures, *defaults):
            key = (failure.system, failure.code)
            if key in self._lines:
                raise ValueError(f"taxonomy: {failure.code} of {failure.system or 'arsync'} stands in it twice")
            self._lines[key] = failure

    def with_changes(self, changes: Iterable[Change]) -> Taxonomy:
        """This one with other owners and SLAs. Raises ValueError for a code that stands nowhere, or is named twice."""
        lines = dict(self._lines)
        changed: set[tuple[str, str]] = set()
        for change in changes:
            key, of = (change.system, change.code), change.system or "arsync"
            if key not in lines:
                raise ValueError(f"{change.code} of {of} is no failure code; docs/reference/failures.md lists them")
            if key in changed:
                raise ValueError(f"{change.code} of {of} is changed twice")
            changed.add(key)
            line = lines[key]
            lines[key] = replace(line, owner=change.owner or line.owner, sla_hours=change.sla_hours or line.sla_hours)
        technical, business = lines.pop(("", self._technical.code)), lines.pop(("", self._business.code))
        return Taxonomy(lines.values(), (technical, business))

    @property
    def lines(self) -> list[Failure]:
        """All lines: arsync's own first, then by vendor; technical before business."""
        return sorted(self._lines.values(), key=lambda f: (f.system, not f.is_technical, f.code))

    def find(self, system: str, code: str, failure_class: FailureClass | None) -> Failure:
        """The system's line for a code, else arsync's own for it, else the default of its class (None: technical)."""
        found = self._lines.get((system, code)) or self._lines.get(("", code))
        if found is not None:
            return found
        return self._business if failure_class is FailureClass.BUSINESS else self._technical
