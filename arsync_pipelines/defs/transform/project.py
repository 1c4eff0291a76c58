"""The dbt project as Dagster sees it: where its generated files go, its manifest, and how its nodes are named."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator

from arsync_pipelines.bootstrap import PROJECT_ROOT, Platform
from arsync_pipelines.defs.links import to_page
from arsync_pipelines.defs.resources import OWNERS
from arsync_pipelines.domain.errors import ConfigError

PROJECT_DIR = PROJECT_ROOT / "dbt_project"
_FLAGS = ("--log-level-file", "warn", "--no-send-anonymous-usage-stats", "--no-use-colors")


def generated_dir(platform: Platform) -> Path:
    """Where dbt's profile, manifest, logs and compiled SQL go."""
    return platform.settings.state_dir / "dbt"


def write_profile(platform: Platform) -> Path:
    """Write profiles.yml for this warehouse; returns its folder."""
    folder = generated_dir(platform)
    folder.mkdir(parents=True, exist_ok=True)
    options = platform.settings.warehouse
    engine = {"memory_limit": options.memory_limit, "threads": options.threads}
    engine |= {"preserve_insertion_order": False, "TimeZone": "UTC", "checkpoint_threshold": "1GB"}
    path = str(platform.settings.warehouse_path)
    output = {"type": "duckdb", "path": path, "threads": options.threads, "settings": engine}
    text = json.dumps({"arsync": {"target": "warehouse", "outputs": {"warehouse": output}}}, indent=2)  # JSON is YAML
    profile = folder / "profiles.yml"
    if not profile.is_file() or profile.read_text(encoding="utf-8") != text:
        profile.write_text(text, encoding="utf-8")
    return folder


def load_manifest(platform: Platform) -> dict[str, Any]:
    """dbt's manifest, parsed anew when a file of the project is newer. Raises ConfigError with dbt's own words."""
    folder = write_profile(platform)
    path = folder / "target" / "manifest.json"
    if not path.is_file() or path.stat().st_mtime < max(f.stat().st_mtime for f in source_files()):
        command = [sys.executable, "-m", "dbt.cli.main", *_FLAGS, "--log-path", str(folder / "logs"), "parse"]
        command += ["--project-dir", str(PROJECT_DIR)]
        command += ["--profiles-dir", str(folder), "--target-path", str(folder / "target")]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT_DIR)
        if done.returncode:
            raise ConfigError(f"dbt cannot parse {PROJECT_DIR.name}: {done.stdout[-2000:]}{done.stderr[-500:]}")
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest


def source_files() -> Iterator[Path]:
    """Files of the project: what its models, tests and seeds are made by."""
    kinds = {".sql", ".yml", ".csv", ".md"}
    return (f for f in PROJECT_DIR.rglob("*") if f.suffix in kinds and "target" not in f.relative_to(PROJECT_DIR).parts)


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
