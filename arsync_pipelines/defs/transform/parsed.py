"""The dbt project as dbt parsed it, kept beside it: once for every version of its files, for all installations.

dbt keeps a parsed project too, but takes it only for the very warehouse that it was parsed for: a model could name the
file. Ours cannot, so only what dbt writes into the parsed project counts: the name of the warehouse's file, which is
that of DuckDB's catalog, and the engine's settings.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from arsync_pipelines.bootstrap import Platform
from arsync_pipelines.defs.transform import dbt
from arsync_pipelines.defs.transform.project import (
    PROJECT_DIR,
    code_checksum,
    generated_dir,
    profile,
    write_profile,
)
from arsync_pipelines.domain.durable import sync

_KEPT = 8
"""Parsed projects that stay, the youngest."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """`manifest` as dbt publishes it; `packed`, dbt's own form of it, to build from; `folder`, where both are kept."""

    manifest: dict[str, Any]
    packed: bytes
    folder: Path


def parsed(platform: Platform, project: Path = PROJECT_DIR) -> Parsed:
    """The project as its files are now. Raises ConfigError in dbt's own words where dbt cannot parse it."""
    beside = project if os.access(project, os.W_OK) else generated_dir(platform)
    folder = beside / "target" / "parsed"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        kept = folder / _key(platform, project)
        if not kept.is_dir():
            _parse(platform, project, kept)
        manifest = json.loads((kept / "manifest.json").read_bytes())
        return Parsed(manifest, (kept / "partial_parse.msgpack").read_bytes(), kept)


def _key(platform: Platform, project: Path) -> str:
    """What the parsed project depends on: the files, the engine, and the profile without the warehouse's folder."""
    output = {**profile(platform), "path": platform.settings.warehouse_path.name, "config_options": None}
    return hashlib.sha256(f"{code_checksum(project)} {json.dumps(output, sort_keys=True)}".encode()).hexdigest()[:32]


def _parse(platform: Platform, project: Path, kept: Path) -> None:
    """Parse aside and rename when all is on the disk. Under the folder's lock."""
    aside = kept.with_name("unfinished")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    dbt.parse(dbt.Folders(project, write_profile(platform), aside))
    for name in ("manifest.json", "partial_parse.msgpack"):
        sync(aside / "target" / name)
    (aside / "target").rename(kept)
    shutil.rmtree(aside)
    for old in sorted(kept.parent.iterdir(), key=lambda f: f.stat().st_mtime, reverse=True)[_KEPT:]:
        if old.is_dir():
            shutil.rmtree(old)
