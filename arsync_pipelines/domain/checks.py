"""The result of one data check, wherever it ran: a dbt test, a GX expectation, or one of our own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """`subject` is the table (or payload) looked at, `name` the check on it; an `error` that failed blocks.

    `failing` counts the rows (or groups) that break the rule among `checked`; `sample` shows a few of them.
    """

    subject: str
    name: str
    passed: bool
    severity: Severity = "error"
    checked: int = 0
    failing: int = 0
    detail: str = ""
    sample: Sequence[Mapping[str, Any]] = field(default_factory=tuple)

    @property
    def blocks(self) -> bool:
        return not self.passed and self.severity == "error"


def summary(results: Sequence[CheckResult]) -> str:
    """One line for a person: what failed and where."""
    failed = [r for r in results if r.blocks]
    if not failed:
        return f"{len(results)} checks passed"
    names = "; ".join(
        f"{r.subject}: {r.name} ({r.failing} rows{', ' + r.detail if r.detail else ''})" for r in failed[:5]
    )
    more = f" and {len(failed) - 5} more" if len(failed) > 5 else ""
    return f"{len(failed)} of {len(results)} checks failed: {names}{more}"
