"""The border where data leaves: the expectations on a payload, run before anything of it is stored or sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arsync_pipelines.domain.checks import CheckResult
from arsync_pipelines.quality import suites
from arsync_pipelines.quality.validate import validate
from arsync_pipelines.services.plan import Difference

_CHUNK = 50_000


@dataclass(frozen=True, slots=True)
class PayloadChecks:
    """Callable for services.push: a payload without a suite fails, because the default of the border is closed."""

    root: Path

    def __call__(self, system: str, object_name: str, differences: Sequence[Difference]) -> list[CheckResult]:
        subject = f"payload_{system}__{object_name}"
        suite = suites.find(self.root, "payload", system, object_name)
        if suite is None:
            detail = f"expectations/payload/{system}/{object_name}.json is missing"
            return [CheckResult(subject, "has_suite", passed=False, checked=len(differences), detail=detail)]
        return validate(suite, subject, _frames(differences))


def _frames(differences: Sequence[Difference]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(differences), _CHUNK):
        yield [
            {"business_key": d.business_key, "parent_key": d.parent_key, **d.payload}
            for d in differences[start : start + _CHUNK]
        ]
