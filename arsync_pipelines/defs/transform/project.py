"""The dbt project: its files, its profile, and where its generated files go. Knows nothing of Dagster."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from arsync_pipelines.bootstrap import PROJECT_ROOT, Platform

PROJECT_DIR = PROJECT_ROOT / "dbt_project"
_ENGINE = ("dbt-core", "dbt-adapters", "dbt-duckdb", "duckdb")


def generated_dir(platform: Platform) -> Path:
    """Where dbt's profile, logs and compiled SQL go."""
    return platform.settings.state_dir / "dbt"


def profile(platform: Platform) -> dict[str, Any]:
    """How dbt reaches the warehouse: the one output of its profile."""
    options = platform.settings.warehouse
    engine = {"preserve_insertion_order": False, "TimeZone": "UTC", "checkpoint_threshold": "1GB"}
    path = str(platform.settings.warehouse_path)
    own = dict(platform.warehouse.options)  # the very options of our own connection: both share the engine
    return {"type": "duckdb", "path": path, "threads": options.threads, "settings": engine, "config_options": own}


def write_profile(platform: Platform) -> Path:
    """Write profiles.yml for this warehouse; returns its folder."""
    folder = generated_dir(platform)
    folder.mkdir(parents=True, exist_ok=True)
    outputs = {"warehouse": profile(platform)}
    text = json.dumps({"arsync": {"target": "warehouse", "outputs": outputs}}, indent=2)  # JSON is YAML
    written = folder / "profiles.yml"
    if not written.is_file() or written.read_text(encoding="utf-8") != text:
        written.write_text(text, encoding="utf-8")
    return folder


def code_checksum(project: Path = PROJECT_DIR) -> str:
    """Checksum of the project's files as they are now and of the versions of dbt, its own macros and the engine."""
    found = hashlib.sha256()
    for path in sorted(source_files(project)):
        found.update(f"{path.relative_to(project)}\0".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    for name in _ENGINE:
        found.update(f"{name} {metadata.version(name)}\0".encode())
    return found.hexdigest()


def source_files(project: Path = PROJECT_DIR) -> Iterator[Path]:
    """Files of the project: what its models, tests and seeds are made by."""
    kinds = {".sql", ".yml", ".csv", ".md"}
    return (f for f in project.rglob("*") if f.suffix in kinds and "target" not in f.relative_to(project).parts)
