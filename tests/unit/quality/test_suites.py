"""The expectation suites: each loads, names columns that exist, and fails on what it forbids."""

from __future__ import annotations

from pathlib import Path

import pytest

from arsync_pipelines.bootstrap import PROJECT_ROOT, all_streams
from arsync_pipelines.domain.errors import ConfigError
from arsync_pipelines.ports.source import StreamSpec
from arsync_pipelines.quality import suites
from arsync_pipelines.quality.validate import validate

ROOT = PROJECT_ROOT / "expectations"
SYSTEM_STREAMS = all_streams()


@pytest.mark.parametrize("spec", SYSTEM_STREAMS, ids=lambda spec: spec.table)
def test_every_stream_has_a_suite_over_its_own_columns(spec: StreamSpec) -> None:
    suite = suites.find(ROOT, "landing", spec.system, spec.name)
    assert suite is not None, f"expectations/landing/{spec.system}/{spec.name}.json is missing"
    assert set(suite.columns) <= {field.name for field in spec.fields}
    assert suite.expectations


def test_no_suite_is_left_without_its_stream() -> None:
    known = {(spec.system, spec.name) for spec in SYSTEM_STREAMS}
    found = {(path.parent.name, path.stem) for path in (ROOT / "landing").rglob("*.json")}
    assert found == known


def test_counts_add_up_over_chunks_and_samples_show_the_offenders() -> None:
    suite = suites.find(ROOT, "landing", "netsuite", "currency")
    assert suite is not None
    good, bad = (
        {"id": "1", "symbol": "EUR", "currencyprecision": "2"},
        {"id": "2", "symbol": "eur", "currencyprecision": "2"},
    )
    results = {r.name: r for r in validate(suite, "raw_netsuite__currency", ("id",), [[good, bad], [good], [bad]])}
    symbol = results["column_values_to_match_regex(symbol)"]
    assert (symbol.passed, symbol.blocks, symbol.checked, symbol.failing) == (False, True, 4, 2)
    assert symbol.sample == [{"id": "2", "symbol": "eur"}, {"id": "2", "symbol": "eur"}]
    assert results["column_values_to_not_be_null(id)"].passed


def test_a_missing_column_fails_with_its_name() -> None:
    suite = suites.find(ROOT, "landing", "netsuite", "currency")
    assert suite is not None
    results = validate(suite, "raw_netsuite__currency", ("id",), [[{"id": "1", "currencyprecision": "2"}]])
    failed = [r for r in results if not r.passed]
    assert len(failed) == 2
    assert all('"symbol"' in r.detail for r in failed)


def test_a_payload_with_a_column_nobody_agreed_to_is_refused() -> None:
    suite = suites.find(ROOT, "payload", "salesforce", "account")
    assert suite is not None
    row = {"business_key": "001000000000001AAA", "parent_key": "001000000000001AAA"}
    (columns,) = [
        r
        for r in validate(suite, "payload", ("business_key",), [[{**row, "iban": "X"}]])
        if r.name.startswith("table_columns")
    ]
    assert not columns.passed


def test_a_malformed_suite_is_a_configuration_error(tmp_path: Path) -> None:
    broken = tmp_path / "landing" / "x" / "y.json"
    broken.parent.mkdir(parents=True)
    broken.write_text('{"name": "x"}')
    with pytest.raises(ConfigError, match=r"y\.json"):
        suites.find(tmp_path, "landing", "x", "y")
