"""Documentation says what the code says: generated pages are fresh and complete, links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel
from typer.core import TyperGroup

from arsync_pipelines.bootstrap import PROJECT_ROOT, all_streams
from arsync_pipelines.cli.app import app
from arsync_pipelines.cli.reference import pages
from arsync_pipelines.cli.reference.settings import described_fields, tables_of
from arsync_pipelines.connectors.registry import CONNECTORS
from arsync_pipelines.domain.ownership import MATRIX
from arsync_pipelines.settings import Environment, Settings

REFERENCE = PROJECT_ROOT / "docs" / "reference"
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@pytest.fixture(scope="session")
def written(state_dir: Path, manifest: dict[str, Any]) -> dict[str, str]:
    assert manifest
    return pages(state_dir)


def test_generated_pages_are_fresh(written: dict[str, str]) -> None:
    stale = [
        name
        for name, text in written.items()
        if not (REFERENCE / name).is_file() or (REFERENCE / name).read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run `make docs` and commit the pages"


def test_every_setting_is_explained(written: dict[str, str]) -> None:
    unexplained, unmentioned = [], []
    for model in models_below(Settings, Environment, *(c.options for c in CONNECTORS.values())):
        texts = described_fields(model)
        for name, field in model.model_fields.items():
            # a table is explained by its own docstring, `method` by the section that it chooses
            if not texts.get(name) and not tables_of(field) and name != "method":
                unexplained.append(f"{model.__name__}.{name}")
            shown = f"ARSYNC_{name.upper()}" if model is Environment else name
            if not re.search(rf"`{shown}`|[.\[]{shown}\]", written["settings.md"]):
                unmentioned.append(f"{model.__name__}.{name}")
    assert unexplained == [], "a string below the declaration says what it is for"
    assert unmentioned == []


def models_below(*models: type[BaseModel]) -> list[type[BaseModel]]:
    """`models` and everything nested in them that is a table of its own."""
    found: list[type[BaseModel]] = []
    queue = list(models)
    while queue:
        model = queue.pop()
        found.append(model)
        queue += [t for field in model.model_fields.values() for t in tables_of(field) if t not in found]
    return found


def test_every_command_and_option_is_explained(written: dict[str, str]) -> None:
    missing = []

    def walk(command: Any, path: str) -> None:
        if f"## `{path}`" not in written["cli.md"] or not command.help:
            missing.append(path)
        missing.extend(f"{path} {p.name}" for p in command.params if p.name != "help" and not p.help)
        if isinstance(command, TyperGroup):
            for name, below in command.commands.items():
                walk(below, f"{path} {name}")

    walk(typer.main.get_command(app), "arsync")
    assert missing == []


def test_every_connector_stream_model_and_group_has_its_place(
    written: dict[str, str], manifest: dict[str, Any]
) -> None:
    missing = [c.title for c in CONNECTORS.values() if f"## {c.title}" not in written["streams.md"]]
    missing += [spec.table for spec in all_streams() if f"`{spec.table}`" not in written["streams.md"]]
    missing += [
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] in {"model", "seed"}
        and f"### {node['name']}\n" not in written["models.md"]
        and f"`{node['name']}`" not in written["models.md"]
    ]
    missing += [group.name for group in MATRIX if group.name not in written["ownership.md"]]
    assert missing == []


def test_every_connector_has_a_readme_and_a_way_to_connect_it() -> None:
    howtos = {path.stem for path in (PROJECT_ROOT / "docs" / "howto").glob("*.md")}
    for vendor in CONNECTORS:
        assert (PROJECT_ROOT / "arsync_pipelines" / "connectors" / vendor / "README.md").is_file()
        assert {f"connect-{vendor}", f"{vendor}-as-an-erp"} & howtos, f"docs/howto has no page about {vendor}"


@pytest.mark.parametrize(
    "page", [PROJECT_ROOT / "README.md", *sorted((PROJECT_ROOT / "docs").rglob("*.md"))], ids=lambda page: page.stem
)
def test_links_lead_somewhere(page: Path) -> None:
    targets = [target.split("#")[0] for target in LINK.findall(page.read_text(encoding="utf-8"))]
    broken = [t for t in targets if t and "://" not in t and not t.endswith(".png") and not (page.parent / t).exists()]
    assert broken == []
