"""Receivables of any day as known at any time: what was answered stays, whatever is learned later."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.integration.dbt import company
from tests.integration.dbt.asking import Analyst, Rows
from tests.integration.dbt.history import History
from tests.integration.dbt.raw import RawWarehouse

DAYS = [date(2026, 3, 31), date(2026, 5, 20), date(2026, 6, 20), date(2026, 7, 1), date(2026, 8, 15)]
ROUNDS = 4


@pytest.fixture
def analyst(tmp_path: Path) -> Analyst:
    raw = RawWarehouse(tmp_path / "warehouse.duckdb")
    raw.create(company.AS_OF)
    company.write(raw)
    return Analyst(raw)


def totals(rows: Rows) -> dict[tuple[str, str, str], Decimal]:
    found: dict[tuple[str, str, str], Decimal] = {}
    for row in rows:
        key = (row["customer_id"], row["legal_entity_id"], row["currency"])
        found[key] = found.get(key, Decimal()) + row["open_amount"]
    return {key: amount for key, amount in found.items() if amount}


def test_what_was_answered_stays_whatever_is_learned_later(analyst: Analyst) -> None:
    chance = random.Random(20260402)
    history = History(analyst.raw, chance)
    answers: dict[tuple[str, date | None, datetime], Rows] = {}
    for _turn in range(ROUNDS):
        known = analyst.build_and_publish()
        for (function, day, then), rows in answers.items():
            assert analyst.ask(function, day, then) == rows, f"{function}({day}, {then}) answers otherwise now"
        for day in DAYS:
            for function in ("ar_aging", "ar_balance"):
                answers[function, day, known] = analyst.ask(function, day, known)
                assert answers[function, day, known] == analyst.ask(function, day, None)
            assert totals(answers["ar_aging", day, known]) == totals(answers["ar_balance", day, known])
        assert analyst.ask("ar_aging", None, None) == analyst.rows("select * from fct_ar_aging order by all")
        analyst.raw.loaded_at = datetime.now(UTC).replace(tzinfo=None)
        history.goes_on(12)
    assert len({repr(rows) for rows in answers.values()}) > len(answers) / 2, "little happened"


def test_a_late_posting_counts_from_the_moment_it_was_known(analyst: Analyst) -> None:
    books = company.Books(analyst.raw)
    before = analyst.build_and_publish()
    march = date(2026, 3, 31)
    # on 2 April nobody knew of the invoice that was posted back into March, and which was paid, re-dated and taken back
    analyst.raw.loaded_at = datetime.now(UTC).replace(tzinfo=None)
    books.document("301", "CustInvc", "2026-03-15", "5", "1", "1", "500.00", due="2026-03-20")
    posted = analyst.build_and_publish()
    analyst.raw.loaded_at = datetime.now(UTC).replace(tzinfo=None)
    books.document("302", "CustPymt", "2026-03-25", "5", "1", "1", "200.00")
    books.link("301", "302", "200.00")
    paid = analyst.build_and_publish()
    analyst.raw.loaded_at = datetime.now(UTC).replace(tzinfo=None)
    books.link("301", "302", "150.00")
    books.document("301", "CustInvc", "2026-03-15", "5", "1", "1", "500.00", due="2026-03-30")
    corrected = analyst.build_and_publish()
    analyst.raw.add(
        "raw_netsuite__deleted_record", "erp", type="CustInvc", recordid="301", deleteddate="2026-07-01 01:00:00"
    )
    gone = analyst.build_and_publish()

    def owed(known: datetime) -> list[tuple[str, Decimal, int | None]]:
        rows = analyst.rows("from ar_aging_of_customer('erp:5', ?, ?) order by item_id", [march, known])
        return [(row["document_id"], row["open_amount"], row["days_past_due"]) for row in rows]

    assert owed(before) == []
    assert owed(posted) == [("erp:301", Decimal(500), 11)]
    assert owed(paid) == [("erp:301", Decimal(300), 11)]
    assert owed(corrected) == [("erp:301", Decimal(350), 1), ("erp:302", Decimal(-50), None)]
    assert owed(gone) == [("erp:302", Decimal(-200), None)]
    lines = analyst.rows(
        "select event_type, amount, business_date from fct_receivable_event where document_id = 'erp:301' "
        "order by known_at, correction_number"
    )
    assert [(row["event_type"], row["amount"]) for row in lines] == [
        ("posted", 500),
        ("applied", -200),
        ("unapplied", 200),
        ("applied", -150),
        *sorted([("reversed", -500), ("unapplied", 150)], key=lambda line: line in lines),
    ]
    assert {row["business_date"] for row in lines} == {date(2026, 3, 15), date(2026, 3, 25)}


def test_a_merge_moves_no_past_figure(analyst: Analyst) -> None:
    before = analyst.build_and_publish()
    books = company.Books(analyst.raw)
    books.customer("5", "1", "1", "12-3456789")  # the orphan turns out to be Northwind
    books.document("95", "CustInvc", "2026-06-01", "1", "1", "1", "33.00", due="2026-06-02")  # and its invoice moves
    analyst.build_and_publish()
    then = {
        row["customer_id"]: row["open_balance_amount"] for row in analyst.ask("ar_balance_by_customer", None, before)
    }
    now = {
        row["customer_id"]: row["open_balance_amount"]
        for row in analyst.ask("ar_balance_by_customer", None, None)
        if row["currency"] == "USD"
    }
    assert then["erp:5"] == 33 and "erp:5" not in now
    assert now["erp:1"] == Decimal("1413.08")


def test_companions_agree_with_the_marts(analyst: Analyst) -> None:
    analyst.build_and_publish()
    columns = (
        "customer_id, legal_entity_id, currency, as_of_date, current_amount, days_1_30_amount, days_31_60_amount, "
        "days_61_90_amount, days_91_plus_amount, unapplied_amount, open_balance_amount, overdue_balance_amount"
    )
    summary = analyst.rows(
        f"select {columns} from ar_customer_summary where (customer_id, currency) in "
        "(select customer_id, currency from fct_ar_aging) order by all"
    )
    assert analyst.rows(f"select {columns} from ar_aging_by_customer() order by all") == summary
    assert analyst.rows(f"select {columns} from ar_aging_daily order by all") == summary
    by_entity = {
        (r["legal_entity_id"], r["currency"]): r["open_balance_amount"]
        for r in analyst.rows("from ar_aging_by_legal_entity()")
    }
    assert by_entity == {
        ("erp:1", "USD"): Decimal("1413.08"),
        ("erp:2", "JPY"): Decimal(123457),
        ("erp:3", "BHD"): Decimal("10.125"),
    }
    by_group = {
        (r["ancestor_customer_id"], r["currency"]): r["open_balance_amount"]
        for r in analyst.rows("from ar_aging_by_hierarchy()")
    }
    assert by_group["erp:1", "JPY"] == 123457
    items = analyst.rows("from ar_aging() where customer_id = 'erp:1' order by all")
    assert analyst.rows("from ar_aging_of_customer('erp:1') order by all") == items


def test_edges_and_basis_of_a_legal_entity_are_its_own_and_its_past(analyst: Analyst) -> None:
    before = analyst.build_and_publish()
    analyst.raw.execute(
        "insert into raw_arsync__legal_entity values ('erp', '2', 'Asia/Tokyo', '', '2026-07-01', 0, 10, 20, 30, 'document')"
    )
    analyst.build_and_publish()
    sql = "select bucket from ar_aging(known_at := ?) where legal_entity_id = 'erp:2'"
    assert analyst.rows(sql, [None]) == [{"bucket": "21-30"}], "dated 1 June"
    assert analyst.rows(sql, [before]) == [{"bucket": "1-30"}], "due 30 June, as it was asked before"
    assert analyst.ask("ar_aging", None, None) == analyst.rows("select * from fct_ar_aging order by all")


def test_a_day_of_knowledge_ends_where_the_legal_entity_is(analyst: Analyst) -> None:
    analyst.raw.execute(
        "insert into raw_arsync__legal_entity (connection, source_legal_entity_id, time_zone, as_of_date) values "
        "('erp', '1', 'America/New_York', '2026-07-01'), ('erp', '2', 'Asia/Tokyo', '2026-07-01')"
    )
    # 20:00 UTC of 30 June: still that day in New York, already the next in Tokyo
    for _table, row in analyst.raw.pending:
        row["_loaded_at"] = datetime(2026, 6, 30, 20)
    analyst.build_and_publish()
    entities = {row["legal_entity_id"] for row in analyst.ask("ar_aging", None, date(2026, 6, 30))}
    assert entities == {"erp:1", "erp:3"}
    assert len(analyst.ask("ar_aging", None, date(2026, 7, 1))) == len(analyst.ask("ar_aging", None, None))


def test_a_day_of_the_trend_stays_as_its_last_build_saw_it(analyst: Analyst) -> None:
    analyst.build_and_publish()
    analyst.raw.set_policy(company.AS_OF + timedelta(days=1))
    analyst.build_and_publish()
    books = company.Books(analyst.raw)
    books.document("401", "CustInvc", "2026-06-15", "5", "1", "1", "7.00", due="2026-06-20")
    analyst.build_and_publish()
    analyst.raw.set_policy(company.AS_OF)  # somebody asks a job for the day before
    analyst.build_and_publish()
    shown = analyst.rows(
        "select as_of_date, open_balance_amount, known_at from ar_aging_daily where customer_id = 'erp:5' order by all"
    )
    assert [(row["as_of_date"].day, row["open_balance_amount"]) for row in shown] == [(1, 33), (2, 40)]
    for row in shown:
        (again,) = analyst.rows(
            "select open_balance_amount from ar_aging_by_customer(?, ?) where customer_id = 'erp:5'",
            [row["as_of_date"], row["known_at"]],
        )
        assert again["open_balance_amount"] == row["open_balance_amount"]
