"""`arsync archive`: let what has ended long ago leave the operational store for files."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from arsync_pipelines.cli.console import out, print_json, table
from arsync_pipelines.cli.jobs import AsJson


def archive(
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this, only show what would go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Move what ended longer ago than [archive] says from the operational store to files; a dry run without --yes.

    Nothing that is open or held goes, nor the newest version of a record. `arsync audit verify` proves files and store
    together, and `arsync trace` reads both.
    """
    from arsync_pipelines import bootstrap

    platform = bootstrap.platform()
    service, now = platform.retention, datetime.now(UTC)
    folder = str(platform.ops.archive.folder)
    if not yes:
        looked = service.look(now)
        if as_json:
            print_json({"archived": False, "folder": folder, "would_go": [asdict(one) for one in looked]})
            return
        table("Would be archived", ["what", "rows*", "oldest", "newest"],
              [(one.kind, one.rows, one.oldest, one.newest) for one in looked])  # fmt: skip
        out.print(f"Nothing was changed. --yes writes them to {folder} and removes them from the store.")
        return
    done = service.run(now)
    files = [
        {"of": one.kind, "file": one.file, "rows": dict(one.rows), "first": one.first_id, "last": one.last_id,
         "sha256": one.sha256}
        for one in done
    ]  # fmt: skip
    if as_json:
        print_json({"archived": True, "folder": folder, "files": files})
        return
    table("Archived", ["what", "file", "rows*"], [(one.kind, one.file, sum(one.rows.values())) for one in done])
    out.print(f"{sum(sum(one.rows.values()) for one in done):,} rows in {len(done):,} files in {folder}")
