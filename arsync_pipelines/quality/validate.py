"""Runs one suite over frames of rows with GX and adds the outcomes up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from arsync_pipelines.domain.checks import CheckResult
from arsync_pipelines.quality.suites import Suite

if TYPE_CHECKING:
    from great_expectations.core.batch_definition import BatchDefinition

_SAMPLE = 5


def validate(
    suite: Suite, subject: str, key: Sequence[str], chunks: Iterable[Sequence[Mapping[str, Any]]]
) -> list[CheckResult]:
    """One result per expectation, its counts summed over all chunks of rows (dicts with the same keys).

    `key`: columns by which a person finds a row again; samples show them beside the value that breaks the rule.
    No chunk, no result. An expectation that GX cannot evaluate (a column is missing) fails with GX's message.
    """
    totals: dict[str, CheckResult] = {}
    for rows in chunks:
        for result in _validate_chunk(suite, subject, key, rows):
            seen = totals.get(result.name)
            totals[result.name] = _merge(seen, result) if seen else result
    return list(totals.values())


def _validate_chunk(
    suite: Suite, subject: str, key: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> list[CheckResult]:
    import great_expectations as gx
    import pandas as pd
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    frame = pd.DataFrame([dict(row) for row in rows], dtype=object)
    expectations = [
        ExpectationConfiguration(type=e["type"], kwargs=dict(e["kwargs"]), severity=e.get("severity", "critical"))
        for e in suite.expectations
    ]
    batch = _frames().get_batch({"dataframe": frame})
    outcome = batch.validate(
        gx.ExpectationSuite(name=suite.name, expectations=expectations),
        result_format={"result_format": "SUMMARY", "partial_unexpected_count": _SAMPLE},
    )
    return [_to_result(subject, r, key, rows) for r in outcome.results]


def _frames() -> BatchDefinition[Any]:
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(enable=False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("frame")
    return asset.add_batch_definition_whole_dataframe("whole")


def _to_result(subject: str, result: Any, key: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> CheckResult:
    config = result.expectation_config
    column = config.kwargs.get("column", "")
    name = f"{config.type.removeprefix('expect_')}{f'({column})' if column else ''}"
    detail = ""
    exception = result.exception_info or {}
    if "raised_exception" not in exception:  # one entry per metric that failed
        exception = next(iter(exception.values()), {})
    if exception.get("raised_exception"):
        detail = str(exception.get("exception_message", "")).splitlines()[0][:300]
    elif not result.success and "observed_value" in result.result:
        detail = f"observed {result.result['observed_value']}"[:300]
    failing = int(result.result.get("unexpected_count", 0 if result.success else len(rows)) or 0)
    return CheckResult(
        subject=subject,
        name=name,
        passed=bool(result.success),
        severity="warning" if str(config.severity.value) == "warning" else "error",
        checked=len(rows),
        failing=failing if not result.success else 0,
        detail=detail,
        sample=_sample(result.result, [*key, column] if column else key, rows),
    )


def _sample(
    found: Mapping[str, Any], columns: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """A few offending rows, of each the columns asked for.

    By their position in the frame: GX collects other columns (`unexpected_index_column_names`) row by row for *all*
    offenders, half a minute for fifty thousand.
    """
    offenders = [rows[position] for position in found.get("partial_unexpected_index_list") or ()][:_SAMPLE]
    return [{name: row[name] for name in columns if name in row} for row in offenders]


def _merge(left: CheckResult, right: CheckResult) -> CheckResult:
    return replace(
        left,
        passed=left.passed and right.passed,
        checked=left.checked + right.checked,
        failing=left.failing + right.failing,
        detail=left.detail or right.detail,
        sample=[*left.sample, *right.sample][:_SAMPLE],
    )
