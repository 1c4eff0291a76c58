"""Amounts in functional currency: as documents posted them, realised, revalued; and that all of it foots."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from arsync_pipelines.services.proof import prove
from arsync_pipelines.services.publish import functions
from arsync_pipelines.warehouse.duckdb import DuckDbWarehouse
from tests.integration.dbt import company
from tests.integration.dbt.asking import ASKED
from tests.integration.dbt.raw import RawWarehouse

pytestmark = pytest.mark.slow

AT = ("3", "1", "2")
"""Customer 3 in Acme Inc (USD), documents in EUR."""
DOCUMENTS = ("erp:300", "erp:301", "erp:302", "erp:303")


def foreign_business(books: company.Books) -> None:
    """An invoice of 100.00 EUR at 1.08145 paid in three parts; one of 50.00 EUR that stays open; a revaluation.

    Differences as NetSuite posts them: (rate of the payment - rate of the invoice) x amount, rounded, on the day of
    the payment; and what rounding left on the day of the last.
    """
    books.document("300", "CustInvc", "2026-05-01", *AT, "100.00", due="2026-06-01", rate="1.08145")
    for key, day, amount, rate in (
        ("301", "2026-06-10", "33.33", "1.1"), ("302", "2026-06-12", "33.33", "1.07"),
        ("303", "2026-06-20", "33.34", "1.08145"),
    ):  # fmt: skip
        books.document(key, "CustPymt", day, *AT, amount, rate=rate)
        books.link("300", key, amount)
    books.revaluation("311", "1", "1", "0.62", day="2026-06-10", account="701")  # 0.01855 x 33.33 = 0.618...
    books.revaluation("312", "1", "1", "-0.38", day="2026-06-12", account="701")  # -0.01145 x 33.33 = -0.381...
    # 108.15 - 36.66 - 35.66 - 36.06 + 0.62 - 0.38 = 0.01
    books.revaluation("313", "1", "1", "-0.01", day="2026-06-20", account="703")
    books.document("320", "CustInvc", "2026-06-05", *AT, "50.00", due="2026-07-05", rate="1.08")
    books.revaluation("330", "1", "1", "1.25", day="2026-06-30", account="702")  # to 1.105
    books.revaluation("331", "1", "1", "-1.25", day="2026-07-01", account="702")


def ledger(raw: RawWarehouse) -> list[tuple[str, str, str, str]]:
    """What stands beside what was posted and applied."""
    rows = raw.rows(
        "select document_id, strftime(business_date, '%m-%d') as day, any_value(event_type) as kind, "
        "sum(functional_amount) as amount from fct_receivable_event where amount = 0 and legal_entity_id = 'erp:1' "
        "group by event_key, document_id, business_date having sum(functional_amount) <> 0 order by day, document_id"
    )
    return [(r["document_id"], r["day"], r["kind"], f"{r['amount']:.2f}") for r in rows]


def functional(raw: RawWarehouse) -> dict[str, Decimal]:
    (row,) = raw.rows("select * from recon_gl_control where gl_control_id = 'erp:1:USD:functional'")
    names = ("aging_total", "unrealised", "subledger", "realised", "gl_control", "difference")
    return {name: row[name] for name in names}


def publish(raw: RawWarehouse) -> DuckDbWarehouse:
    tables = (*ASKED, "recon_finding")
    warehouse = DuckDbWarehouse(raw.path, raw.path.parent / "snapshots")
    with warehouse.writing():
        warehouse.publish(tables, {}, functions(warehouse, tables))
    return warehouse


def test_what_settling_realises_and_revaluing_adds_foots_to_the_general_ledger(copied_company: company.Books) -> None:
    raw = copied_company.raw
    before = functional(raw)
    foreign_business(copied_company)
    raw.rebuild()
    assert ledger(raw) == [
        ("erp:300", "06-10", "exchange_difference", "0.62"),
        ("erp:300", "06-12", "exchange_difference", "-0.38"),
        ("erp:300", "06-20", "exchange_difference", "-0.01"),
        ("erp:330", "06-30", "revalued", "1.25"),
        ("erp:331", "07-01", "revalued", "-1.25"),
    ]
    now = functional(raw)
    assert now["aging_total"] - before["aging_total"] == 54, "50.00 EUR at 1.08"
    assert (now["realised"], now["difference"]) == (Decimal("0.23"), 0)
    assert now["subledger"] == now["gl_control"]
    balances = raw.rows(f"select * from int_document_balance where document_id in {DOCUMENTS}")
    assert balances == [], "what is settled is settled in both currencies"

    warehouse = publish(raw)
    for day, realised, unrealised in (
        (date(2026, 6, 9), "0", "0"), (date(2026, 6, 11), "0.62", "0"), (date(2026, 6, 15), "0.24", "0"),
        (date(2026, 6, 30), "0.23", "1.25"), (date(2026, 7, 1), "0.23", "0"),
    ):  # fmt: skip
        proof = prove(warehouse, day)
        assert not proof.differences, day
        (row,) = [row for row in proof.functional if (row.legal_entity, row.currency) == ("Acme Inc", "USD")]
        assert (row.realised, row.unrealised) == (Decimal(realised), Decimal(unrealised)), day
        assert row.aging + row.unapplied + row.intercompany + row.unrealised == row.subledger == row.gl_control


def test_a_change_of_one_settlement_moves_what_was_realised_of_its_invoice(
    copied_company: company.Books, tmp_path: pytest.TempPathFactory
) -> None:
    raw = copied_company.raw
    foreign_business(copied_company)
    raw.rebuild()
    # the second payment is dated and rated anew, the third is gone: nothing is settled whole any more
    copied_company.document("302", "CustPymt", "2026-06-14", *AT, "33.33", rate="1.09")
    raw.add("raw_netsuite__deleted_record", "erp", type="CustPymt", recordid="303", deleteddate="2026-07-01 01:00:00")
    copied_company.revaluation("312", "1", "1", "0.28", day="2026-06-14", account="701")
    copied_company.revaluation("313", "1", "1", "0", day="2026-06-20", account="703")
    raw.rebuild()
    assert ledger(raw)[:3] == [
        ("erp:300", "06-10", "exchange_difference", "0.62"),
        ("erp:300", "06-14", "exchange_difference", "0.28"),
        ("erp:330", "06-30", "revalued", "1.25"),
    ]
    assert functional(raw)["difference"] == 0
    lines = raw.rows("select event_key, sum(functional_amount) as f from fct_receivable_event where event_key = "
                     "'rounding:erp:300' group by 1")  # fmt: skip
    assert lines == [{"event_key": "rounding:erp:300", "f": 0}], "taken back, not forgotten"

    held = "select event_key, document_id, business_date, currency, sum(amount) as amount, functional_currency, " \
           "sum(functional_amount) as functional from fct_receivable_event group by all having sum(amount) <> 0 or " \
           "sum(functional_amount) <> 0 order by all"  # fmt: skip
    grown = raw.rows(held)
    raw.drop_all_made()
    raw.dbt("build")
    assert raw.rows(held) == grown


def test_a_difference_that_the_general_ledger_lacks_is_a_critical_finding_and_holds_back_no_figure(
    copied_company: company.Books,
) -> None:
    raw = copied_company.raw
    foreign_business(copied_company)
    copied_company.revaluation("311", "1", "1", "0.61", day="2026-06-10", account="701")
    raw.rebuild()
    assert functional(raw)["difference"] == Decimal("0.01")
    (found,) = raw.rows("select * from recon_finding where check_name = 'recon_gl_control' and closed_at is null")
    assert (found["severity"], found["business_key"], found["amount"]) == (
        "critical",
        "erp:1:USD:functional",
        Decimal("0.01"),
    )
    assert not prove(publish(raw)).holds


def test_a_ledger_of_an_earlier_version_takes_in_functional_amounts(copied_company: company.Books) -> None:
    raw = copied_company.raw
    foreign_business(copied_company)
    raw.rebuild()
    amounts = "select document_id, sum(functional_amount) as f from fct_receivable_event group by 1 order by 1"
    expected = raw.rows(amounts)
    raw.execute("delete from fct_receivable_event where amount = 0")
    for table, columns in {
        "fct_receivable_event": ("functional_amount", "functional_currency"),
        "int_netsuite__document": ("functional_amount", "functional_currency", "functional_discount_amount"),
        "fct_payment_application": (
            "functional_amount", "functional_currency", "exchange_difference_amount", "exchange_difference_date",
        ),
        "int_document_balance": ("functional_open_amount",),
        "fct_ar_aging": ("functional_open_amount", "functional_currency"),
        "dim_legal_entity_history": ("time_zone",),
    }.items():  # fmt: skip
        for column in columns:
            raw.execute(f"alter table {table} drop column {column} cascade")
    raw.execute("alter table ar_receivable_month alter movement_amount type decimal(28, 4)")
    raw.dbt("build")
    assert raw.rows(amounts) == expected
    assert raw.rows("select distinct typeof(movement_amount) as type from ar_receivable_month") == [
        {"type": "DECIMAL(18,4)"}
    ]
    assert functional(raw)["difference"] == 0
    rules = "select count(*) = count(distinct legal_entity_id) as same, count(distinct time_zone) as zones "
    assert raw.rows(f"{rules} from dim_legal_entity_history") == [{"same": True, "zones": 1}], "no rule changed"
    told = (
        "select count(*) as n from fct_receivable_event where correction_number > 0 and currency = functional_currency"
    )
    assert raw.rows(told) == [{"n": 0}], "what is in one currency was known before"
    assert prove(publish(raw)).tie_out
