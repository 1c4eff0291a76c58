"""What changes in raw moves exactly what it must, and an incremental build equals one from nothing."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.integration.dbt import company
from tests.integration.dbt.rare import journals_of_several, moved, rare_events, void_without_journal
from tests.integration.dbt.raw import RawWarehouse

pytestmark = pytest.mark.slow

MODELS = ("build", "--resource-type", "model", "--resource-type", "seed")

COMPARED = (
    "select * exclude (known_at, _seq) from fct_invoice order by all",
    "select * from int_document_balance order by all",
    "select * from fct_receivable_item order by all",
    "select * exclude (known_at) from fct_payment_application order by all",
    "select * from fct_ar_aging order by all",
    "select * from ar_customer_summary order by all",
    "select * from ar_customer_rollup order by all",
    "select * from ar_unapplied_monthly order by all",
    "select document_id, business_date, sum(amount) as amount from fct_receivable_event group by all "
    "having sum(amount) <> 0 order by all",
    "select * from recon_gl_control order by all",
    # the versions that stand
    "select * exclude (item_version_id, known_at) from fct_receivable_item_history "
    "where known_until > timestamp '9999-01-01' order by all",
    "select customer_id, legal_entity_id, currency, as_of_date, open_balance_amount from ar_aging_daily order by all",
    "select * from int_salesforce__invoice_compared order by all",
    "select * from sync_salesforce__invoice order by all",
)


@pytest.fixture
def raw(copied_company: company.Books) -> RawWarehouse:
    return copied_company.raw


def state(raw: RawWarehouse) -> list[list[dict[str, object]]]:
    return [raw.rows(sql) for sql in COMPARED]


def balance(raw: RawWarehouse, summary_id: str) -> Decimal:
    (row,) = raw.rows(f"select open_balance_amount from ar_customer_summary where customer_summary_id = '{summary_id}'")
    amount = row["open_balance_amount"]
    assert isinstance(amount, Decimal)
    return amount


def applied(raw: RawWarehouse) -> list[tuple[object, ...]]:
    rows = raw.rows(
        "select application_type, debit_document_id, credit_document_id, amount from fct_payment_application "
        "where debit_document_id = 'erp:98'"
    )
    return [tuple(row.values()) for row in rows]


def voided(raw: RawWarehouse) -> list[object]:
    sql = "select business_date from fct_receivable_event where document_id = 'erp:71' and event_type = 'voided'"
    return [row["business_date"] for row in raw.rows(sql)]


def test_incremental_build_equals_a_build_from_nothing(raw: RawWarehouse, tmp_path: Path) -> None:
    books = company.Books(raw)
    journals_of_several(books)
    rare_events(books)
    # void without a journal or a closing date: on the day it was first seen void, where its legal entity is
    raw.execute(
        "insert into raw_arsync__legal_entity (connection, source_legal_entity_id, time_zone) "
        "values ('erp', '2', 'Asia/Tokyo')"
    )
    void_without_journal(books, "2026-06-29 20:00:00")
    raw.dbt("build")
    assert voided(raw) == [date(2026, 6, 30)]
    # 60 taken from customer 5, of which 50 settle the invoice; 50 given to customer 1 and 10 to customer 4 elsewhere
    assert balance(raw, "erp:5|erp:1|USD") == 33 - 10
    assert balance(raw, "erp:1|erp:1|USD") == Decimal("1380.08") + 50 + 5
    # 10 left of an invoice that a deposit of 40 was applied to, and 7 charged back
    assert balance(raw, "erp:4|erp:3|USD") == 10 + 1 + 10 + 7
    assert moved(raw, "erp:120", "erp:121", "erp:122", "erp:123", "erp:124") == [
        ("120", "applied", "06-10", -98),
        ("120", "discount_taken", "06-10", -2),
        ("121", "applied", "06-10", 98),
        ("122", "applied", "06-10", -31.66),
        ("122", "discount_taken", "06-10", -1.67),
        ("123", "applied", "06-12", -63.34),
        ("123", "discount_taken", "06-10", -3.33),
        ("124", "applied", "06-10", 31.66),
        ("124", "applied", "06-12", 63.34),
    ]
    assert moved(raw, "erp:131", "erp:132", "erp:140", "erp:150") == [
        ("131", "applied", "06-15", 40),
        ("132", "applied", "06-15", -40),
        ("140", "recovered", "06-20", -30),
        ("140", "written_off", "06-05", -50),
        ("150", "charged_back", "06-22", 45),
    ]
    (deposit,) = raw.rows("select amount, applied_amount, open_amount from fct_customer_deposit")
    assert tuple(deposit.values()) == (60, 40, 20)
    disputes = raw.rows("select * from recon_payment_processor where object = 'dispute'")
    told = [(row["business_key"], row["finding"], row["amount"], row["owner"]) for row in disputes]
    assert told == [("dp_3", "missing", 5, "cash_application")]
    (debt,) = raw.rows("select event_type from fct_receivable_event where document_id = 'erp:152'")
    assert debt == {"event_type": "charged_back"}
    assert applied(raw) == [("transfer", "erp:98", "erp:97:line:1", 50)]
    # an application is taken back, an amount corrected, a payment deleted, an invoice paid, instalments changed
    books.link("20", "22", "50.00", deleted=True)
    books.document("70", "CustInvc", "2026-06-01", "2", "2", "3", "120000", due="2026-06-30")
    raw.add("raw_netsuite__deleted_record", "erp", type="CustPymt", recordid="83", deleteddate="2026-07-01 01:00:00")
    books.document("96", "CustPymt", "2026-07-01", "5", "1", "1", "33.00")
    books.link("95", "96", "33.00")
    books.instalments("20", ("2026-05-15", "100.00"), ("2026-06-15", "500.00"), ("2026-07-15", "400.00"))
    # what was voided is edited, and what was written off turns out to have been reversed
    void_without_journal(books, "2026-07-01 20:00:00")
    books.document("51", "Journal", "2026-06-25", "1", "1", "1", "70.00", reversal=True)
    # more discount than was thought, and an invoice that was written off only after it was paid in part
    books.document("121", "CustPymt", "2026-06-10", "4", "3", "1", "97.00", discount="3.00")
    books.document("141", "Journal", "2026-06-25", "4", "3", "1", "50.00")
    # one customer's journal becomes two customers', and the other way round
    books.journal("97", ("5", "1", "-50.00"), None, None)
    books.journal("99", ("1", "1", "5.00"), ("3", "1", "7.00"))
    raw.rebuild()
    changed = state(raw)
    assert applied(raw) == [("write_off", "erp:98", "erp:97", 50)]
    assert voided(raw) == [date(2026, 6, 30)]
    ledger = "select event_type from fct_receivable_event where document_id = 'erp:50' "
    kinds = [row["event_type"] for row in raw.rows(ledger + "order by correction_number, event_key desc")]
    assert kinds == ["posted", "written_off", "reversed", "voided"]
    assert balance(raw, "erp:3|erp:1|USD") == 7
    assert balance(raw, "erp:4|erp:3|USD") == 1 + 10 + 7
    assert moved(raw, "erp:120", "erp:140") == [
        ("120", "applied", "06-10", -97),
        ("120", "discount_taken", "06-10", -3),
        ("140", "applied", "06-20", -30),
        ("140", "written_off", "06-25", -50),
    ]
    (debit,) = raw.rows("select bucket, days_past_due, open_amount from fct_ar_aging where document_id = 'erp:100'")
    assert debit == {"bucket": "1-30", "days_past_due": 21, "open_amount": 1}
    assert balance(raw, "erp:1|erp:2|JPY") == 120000
    assert balance(raw, "erp:3|erp:1|EUR") == 500, "the deleted payment's invoice is open again"
    assert balance(raw, "erp:5|erp:1|USD") == 0
    corrections = raw.rows(
        "select event_type, amount from fct_receivable_event where correction_number > 0 order by all"
    )
    # what changed is taken back whole and said anew; what is gone is only taken back
    assert {(row["event_type"], row["amount"]) for row in corrections} >= {
        ("unapplied", Decimal(50)),
        ("unapplied", Decimal(-50)),
        ("reversed", Decimal(-123457)),
        ("posted", Decimal(120000)),
    }

    fresh = RawWarehouse(tmp_path / "fresh" / "warehouse.duckdb")
    fresh.path.parent.mkdir()
    fresh.path.write_bytes(raw.path.read_bytes())
    fresh.drop_all_made()
    fresh.dbt("build")
    assert state(fresh) == changed

    raw.dbt("build", "--full-refresh")
    assert state(raw) == changed


def test_a_second_build_without_news_changes_nothing(raw: RawWarehouse) -> None:
    ledger = raw.rows("select * from fct_receivable_event order by event_id")
    before = state(raw)
    raw.dbt(*MODELS)
    assert state(raw) == before
    assert raw.rows("select * from fct_receivable_event order by event_id") == ledger


def test_time_alone_moves_buckets_and_future_payments(raw: RawWarehouse) -> None:
    raw.set_policy(company.AS_OF + timedelta(days=1))
    raw.dbt(*MODELS)
    (row,) = raw.rows("select * from ar_customer_summary where customer_summary_id = 'erp:1|erp:1|USD'")
    # the payment of 90 dated 2 July counts now; each edge invoice that stood on an edge has moved on
    assert row["open_balance_amount"] == Decimal("1290.08")
    assert [row[f"{name}_amount"] for name in ("current", "days_1_30", "days_31_60", "days_61_90", "days_91_plus")] == [
        Decimal("400.00"),
        Decimal("350.02"),
        Decimal("200.02"),
        Decimal("200.02"),
        Decimal("200.02"),
    ]


def test_edges_and_basis_are_policy(raw: RawWarehouse) -> None:
    raw.set_policy(date(2026, 7, 1), basis="document", edges=(10, 20, 40, 60))
    raw.dbt(*MODELS)
    found = raw.rows("select bucket, count(*) as items from fct_ar_aging group by bucket order by bucket")
    # dated 1 June (30 days): 60, 70, 90 and 95; dated 1 March (122): the eight; dated 1 May (61): two instalments
    assert {row["bucket"]: row["items"] for row in found} == {"21-40": 4, "61+": 10, "unapplied": 2, "intercompany": 2}


def test_a_bad_value_fails_the_build(raw: RawWarehouse) -> None:
    company.Books(raw).document("99", "CustInvc", "31/12/2026", "1", "1", "1", "1.00")
    done = raw.dbt(*MODELS, check=False)
    assert done.returncode != 0
    assert "31/12/2026" in done.stdout


def test_crm_that_holds_what_it_should_gets_nothing(raw: RawWarehouse) -> None:
    for row in raw.rows("select * from int_salesforce__invoice_desired"):
        raw.add(
            "raw_salesforce__ar_invoice", "crm", id="a" + row["external_id"], is_deleted=False,
            **{name: None if row[name] is None else str(row[name]) for name in (
                "external_id", "account_id", "number", "legal_entity", "invoice_date", "due_date", "currency",
                "total_amount", "open_amount", "status", "aging_bucket", "disputed_amount", "link",
            )},
        )  # fmt: skip
    raw.add(
        "raw_salesforce__ar_invoice", "crm", id="a-gone", is_deleted=False, external_id="erp:gone", account_id="001A",
        number="X", currency="USD", total_amount="7.0", open_amount="7.0", status="open",
    )  # fmt: skip
    raw.rebuild()
    (row,) = raw.rows("select * from sync_salesforce__invoice")
    assert row["business_key"] == "erp:gone"
    assert '"status":"void"' in row["payload"] and '"open_amount":"0.00"' in row["payload"]
    assert '"open_amount":"7.00"' in row["before"]


def test_a_payment_with_another_date_changes_when_its_invoice_was_paid(copied_company: company.Books) -> None:
    books, raw = copied_company, copied_company.raw
    books.document("901", "CustInvc", "2026-05-20", "5", "1", "1", "70.00", due="2026-06-20")
    books.document("902", "CustPymt", "2026-05-31", "5", "1", "1", "70.00")
    books.link("901", "902", "70.00")
    raw.rebuild()
    paid = "select last_application_date::varchar as day from fct_invoice where source_id = '901'"
    assert raw.rows(paid) == [{"day": "2026-05-31"}]
    books.document("902", "CustPymt", "2026-06-09", "5", "1", "1", "70.00")
    raw.rebuild()
    assert raw.rows(paid) == [{"day": "2026-06-09"}]
    (row,) = raw.rows("select average_days_to_pay from ar_customer_summary where customer_id = 'erp:5'")
    assert row["average_days_to_pay"] == 20


def test_a_last_payment_that_leaves_no_event_is_followed(copied_company: company.Books) -> None:
    """A payment of nothing comes, and goes to another customer."""
    raw = copied_company.raw
    chosen = ("--select", "+ar_customer_rollup", "--resource-type", "model", "--resource-type", "seed")
    last = (
        "select customer_id, last_payment_date as day from ar_customer_rollup "
        "where customer_id in ('erp:1', 'erp:5') order by 1"
    )
    before = raw.rows(last)
    day = {"day": date(2026, 7, 1)}
    copied_company.document("901", "CustPymt", "2026-07-01", "5", "1", "1", "0.00")
    raw.dbt("build", *chosen)
    assert raw.rows(last) == [before[0], before[1] | day]
    copied_company.document("901", "CustPymt", "2026-07-01", "1", "1", "1", "0.00")
    raw.dbt("build", *chosen)
    assert raw.rows(last) == [before[0] | day, before[1]]
