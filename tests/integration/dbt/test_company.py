"""The whole project on a small company: every figure compared with one worked out by hand."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.integration.dbt.raw import RawWarehouse

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(built_company: RawWarehouse) -> RawWarehouse:
    return built_company


def test_buckets_of_each_customer_entity_and_currency(built: RawWarehouse) -> None:
    found = {
        (row["customer_id"], row["legal_entity_id"], row["currency"]): [
            row[name]
            for name in (
                "current_amount",
                "days_1_30_amount",
                "days_31_60_amount",
                "days_61_90_amount",
                "days_91_plus_amount",
                "unapplied_amount",
                "open_balance_amount",
                "overdue_balance_amount",
                "disputed_amount",
                "intercompany_amount",
            )
        ]
        for row in built.rows("select * from ar_customer_summary")
    }
    expected = {
        ("erp:1", "erp:1", "USD"): "590.01 350.02 200.02 200.02 100.01 -60 1380.08 850.07 90 0",
        ("erp:1", "erp:2", "JPY"): "0 123457 0 0 0 0 123457 123457 0 0",
        ("erp:3", "erp:1", "EUR"): "0 0 0 0 0 0 0 0 0 0",
        ("erp:4", "erp:3", "BHD"): "10.125 0 0 0 0 0 10.125 0 0 0",
        ("erp:5", "erp:1", "USD"): "0 33 0 0 0 0 33 33 0 0",
        ("erp:6", "erp:1", "EUR"): "0 0 0 0 0 0 0 0 0 200",
        ("erp:6", "erp:4", "USD"): "0 0 0 0 0 0 0 0 0 -150",
        ("erp:7", "erp:1", "USD"): "0 0 0 0 0 0 0 0 0 0",
    }
    assert found == {key: [Decimal(part) for part in text.split()] for key, text in expected.items()}


def test_invoice_states(built: RawWarehouse) -> None:
    found = {
        row["source_id"]: (row["status"], str(row["open_amount"].normalize()), row["aging_bucket"])
        for row in built.rows("select * from fct_invoice where source_id::int >= 20")
    }
    assert found["20"] == ("overdue", "5.5E+2", "1-30")
    assert found["30"] == ("paid", "0", None)
    assert found["40"] == ("void", "0", None)
    assert found["50"] == ("written_off", "0", None)
    assert found["60"] == ("disputed", "9E+1", "current")
    assert found["90"] == ("open", "10.125", "current")


def test_everything_foots_to_the_general_ledger(built: RawWarehouse) -> None:
    rows = {row["gl_control_id"]: row for row in built.rows("select * from recon_gl_control")}
    assert {key: row["gl_control"] for key, row in rows.items()} == {
        "erp:1:USD": Decimal("1413.08"),
        "erp:1:EUR": 200,
        "erp:4:USD": -150,
        "erp:2:JPY": 123457,
        "erp:3:BHD": Decimal("10.125"),
        # in the currency of each legal entity's books: here everything was posted at a rate of 1
        "erp:1:USD:functional": Decimal("1613.08"),
        "erp:4:USD:functional": -150,
        "erp:2:JPY:functional": 123457,
        "erp:3:BHD:functional": Decimal("10.125"),
    }
    assert all(row["difference"] == 0 for row in rows.values())


def test_account_payloads(built: RawWarehouse) -> None:
    rows = {row["business_key"]: row for row in built.rows("select * from sync_salesforce__account")}
    assert set(rows) == {"001A", "001B", "001D", "001E"}, "the duplicate 001C shows nothing and holds nothing"
    northwind = json.loads(rows["001A"]["payload"])
    # 123457 JPY x 0.0065 = 802.4705 -> 802.47; 1,000,000 JPY limit = 6,500
    assert northwind == {
        "erp_customer_id": "C0001",
        "open_balance": "2182.55",
        "overdue_balance": "1652.54",
        "current": "590.01",
        "days_1_30": "1152.49",
        "days_31_60": "200.02",
        "days_61_90": "200.02",
        "days_91_plus": "100.01",
        "unapplied": "-60.00",
        "disputed": "90.00",
        "credit_limit": "16500.00",
        # 16,500.00 - 2,182.55 open - 1,000.00 and 100,000 JPY x 0.0065 = 650.00 released and not billed
        "credit_available": "12667.45",
        "over_limit": False,
        "credit_hold": False,
        "payment_terms": "Net 30; Two instalments",
        "collections_status": None,
        "promise_date": None,
        "average_days_to_pay": "10.0",
        "last_payment_date": "2026-06-20",
        "last_payment_amount": "400.00",
        "oldest_due_date": "2026-04-01",
        "currency": "USD",
        "as_of_date": "2026-07-01",
    }
    contoso = json.loads(rows["001B"]["payload"])
    assert (contoso["erp_customer_id"], contoso["currency"], contoso["credit_hold"]) == ("C0003", "EUR", True)
    assert (contoso["average_days_to_pay"], contoso["credit_limit"]) == ("30.0", None)
    assert json.loads(rows["001D"]["payload"])["open_balance"] == "10.125"
    cleared = json.loads(rows["001E"]["payload"])
    assert {value for name, value in cleared.items() if name not in {"credit_hold", "over_limit"}} == {None}
    assert json.loads(rows["001E"]["before"])["open_balance"] == "5.00"


def test_balance_and_invoice_records_are_new(built: RawWarehouse) -> None:
    balances = {row["business_key"]: row for row in built.rows("select * from sync_salesforce__account_balance")}
    assert set(balances) == {"erp:1:C0001:USD", "erp:2:C0002:JPY", "erp:1:C0003:EUR", "erp:3:C0004:BHD"}
    yen = json.loads(balances["erp:2:C0002:JPY"]["payload"])
    assert (yen["open_balance"], yen["credit_available"], yen["over_limit"]) == ("123457", "776543", False)
    dollars = json.loads(balances["erp:1:C0001:USD"]["payload"])
    assert (dollars["credit_limit"], dollars["credit_available"]) == ("10000.00", "7619.92")
    invoices = {row["business_key"]: row for row in built.rows("select * from sync_salesforce__invoice")}
    assert len(invoices) == 17, "every invoice but the one of the customer without an account"
    assert all(row["is_new"] and row["before"] == "{}" for row in invoices.values())
    gulf = json.loads(invoices["erp:90"]["payload"])
    assert (gulf["total_amount"], gulf["dunning_level"]) == ("10.125", None)


def test_exposure_and_what_the_crm_shows_are_one_figure(built: RawWarehouse) -> None:
    exposure = {r["credit_exposure_id"]: r for r in built.rows("select * from ar_credit_exposure")}
    assert exposure["erp:1|erp:1|USD"]["unbilled_order_amount"] == 1000
    for row in built.rows("select * from int_salesforce__account_balance_desired"):
        own = exposure[f"{row['customer_id']}|{row['legal_entity_id']}|{row['currency']}"]
        assert (row["credit_available"], row["over_limit"]) == (own["credit_available_amount"], own["is_over_limit"])


def test_customers_are_identified(built: RawWarehouse) -> None:
    found = {
        row["source_customer_id"]: (row["customer_id"], row["match_method"])
        for row in built.rows("select * from bridge_customer_source where record_type = 'crm_account'")
    }
    assert found == {
        "crm:001A": ("erp:1", "explicit"),
        "crm:001B": ("erp:3", "tax_registration"),
        "crm:001C": ("erp:3", "tax_registration"),
        "crm:001D": ("erp:4", "explicit"),
        "crm:001F": ("erp:6", "explicit"),
        "crm:001E": ("crm:001E", "self"),
    }
    findings = {row["finding_id"]: row["finding"] for row in built.rows("select * from recon_customer_presence")}
    assert findings == {"missing:crm:erp:5": "missing", "duplicate:crm:001C": "duplicate"}


def test_what_sister_companies_owe_each_other_stands_apart(built: RawWarehouse) -> None:
    items = built.rows("select * from fct_ar_aging where is_intercompany order by document_id")
    shown = [(row["document_id"], row["bucket"], row["open_amount"], row["days_past_due"]) for row in items]
    assert shown == [("erp:85", "intercompany", 200, 61), ("erp:86", "intercompany", -150, None)]
    own = built.rows("select customer_id from dim_customer where is_intercompany order by customer_id")
    assert [row["customer_id"] for row in own] == ["erp:6", "erp:7"]
    for payloads in ("account", "account_balance", "invoice"):
        assert built.rows(f"select * from sync_salesforce__{payloads} where customer_id = 'erp:6'") == []
    months = (
        "select * from ar_measure_monthly where legal_entity_id = 'erp:4' or currency = 'EUR' and closing_amount <> 0"
    )
    assert [row["closing_amount"] for row in built.rows(months + " and period_end >= '2026-06-30'")] == []
    assert built.rows("select * from recon_unapplied where customer_id = 'erp:6'") == []


def test_holds_tells_every_broken_rule(built: RawWarehouse, tmp_path: Path) -> None:
    broken = RawWarehouse(tmp_path / "warehouse.duckdb")
    broken.path.write_bytes(built.path.read_bytes())
    broken.execute(
        "insert into recon_unapplied (finding_id, finding) values (null, 'missing'), ('a', 'odd'), ('a', 'stale')"
    )
    broken.execute("update fct_receivable_item set legal_entity_id = 'erp:nobody' where document_id = 'erp:95'")
    tests = ("recon_unapplied_holds", "fct_receivable_item_holds")
    done = broken.dbt("test", "--select", *tests, check=False)
    assert done.returncode != 0
    assert "Got 4 results" in done.stdout, "rows that break a rule are counted, not rules"
    found = []
    for name in tests:
        (compiled,) = (tmp_path / "target" / "compiled").rglob(f"{name}.sql")
        found += [tuple(row.values()) for row in broken.rows(compiled.read_text(encoding="utf-8"))]
    assert found == [
        ("finding is not accepted", 1, "odd"),
        ("finding_id is not unique", 2, "a"),
        ("finding_id is null", 1, None),
        ("legal_entity_id is unknown", 1, "erp:nobody"),
    ]
