"""The generated pages of docs/reference: what the code declares, as Markdown. Explanations are handwritten."""

from __future__ import annotations

from functools import cache

from arsync_pipelines.cli.reference import checks, commands, models, ownership, settings, streams


@cache
def pages() -> dict[str, str]:
    """Every generated page by file name. Parses the dbt project, which takes seconds."""
    return {
        "settings.md": settings.page(),
        "cli.md": commands.page(),
        "exit-codes.md": commands.exit_codes(),
        "streams.md": streams.page(),
        "models.md": models.page(),
        "checks.md": checks.page(),
        "ownership.md": ownership.page(),
    }
