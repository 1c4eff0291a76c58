"""What holds of every tracked file: its size, and that it names no machine."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
from pathlib import Path

import pytest

from arsync_pipelines.bootstrap import PROJECT_ROOT
from arsync_pipelines.domain.ownership import MATRIX

MACHINE = re.compile(r"(?<![\w.$}/-])/(?:home|root|Users|tmp|work)/[\w.]")
INDEX = re.compile(r"(?:--(?:extra-)?index-url|index-url\s*=|https?://[^\s\"']*(?:/simple/|files\.pythonhosted))")
SERVED = re.compile(r"https?://(?!127\.0\.0\.1|localhost|[\w.-]+\.(?:test|example)\b)[\w.-]+:\d{4,5}")


def tracked(*patterns: str) -> list[Path]:
    """Files of the repository; the working tree's own when there is no git."""
    done = subprocess.run(["git", "ls-files", *patterns], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    names = done.stdout.splitlines() or [
        str(p.relative_to(PROJECT_ROOT)) for pattern in patterns or ("*",) for p in PROJECT_ROOT.rglob(pattern)
    ]
    return [path for name in names if (path := PROJECT_ROOT / name).is_file()]


def sources() -> list[Path]:
    return tracked("*.py", "*.sql")


def test_files_are_small() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}
    assert statistics.median(lengths.values()) < 120
    assert {str(path): length for path, length in lengths.items() if length > 500} == {}
    long = [path for path, length in lengths.items() if length >= 300]
    assert len(long) <= len(lengths) / 10, f"more than one in ten has 300 lines: {long}"


@pytest.mark.parametrize("rule", [MACHINE, INDEX, SERVED], ids=["machine path", "package index", "other host"])
def test_no_file_names_a_machine(rule: re.Pattern[str]) -> None:
    found = []
    for path in tracked():
        if path == Path(__file__) or path.suffix in {".png", ".jpg", ".ico"}:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if rule.search(line):
                found.append(f"{path.relative_to(PROJECT_ROOT)}:{number}: {line.strip()[:100]}")
    assert found == []


def test_every_module_says_what_belongs_in_it() -> None:
    bare = [
        str(path.relative_to(PROJECT_ROOT))
        for path in tracked("arsync_pipelines/*.py")
        if path.name != "__init__.py" and not path.read_text(encoding="utf-8").startswith('"""')
    ]
    assert bare == []


def test_names_of_tests_say_nothing_of_the_moment() -> None:
    """Workers collect on their own: a parameter that is asked of the clock or of chance is another in each of them."""
    momentary = re.compile(r"\b(time\.\w+|uuid\d?|random\w*|secrets|now|today|utcnow|getpid|mkdtemp)\(")
    found = []
    for path in tracked("tests/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("parametrize"):
                found += [f"{path.name}:{node.lineno}: {call}" for call in momentary.findall(ast.unparse(node))]
    assert found == []


def test_ownership_stands_in_one_place() -> None:
    """The source-of-truth matrix is data of the domain; a second list of its groups would soon say something else."""
    copies = [
        f"{path.relative_to(PROJECT_ROOT)}: {group.name}"
        for path in tracked("arsync_pipelines/*.py", "dbt_project/*.yml", "expectations/*.json")
        if path.name != "ownership.py"
        for group in MATRIX
        if ", " in group.name and group.name in path.read_text(encoding="utf-8")
    ]
    assert copies == []
