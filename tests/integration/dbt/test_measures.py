"""Measures by month: their amounts are those that the aging of each month's last day comes to."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from tests.integration.dbt import company
from tests.integration.dbt.asking import Analyst
from tests.integration.dbt.history import History
from tests.integration.dbt.raw import RawWarehouse

AT_MONTH_END = """
select legal_entity_id, currency, sum(open_amount) as closing_amount,
    sum(case when bucket_number > 0 then open_amount else 0 end) as open_invoice_amount,
    sum(case when days_past_due <= 0 then open_amount else 0 end) as current_amount
from ar_aging(?, null) where not is_intercompany group by legal_entity_id, currency order by all
"""


@pytest.fixture(scope="module")
def analyst(tmp_path_factory: pytest.TempPathFactory) -> Analyst:
    """The small company after three builds, each with a dozen more documents, payments, voids and merges."""
    raw = RawWarehouse(tmp_path_factory.mktemp("measures") / "warehouse.duckdb")
    raw.create(company.AS_OF)
    company.write(raw)
    asking = Analyst(raw)
    asking.build_and_publish()
    history = History(raw, random.Random(20261124))
    for _ in range(2):
        raw.loaded_at = datetime.now(UTC).replace(tzinfo=None)
        history.goes_on(12)
        asking.build_and_publish()
    return asking


def test_amounts_of_every_month_are_those_of_its_last_days_aging(analyst: Analyst) -> None:
    months = analyst.rows("select distinct period_end from ar_measure_monthly order by all")
    assert len(months) > 4
    compared = 0
    for period in (row["period_end"] for row in months):
        aged = {(r["legal_entity_id"], r["currency"]): r for r in analyst.rows(AT_MONTH_END, [period])}
        shown = analyst.rows("select * from ar_measure_monthly where period_end = ?", [period])
        for row in shown:
            expected = aged.pop((row["legal_entity_id"], row["currency"]), None)
            for name in ("closing_amount", "open_invoice_amount", "current_amount"):
                assert row[name] == (expected[name] if expected else 0), f"{name} of {period}: {row}"
                compared += 1
        assert not aged, f"open on {period} and not measured"
    assert compared > 50


def test_the_customers_of_a_month_add_up(analyst: Analyst) -> None:
    differences = analyst.rows(
        "with parts as (select legal_entity_id, currency, month, sum(closing_amount) as closing_amount, "
        "sum(current_amount) as current_amount, sum(sales_amount) as sales_amount from ar_measures_by_customer() "
        "group by all) "
        "select * from ar_measure_monthly as whole left join parts using (legal_entity_id, currency, month) "
        "where whole.closing_amount is distinct from parts.closing_amount "
        "or whole.current_amount is distinct from parts.current_amount "
        "or whole.sales_amount is distinct from parts.sales_amount"
    )
    assert differences == []
    (customer,) = analyst.rows("select customer_id from fct_ar_aging where open_amount > 0 order by all limit 1")
    asked = analyst.rows("from ar_measures_by_customer(?) order by all", [customer["customer_id"]])
    everything = analyst.rows(
        "from ar_measures_by_customer() where customer_id = ? order by all", [customer["customer_id"]]
    )
    assert asked and asked == everything


def test_sales_are_invoices_less_voids_less_credit_memos(analyst: Analyst) -> None:
    said = analyst.rows(
        "select event.currency, sum(event.amount) as sales_amount from fct_receivable_event as event "
        "join fct_receivable_item_history as item on event.document_id = item.document_id and item.item_number = 1 "
        "and item.known_until > timestamp '9999-01-01' and item.item_type in ('invoice', 'credit_memo') "
        "join dim_legal_entity as entity on event.legal_entity_id = entity.legal_entity_id "
        "and event.business_date <= entity.as_of_date "
        "where event.source_customer_id in "
        "(select source_customer_id from bridge_customer_history where not is_intercompany) "
        "and (event_key like 'posted:%' or event_key like 'voided:%' or event_type = 'voided') "
        "group by all order by all"
    )
    measured = analyst.rows(
        "select currency, sum(sales_amount) as sales_amount from ar_measure_monthly group by all order by all"
    )
    assert said and measured == said


def test_the_tie_out_of_any_day_foots(analyst: Analyst) -> None:
    for period in (row["period_end"] for row in analyst.rows("select distinct period_end from ar_measure_monthly")):
        rows = analyst.rows("from ar_tie_out(?)", [period])
        measured = analyst.rows("select * from ar_measure_monthly where period_end = ?", [period])
        assert {row["difference"] for row in rows} == {0}, f"{period}: {rows}"
        trade = [(r, r["gl_control_amount"] - r["intercompany_amount"]) for r in rows]
        totals = {(r["legal_entity_id"], r["currency"]): amount for r, amount in trade}
        for row in measured:
            assert totals.get((row["legal_entity_id"], row["currency"]), 0) == row["closing_amount"]
