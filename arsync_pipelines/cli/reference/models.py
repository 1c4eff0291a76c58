"""Page of models: what dbt builds, its grain, columns and tests, from the project's own yml files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from arsync_pipelines.bootstrap import Platform
from arsync_pipelines.cli.reference.markdown import code, table
from arsync_pipelines.cli.reference.markdown import page as make_page
from arsync_pipelines.settings import Settings

LAYERS = {
    "marts": "For analysts: published, documented column by column, under contract.",
    "reconciliation": "Published. A row of `recon_gl_control` and `recon_counts` is a comparison, elsewhere a finding.",
    "sync": "What a target should show, and the differences that are pushed: published.",
    "intermediate": "Steps between staging and marts; not published, may change.",
    "staging": "Typed current records of each system; not published, may change.",
}


def page(state_dir: Path) -> str:
    """models.md"""
    manifest = parsed_project(state_dir)
    tests = _tests(manifest)
    models = [n for n in manifest["nodes"].values() if n["resource_type"] == "model"]
    parts = ["Tables of the warehouse, by layer. The published snapshot holds the first three layers."]
    for layer, about in LAYERS.items():
        parts += [f"## {layer}", about]
        for node in sorted((n for n in models if n["fqn"][1] == layer), key=lambda n: n["name"]):
            parts += _model(node, tests.get(node["unique_id"], []))
    seeds = [n for n in manifest["nodes"].values() if n["resource_type"] == "seed"]
    parts += ["## seeds", table(("table", "meaning"), [(code(n["name"]), n["description"]) for n in seeds])]
    return make_page("Models", *parts)


def parsed_project(state_dir: Path) -> dict[str, Any]:
    """dbt's manifest of the project, whatever arsync.toml says; dbt's files go below `state_dir`."""
    from arsync_pipelines.defs.transform.parsed import parsed  # imports Dagster: seconds

    return parsed(Platform(Settings(state_dir=state_dir))).manifest


def _model(node: Mapping[str, Any], tests: list[str]) -> list[str]:
    columns = node["columns"].values()
    rows = [(code(c["name"]), c.get("data_type") or "", c["description"]) for c in columns]
    facts = [f"built as {node['config']['materialized']}"]
    if node["config"].get("contract", {}).get("enforced"):
        facts.append("contract enforced")
    return [
        f"### {node['name']}",
        node["description"],
        f"{', '.join(facts)[0].upper()}{', '.join(facts)[1:]}.",
        table(("column", "type", "meaning"), rows) if rows else "",
        "Tests: " + ", ".join(map(code, tests)) if tests else "",
    ]


def _tests(manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    """Model id -> what is tested on it: generic tests with their column, singular and unit tests by name."""
    found: dict[str, set[str]] = defaultdict(set)
    for node in manifest["nodes"].values():
        if node["resource_type"] != "test":
            continue
        attached = node.get("attached_node")
        for model in [attached] if attached else node["depends_on"]["nodes"]:
            found[model].update(_rules(node))
    for unit in manifest.get("unit_tests", {}).values():
        for model in unit["depends_on"]["nodes"]:
            found[model].add(f"unit: {unit['name']}")
    return {model: sorted(names) for model, names in found.items()}


def _rules(node: Mapping[str, Any]) -> list[str]:
    """What a test demands, as name(column); a test of several rules says each."""
    about, column = node.get("test_metadata"), node.get("column_name")
    if not about:
        return [node["name"]]
    if about["name"] != "holds":
        return [f"{about['name']}({column})" if column else about["name"]]
    rules = {
        rule: about["kwargs"].get(rule, ()) for rule in ("unique", "not_null", "unique_recent", "accepted", "known")
    }
    return [f"{rule}({each})" for rule, columns in rules.items() for each in columns]
