"""`arsync docs`: writes the reference pages again from the code, so that they cannot say anything else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from arsync_pipelines.bootstrap import PROJECT_ROOT
from arsync_pipelines.cli.console import out


def docs(
    folder: Annotated[Path, typer.Option(help="Where the pages go.")] = PROJECT_ROOT / "docs" / "reference",
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit non-zero when a page is stale.")] = False,
) -> None:
    """Write the reference pages again from the code."""
    from arsync_pipelines.cli.reference import pages

    written = pages(PROJECT_ROOT / ".arsync")
    stale = [
        name
        for name, text in written.items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    ]
    for name in stale:
        if not check:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(written[name], encoding="utf-8")
        out.print(f"{'stale' if check else 'written'}: {name}")
    if not stale:
        out.print("every reference page says what the code says")
    if check and stale:
        raise typer.Exit(1)
