"""What people are told of: conditions that hold, each of a kind. An alert is a condition from when it was seen first
until it is over. Pure; which conditions hold is services/alerts, which were told of is ops/alerts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum


class AlertKind(StrEnum):
    RUN_FAILED = "run_failed"
    REJECTED_ROWS = "rejected_rows"
    SLA_BREACH = "sla_breach"
    QUOTA = "quota"
    FRESHNESS = "freshness"
    RECONCILIATION = "reconciliation"


HEADLINES: dict[AlertKind, str] = {
    AlertKind.RUN_FAILED: "runs failed",
    AlertKind.REJECTED_ROWS: "kinds of rows are rejected",
    AlertKind.SLA_BREACH: "groups of cases are overdue",
    AlertKind.QUOTA: "quotas are near their end",
    AlertKind.FRESHNESS: "connections are not fresh",
    AlertKind.RECONCILIATION: "differences in reconciliation",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that holds now. `key` is the same for as long as it is the same condition; `title` says what, `text`
    why and what to do; `count`: how many of it (rows, cases, streams); `run_id` leads to a run."""

    kind: AlertKind
    key: str
    title: str
    text: str
    count: int = 1
    run_id: str = ""

    @property
    def fingerprint(self) -> str:
        """Kind and key in 32 hexadecimal digits."""
        return hashlib.sha256(f"{self.kind}\0{self.key}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Quota:
    """How much of something a system lets us have: `used` of `allowed`."""

    name: str
    used: int
    allowed: int

    @property
    def percent(self) -> int:
        """Used up, in whole percent."""
        return 100 * self.used // self.allowed if self.allowed > 0 else 100
