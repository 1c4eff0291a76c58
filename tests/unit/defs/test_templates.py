"""Compiled templates kept beside the parsed project: the same text of the same kind, and what was spoilt made anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from arsync_pipelines.defs.transform import templates

pytest.importorskip("dbt_common.clients.jinja")

from dbt_common.clients.jinja import MacroFuzzEnvironment, get_template, render_template

TEXT = "select {{ 1 + one }} as two{% do seen.append(one) %}"


def _rendered(native: bool = False) -> Any:
    given: dict[str, Any] = {"one": 1, "seen": []}
    answer = render_template(get_template(TEXT, given, native=native), given)
    assert given["seen"] == [1]
    return answer


@pytest.fixture
def parses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Texts that jinja had to parse."""
    seen: list[str] = []
    parse = MacroFuzzEnvironment._parse

    def counted(self: Any, source: str, *more: Any) -> Any:
        seen.append(source)
        return parse(self, source, *more)

    monkeypatch.setattr(MacroFuzzEnvironment, "_parse", counted)
    return seen


def test_a_text_is_compiled_once_for_all_who_name_the_folder(tmp_path: Path, parses: list[str]) -> None:
    for _again in range(2):
        with templates.kept(tmp_path):
            assert _rendered() == _rendered() == "select 2 as two"
    assert parses == [TEXT]
    assert _rendered() == "select 2 as two"
    assert parses == [TEXT, TEXT], "outside jinja compiles as ever"


def test_the_same_text_in_another_environment_has_code_of_its_own(tmp_path: Path, parses: list[str]) -> None:
    with templates.kept(tmp_path):
        assert _rendered() == _rendered(native=True) == "select 2 as two"
    assert parses == [TEXT, TEXT]


def test_a_file_that_cannot_be_read_is_made_anew(tmp_path: Path, parses: list[str]) -> None:
    for spoilt in (b"", b"nonsense", None):
        with templates.kept(tmp_path):
            assert _rendered() == "select 2 as two"
        (file,) = tmp_path.iterdir()
        file.write_bytes(file.read_bytes()[:-9] if spoilt is None else spoilt)
    assert parses == [TEXT] * 3


def test_a_text_that_is_no_template_is_told_as_ever(tmp_path: Path) -> None:
    with templates.kept(tmp_path), pytest.raises(Exception, match="unexpected"):
        get_template("{{ one", {})
    assert not list(tmp_path.iterdir())
