"""The dbt project keeps its layers, documents what it builds, and tells who uses what leaves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arsync_pipelines.bootstrap import PROJECT_ROOT, all_streams

Node = dict[str, Any]
MAY_READ = {
    "staging": {"source", "staging"},
    "intermediate": {"staging", "seed", "intermediate", "marts"},
    "marts": {"staging", "seed", "intermediate", "marts"},
    "sync": {"staging", "seed", "intermediate", "marts", "sync"},
    "reconciliation": {"staging", "seed", "intermediate", "marts", "sync", "reconciliation"},
}
"""Layer -> what its models may select from. Only staging knows sources; what is compared knows no comparison."""
NAMES = {
    "staging": r"stg_[a-z]+__[a-z_]+",
    "intermediate": r"int_[a-z_]+",
    "marts": r"(dim|fct|bridge|ar|customer)_[a-z_]+",
    "sync": r"sync_[a-z]+__[a-z_]+|int_[a-z]+__[a-z_]+_(desired|compared|gone)",
    "reconciliation": r"recon_[a-z_]+",
}


@pytest.fixture(scope="module")
def models(manifest: dict[str, Any]) -> dict[str, Node]:
    return {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}


def of_layer(models: dict[str, Node], *layers: str) -> Iterator[Node]:
    return (node for node in models.values() if node["fqn"][1] in layers)


def test_models_read_their_own_layer_and_those_below(models: dict[str, Node]) -> None:
    wrong = []
    for node in models.values():
        for key in node["depends_on"]["nodes"]:
            kind = models[key]["fqn"][1] if key in models else key.split(".")[0]
            if kind not in MAY_READ[node["fqn"][1]]:
                wrong.append(f"{node['name']} reads {key} ({kind})")
    assert wrong == []


def test_staging_reads_one_system(models: dict[str, Node]) -> None:
    wrong = [
        f"{node['name']} reads {key}"
        for node in of_layer(models, "staging")
        for key in node["depends_on"]["nodes"]
        if node["fqn"][2] not in {key.split(".")[2], key.split(".")[2].removeprefix("stg_").split("__")[0]}
    ]
    assert wrong == []


def test_names_follow_the_grammar(models: dict[str, Node]) -> None:
    wrong = [n["name"] for n in models.values() if not re.fullmatch(NAMES[n["fqn"][1]], n["name"])]
    assert wrong == []


def test_sources_are_the_connectors_streams(manifest: dict[str, Any]) -> None:
    declared = {s["name"] for s in manifest["sources"].values() if s["source_name"] != "arsync"}
    assert declared == {spec.table for spec in all_streams()}


def test_nothing_but_its_files_decides_how_the_project_is_parsed() -> None:
    """The parsed project is kept under the checksum of the files, for whatever environment comes next."""
    project = PROJECT_ROOT / "dbt_project"
    files = [f for kind in ("models", "macros", "tests", "seeds") for f in (project / kind).rglob("*") if f.is_file()]
    assert len(files) > 200
    called = r"\b(env_var|var|run_started_at|invocation_id)\b\s*(\(|\}\})"
    outside = re.compile(called + r"|\btarget\.(?!schema\b)\w|\bmodules\.")
    found = [f.name for f in [*files, project / "dbt_project.yml"] if outside.search(f.read_text(encoding="utf-8"))]
    assert found == []


def test_every_model_has_a_yml_of_its_own_with_its_grain(models: dict[str, Node]) -> None:
    bare = [n["name"] for n in models.values() if not n["description"].strip()]
    assert bare == [], "models without a description"
    astray = [n["name"] for n in models.values() if Path(n["patch_path"]).stem != n["name"]]
    assert astray == [], "models described in another model's yml"


def test_published_models_document_every_column(models: dict[str, Node]) -> None:
    read = [n for n in of_layer(models, "marts", "reconciliation", "sync") if not n["name"].startswith("int_")]
    wrong = [
        f"{node['name']}.{column['name']}"
        for node in read
        for column in node["columns"].values()
        if not column["description"].strip()
    ]
    assert wrong == []
    assert [n["name"] for n in read if not n["columns"]] == []


def test_marts_have_contracts_and_no_floats(models: dict[str, Node]) -> None:
    # dbt refuses a contract whose columns are not those of the select, so what is declared is complete
    marts = list(of_layer(models, "marts"))
    assert marts
    assert [n["name"] for n in marts if not n["config"]["contract"]["enforced"]] == []
    floats = re.compile("float|double|real", re.IGNORECASE)
    assert [
        f"{n['name']}.{c['name']}" for n in marts for c in n["columns"].values() if floats.search(c["data_type"])
    ] == []


def test_what_is_pushed_has_an_exposure(manifest: dict[str, Any], models: dict[str, Node]) -> None:
    exposed = {key for exposure in manifest["exposures"].values() for key in exposure["depends_on"]["nodes"]}
    pushed = {n["unique_id"] for n in of_layer(models, "sync") if n["name"].startswith("sync_")}
    assert pushed
    assert pushed - exposed == set()
