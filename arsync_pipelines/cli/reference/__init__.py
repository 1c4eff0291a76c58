"""The generated pages of docs/reference: what the code declares, as Markdown. Explanations are handwritten."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from arsync_pipelines.cli.reference import checks, commands, failures, models, ownership, settings, streams


@cache
def pages(state_dir: Path) -> dict[str, str]:
    """Every generated page by file name. Parses the dbt project, below `state_dir`; that takes seconds."""
    return {
        "settings.md": settings.page(),
        "cli.md": commands.page(),
        "exit-codes.md": commands.exit_codes(),
        "streams.md": streams.page(),
        "models.md": models.page(state_dir),
        "checks.md": checks.page(),
        "ownership.md": ownership.page(),
        "failures.md": failures.page(),
    }
