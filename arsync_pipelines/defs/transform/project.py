"""The dbt project: its files, its profile, where its generated files go, and how Dagster names its nodes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator

from arsync_pipelines.bootstrap import PROJECT_ROOT, Platform
from arsync_pipelines.defs.links import to_page
from arsync_pipelines.defs.resources import OWNERS

PROJECT_DIR = PROJECT_ROOT / "dbt_project"
_ENGINE = ("dbt-core", "dbt-adapters", "dbt-duckdb", "duckdb")


def generated_dir(platform: Platform) -> Path:
    """Where dbt's profile, logs and compiled SQL go."""
    return platform.settings.state_dir / "dbt"


def profile(platform: Platform) -> dict[str, Any]:
    """How dbt reaches the warehouse: the one output of its profile."""
    options = platform.settings.warehouse
    engine = {"memory_limit": options.memory_limit, "threads": options.threads}
    engine |= {"preserve_insertion_order": False, "TimeZone": "UTC", "checkpoint_threshold": "1GB"}
    path = str(platform.settings.warehouse_path)
    return {"type": "duckdb", "path": path, "threads": options.threads, "settings": engine}


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


def layer(node: Mapping[str, Any]) -> str:
    """The model's layer: first folder below models/ (staging, intermediate, marts, reconciliation, sync)."""
    return str(node["fqn"][1]) if len(node["fqn"]) > 2 else "marts"


class Translator(DagsterDbtTranslator):
    """Assets by table name with the layer as key prefix and group; sources are the raw assets of ingest."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey(["raw", dbt_resource_props["name"]])
        return dg.AssetKey([layer(dbt_resource_props), dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return layer(dbt_resource_props)

    def get_metadata(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, Any]:
        heading = "seeds" if dbt_resource_props["resource_type"] == "seed" else str(dbt_resource_props["name"])
        return {**super().get_metadata(dbt_resource_props), **to_page("models", heading)}

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str] | None:
        return list(super().get_owners(dbt_resource_props) or OWNERS)
