"""The benchmark of past days writes rows into built tables itself: it must know every column that they need."""

from __future__ import annotations

from tests.benchmarks.asof import measured
from tests.integration.dbt import company
from tests.integration.dbt.asking import Analyst


def test_the_ledger_that_past_days_are_measured_on_is_answered(copied_company: company.Books) -> None:
    figures = measured(copied_company.raw.path, 1000)
    assert figures["invoices"] == 1000 and figures["events"] > 2500
    analyst = Analyst(copied_company.raw)
    analyst.publish()
    items = analyst.ask("ar_aging", None, None)
    assert len({row["document_id"] for row in items}) > 100
    assert {row["bucket"] for row in items} >= {"current", "91+"}
    assert sum(row["open_amount"] for row in items) > 0
    assert all(row["disputed_amount"] is not None for row in items)
