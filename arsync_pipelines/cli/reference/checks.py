"""Page of checks: the GX suites at both borders, as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arsync_pipelines.bootstrap import PROJECT_ROOT
from arsync_pipelines.cli.reference.markdown import code, table
from arsync_pipelines.cli.reference.markdown import page as make_page
from arsync_pipelines.quality import suites
from arsync_pipelines.quality.suites import Border

ROOT = PROJECT_ROOT / "expectations"
_BORDERS: dict[Border, str] = {
    "landing": "On the current versions of what landed since the suite last passed.",
    "payload": "On what is about to leave, before anything of it is stored or sent.",
}


def page() -> str:
    """checks.md"""
    parts = [
        "Great Expectations guards the borders; inside, dbt tests do ([models.md](models.md)). *Critical* stops "
        "publish and push, *warning* is shown and stops nothing. What to do when one fails: "
        "[when a check fails](../howto/when-a-check-fails.md)."
    ]
    for border, about in _BORDERS.items():
        parts += [f"## {border}", about]
        for path in sorted((ROOT / border).rglob("*.json")):
            suite = suites.find(ROOT, border, path.parent.name, path.stem)
            if suite is not None:
                rows = [_expectation(e) for e in suite.expectations]
                parts += [f"### {suite.name}", suite.notes, table(("column", "expectation", "severity"), rows)]
    return make_page("Checks", *parts)


def _expectation(expectation: Mapping[str, Any]) -> tuple[str, str, str]:
    arguments = {name: value for name, value in expectation["kwargs"].items() if name != "column"}
    words = str(expectation["type"]).removeprefix("expect_").removeprefix("column_values_to_").replace("_", " ")
    shown = "; ".join(f"{name} {code(_plain(value))}" for name, value in arguments.items())
    column = expectation["kwargs"].get("column", "")
    return code(column), f"{words}{': ' if shown else ''}{shown}", expectation.get("severity", "critical")


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
