"""`arsync bench`: what it prints is one document, and its exit status is the worst of all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from arsync_pipelines.cli import bench

MEASURED = """import json, sys
print(json.dumps({{"bench": "{name}", "scale": float(sys.argv[2])}}, indent=2))
sys.exit({status})
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose benchmarks answer at once."""
    folder = tmp_path / "tests" / "benchmarks"
    folder.mkdir(parents=True)
    for name in bench.NAMES:
        (folder / f"{name}.py").write_text(MEASURED.format(name=name, status=int(name == "build")))
    monkeypatch.setattr(bench, "PROJECT_ROOT", tmp_path)
    return folder


def test_all_is_one_list_and_one_miss_is_the_exit_status(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        bench.bench("all", as_json=True, check=True, scale=0.5)
    assert ended.value.exit_code == 1
    assert json.loads(capsys.readouterr().out) == [{"bench": name, "scale": 0.5} for name in bench.NAMES]


def test_a_benchmark_that_breaks_is_told_and_the_others_are_shown(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "asof.py").write_text("import sys; sys.exit(3)")
    with pytest.raises(typer.Exit) as ended:
        bench.bench("all", as_json=True)
    assert ended.value.exit_code == 3
    shown = json.loads(capsys.readouterr().out)
    assert [document["bench"] for document in shown] == list(bench.NAMES)
    assert "ended with 3" in shown[2]["error"]


def test_one_is_one_document(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        bench.bench("push", as_json=True, scale=0.1)
    assert ended.value.exit_code == 0
    assert json.loads(capsys.readouterr().out) == {"bench": "push", "scale": 0.1}
