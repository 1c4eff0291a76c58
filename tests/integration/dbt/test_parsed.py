"""The parsed project: the same for every installation, and never that of older files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from arsync_pipelines.bootstrap import Platform
from arsync_pipelines.defs.transform.parsed import parsed
from arsync_pipelines.domain.errors import ConfigError
from arsync_pipelines.settings import Settings

PROJECT = "name: small\nversion: '1.0'\nprofile: arsync\nmodel-paths: [models]\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of one model."""
    folder = tmp_path / "project"
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(PROJECT, encoding="utf-8")
    (folder / "models" / "one.sql").write_text("select 1 as figure", encoding="utf-8")
    return folder


def installation(folder: Path, **warehouse: Any) -> Platform:
    return Platform(Settings.model_validate({"state_dir": folder, "warehouse": warehouse}))


def models(manifest: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Text and relation of every model."""
    return {
        node["name"]: (node["raw_code"], node["relation_name"])
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
    }


def test_installations_share_it_until_a_file_changes(project: Path, tmp_path: Path) -> None:
    first = parsed(installation(tmp_path / "a"), project)
    assert models(first.manifest) == {"one": ("select 1 as figure", '"warehouse"."main"."one"')}
    assert parsed(installation(tmp_path / "b"), project).manifest["metadata"] == first.manifest["metadata"]
    elsewhere = installation(tmp_path / "c", path=tmp_path / "figures.duckdb")
    assert models(parsed(elsewhere, project).manifest)["one"][1] == '"figures"."main"."one"', "its own catalog's name"

    (project / "models" / "one.sql").write_text("select 2 as figure", encoding="utf-8")
    (project / "models" / "two.sql").write_text("select * from {{ ref('one') }}", encoding="utf-8")
    changed = parsed(installation(tmp_path / "a"), project)
    assert models(changed.manifest)["one"][0] == "select 2 as figure"
    assert changed.manifest["nodes"]["model.small.two"]["depends_on"]["nodes"] == ["model.small.one"]
    assert changed.packed != first.packed


def test_what_dbt_cannot_parse_is_told_and_not_kept(project: Path, tmp_path: Path) -> None:
    (project / "models" / "one.sql").write_text("select * from {{ ref('nobody') }}", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(ConfigError, match="nobody"):
            parsed(installation(tmp_path / "a"), project)
    (project / "models" / "one.sql").write_text("select 1 as figure", encoding="utf-8")
    assert set(models(parsed(installation(tmp_path / "a"), project).manifest)) == {"one"}
