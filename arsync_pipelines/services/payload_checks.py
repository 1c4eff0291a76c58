"""The border where data leaves: ownership and expectations, before anything is stored or sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arsync_pipelines.domain.checks import CheckResult
from arsync_pipelines.domain.ownership import RECEIVABLES, not_owned_by
from arsync_pipelines.quality import suites
from arsync_pipelines.quality.validate import validate
from arsync_pipelines.services.plan import Difference

OWNED = "fields_owned_by_erp_or_collections"
_CHUNK = 50_000


@dataclass(frozen=True, slots=True)
class PayloadChecks:
    """Callable for services.push: a payload without a suite fails, because the default of the border is closed."""

    root: Path

    def __call__(self, system: str, object_name: str, differences: Sequence[Difference]) -> list[CheckResult]:
        subject = f"payload_{system}__{object_name}"
        ownership = _ownership(subject, object_name, differences)
        suite = suites.find(self.root, "payload", system, object_name)
        if suite is None:
            detail = f"expectations/payload/{system}/{object_name}.json is missing"
            missing = CheckResult(subject, "has_suite", passed=False, checked=len(differences), detail=detail)
            return [ownership, missing]
        return [ownership, *validate(suite, subject, ("business_key",), _frames(differences))]


def _ownership(subject: str, object_name: str, differences: Sequence[Difference]) -> CheckResult:
    """Nothing leaves for the CRM but what ERP and collections own by the source-of-truth matrix; blocks."""
    sent = frozenset(field for d in differences for field in d.payload)
    foreign = not_owned_by(RECEIVABLES, object_name, sent)
    failing = [d for d in differences if not d.payload.keys().isdisjoint(foreign)]
    return CheckResult(
        subject,
        OWNED,
        passed=not foreign,
        checked=len(differences),
        failing=len(failing),
        detail=f"neither the ERP's nor collections' to write: {', '.join(foreign)}" if foreign else "",
        sample=[{"business_key": d.business_key} for d in failing[:5]],
    )


def _frames(differences: Sequence[Difference]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(differences), _CHUNK):
        yield [
            {"business_key": d.business_key, "parent_key": d.parent_key, **d.payload}
            for d in differences[start : start + _CHUNK]
        ]
