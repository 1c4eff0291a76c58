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

pytestmark = pytest.mark.slow

DAYS = [date(2026, 3, 31), date(2026, 5, 20), date(2026, 6, 20), date(2026, 7, 1), date(2026, 8, 15)]
ROUNDS = 3
MARCH = date(2026, 3, 31)
FIRST_LOAD = datetime(2026, 6, 30, 20)
"""Still that day in New York, already the next in Tokyo."""


@pytest.fixture(scope="module")
def first_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small company as loaded at FIRST_LOAD and built once; every test goes on from a copy."""
    raw = RawWarehouse(tmp_path_factory.mktemp("as_of") / "warehouse.duckdb")
    raw.create(company.AS_OF)
    raw.execute(
        "insert into raw_arsync__legal_entity (connection, source_legal_entity_id, time_zone, as_of_date) values "
        "('erp', '1', 'America/New_York', '2026-07-01'), ('erp', '2', 'Asia/Tokyo', '2026-07-01')"
    )
    raw.loaded_at = FIRST_LOAD
    company.write(raw)
    Analyst(raw).build_and_publish()
    return raw.path


@pytest.fixture
def analyst(first_build: Path, tmp_path: Path) -> Analyst:
    raw = RawWarehouse(tmp_path / "warehouse.duckdb", seq=100_000)
    raw.path.write_bytes(first_build.read_bytes())
    asking = Analyst(raw)
    asking.publish()
    return asking


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def totals(rows: Rows) -> dict[tuple[str, str, str], Decimal]:
    """Open amounts by customer, legal entity and currency, without those that come to nothing."""
    found: dict[tuple[str, str, str], Decimal] = {}
    for row in rows:
        key = (row["customer_id"], row["legal_entity_id"], row["currency"])
        found[key] = found.get(key, Decimal()) + row["open_amount"]
    return {key: amount for key, amount in found.items() if amount}


def test_what_was_answered_stays_whatever_is_learned_later(analyst: Analyst) -> None:
    chance = random.Random(20260402)
    history = History(analyst.raw, chance)
    answers: dict[tuple[str, date | None, datetime | date], Rows] = {}
    known: datetime | date
    for turn in range(ROUNDS + 1):
        if turn:
            analyst.raw.loaded_at = now()
            history.goes_on(12)
            analyst.build_and_publish()
        for (function, day, then), rows in answers.items():
            assert analyst.ask(function, day, then) == rows, f"{function}({day}, {then}) answers otherwise now"
        for day in DAYS:
            for known in (now(), FIRST_LOAD, FIRST_LOAD.date()):
                for function in ("ar_aging", "ar_balance"):
                    answers[function, day, known] = analyst.ask(function, day, known)
                assert totals(answers["ar_aging", day, known]) == totals(answers["ar_balance", day, known])
            assert analyst.ask("ar_aging", day, now()) == analyst.ask("ar_aging", day, None)
        assert analyst.ask("ar_aging", None, None) == analyst.rows("select * from fct_ar_aging order by all")
    different = {
        repr(rows) for (function, day, _), rows in answers.items() if (function, day) == ("ar_aging", DAYS[-1])
    }
    assert len(different) == ROUNDS + 2, "each turn told something new, and Tokyo's day had ended before the first"


def test_a_late_posting_counts_from_the_moment_it_was_known(analyst: Analyst) -> None:
    books = company.Books(analyst.raw)
    before = analyst.raw.loaded_at = now()
    books.document("301", "CustInvc", "2026-03-15", "5", "1", "1", "500.00", due="2026-03-20")
    posted, analyst.raw.loaded_at = before, before + timedelta(milliseconds=50)
    books.document("302", "CustPymt", "2026-03-25", "5", "1", "1", "200.00")
    books.link("301", "302", "200.00")
    paid = analyst.build_and_publish()
    analyst.raw.loaded_at = now()
    books.link("301", "302", "150.00")
    books.document("301", "CustInvc", "2026-03-15", "5", "1", "1", "500.00", due="2026-03-30")
    corrected = analyst.build_and_publish()
    deleted = {"type": "CustInvc", "recordid": "301", "deleteddate": "2026-07-01 01:00:00"}
    analyst.raw.add("raw_netsuite__deleted_record", "erp", **deleted)
    gone = analyst.build_and_publish()

    def owed(known: datetime) -> list[tuple[str, Decimal, int | None]]:
        rows = analyst.rows("from ar_aging_of_customer('erp:5', ?, ?) order by item_id", [MARCH, known])
        return [(row["document_id"], row["open_amount"], row["days_past_due"]) for row in rows]

    assert owed(before - timedelta(milliseconds=1)) == []
    assert owed(posted) == [("erp:301", Decimal(500), 11)]
    assert owed(paid) == [("erp:301", Decimal(300), 11)]
    assert owed(corrected) == [("erp:301", Decimal(350), 1), ("erp:302", Decimal(-50), None)]
    assert owed(gone) == [("erp:302", Decimal(-200), None)]
    lines = analyst.rows(
        "select event_type, amount, known_at from fct_receivable_event where document_id = 'erp:301' "
        "order by known_at, event_key, correction_number"
    )
    assert [(row["event_type"], row["amount"]) for row in lines] == [
        ("posted", 500),
        ("applied", -200),
        ("unapplied", 200),
        ("applied", -150),
        ("unapplied", 150),
        ("reversed", -500),
    ]
    assert len({row["known_at"] for row in lines}) == 4, "what is taken back and what replaces it are known together"


def test_a_merge_and_new_rules_move_no_past_figure(analyst: Analyst) -> None:
    before = now()
    books = company.Books(analyst.raw)
    analyst.raw.loaded_at = now()
    books.customer("5", "1", "1", "12-3456789")  # the orphan turns out to be Northwind
    books.document("95", "CustInvc", "2026-06-01", "1", "1", "1", "33.00", due="2026-06-02")  # and its invoice moves
    analyst.raw.execute(
        "update raw_arsync__legal_entity set edge_1 = 0, edge_2 = 10, edge_3 = 20, edge_4 = 30, "
        "aging_basis = 'document' where source_legal_entity_id = '2'"
    )
    analyst.build_and_publish()

    then = {
        row["customer_id"]: row["open_balance_amount"] for row in analyst.ask("ar_balance_by_customer", None, before)
    }
    later = totals(analyst.ask("ar_balance", None, None))
    assert then["erp:5"] == 33
    assert later["erp:1", "erp:1", "USD"] == Decimal("1413.08") and ("erp:5", "erp:1", "USD") not in later
    bucket = "select bucket from ar_aging(known_at := ?) where legal_entity_id = 'erp:2'"
    assert analyst.rows(bucket, [before - timedelta(seconds=1)]) == [{"bucket": "1-30"}], "due 30 June, as it was asked"
    assert analyst.rows(bucket, [None]) == [{"bucket": "21-30"}], "dated 1 June, by rules of its own"
    assert analyst.ask("ar_aging", None, None) == analyst.rows("select * from fct_ar_aging order by all")


def test_companions_agree_with_the_marts(analyst: Analyst) -> None:
    columns = (
        "customer_id, legal_entity_id, currency, as_of_date, current_amount, days_1_30_amount, days_31_60_amount, "
        "days_61_90_amount, days_91_plus_amount, unapplied_amount, open_balance_amount, overdue_balance_amount"
    )
    shown = "open_balance_amount <> 0 or intercompany_amount <> 0"
    summary = analyst.rows(
        f"select {columns}, intercompany_amount, disputed_amount from ar_customer_summary where {shown} order by all"
    )
    assert len(summary) == 4 + 2
    assert sum(row["disputed_amount"] for row in summary) == 90, "90 of 120 are open; what a sister disputes is its own"
    asked = f"select {columns}, intercompany_amount, disputed_amount from ar_aging_by_customer() order by all"
    assert analyst.rows(asked) == summary
    trade = analyst.rows(f"select {columns} from ar_customer_summary where open_balance_amount <> 0 order by all")
    assert analyst.rows(f"select {columns} from ar_aging_daily order by all") == trade

    def balances(function: str, key: str) -> dict[tuple[str, str], Decimal]:
        return {(row[key], row["currency"]): row["open_balance_amount"] for row in analyst.ask(function, None, None)}

    expected = {("erp:1", "USD"): "1413.08", ("erp:2", "JPY"): "123457", ("erp:3", "BHD"): "10.125"}
    expected |= {("erp:1", "EUR"): "0", ("erp:4", "USD"): "0"}  # intercompany
    assert balances("ar_aging_by_legal_entity", "legal_entity_id") == {k: Decimal(v) for k, v in expected.items()}
    assert balances("ar_aging_by_currency", "currency")["USD", "USD"] == Decimal("1413.08")
    assert balances("ar_aging_by_hierarchy", "ancestor_customer_id")["erp:1", "JPY"] == 123457
    for function in ("ar_aging_by_legal_entity", "ar_aging_by_currency", "ar_aging_by_hierarchy"):
        disputed = [row["disputed_amount"] for row in analyst.ask(function, None, None) if row["disputed_amount"]]
        assert disputed == [90], function
    items = analyst.rows("from ar_aging() where customer_id = 'erp:1' order by all")
    assert analyst.rows("from ar_aging_of_customer('erp:1') order by all") == items


def test_a_day_of_knowledge_ends_where_the_legal_entity_is(analyst: Analyst) -> None:
    entities = {row["legal_entity_id"] for row in analyst.ask("ar_aging", None, date(2026, 6, 30))}
    assert entities == {"erp:1", "erp:3", "erp:4"}
    assert len(analyst.ask("ar_aging", None, date(2026, 7, 1))) == len(analyst.ask("ar_aging", None, None))
    tokyo = analyst.rows("from ar_aging(known_at := timestamptz '2026-07-01 05:00:00 Asia/Tokyo')")
    assert len(tokyo) == len(analyst.ask("ar_aging", None, None))
    assert analyst.rows("from ar_aging(known_at := timestamptz '2026-07-01 04:59:59 Asia/Tokyo')") == []


def test_a_day_of_the_trend_stays_as_its_last_build_saw_it(analyst: Analyst) -> None:
    analyst.raw.execute("update raw_arsync__policy set as_of_date = as_of_date + 1")
    analyst.raw.execute("update raw_arsync__legal_entity set as_of_date = as_of_date + 1")
    company.Books(analyst.raw).document("401", "CustInvc", "2026-06-15", "5", "1", "1", "7.00", due="2026-06-20")
    analyst.build_and_publish()
    analyst.raw.execute("update raw_arsync__legal_entity set as_of_date = as_of_date - 1")  # a job for the day before
    analyst.build_and_publish()
    shown = analyst.rows("from ar_aging_daily where customer_id = 'erp:5' order by as_of_date")
    assert [(row["as_of_date"].day, row["open_balance_amount"]) for row in shown] == [(1, 33), (2, 40)]
    for row in shown:
        asked = "select open_balance_amount from ar_aging_by_customer(?, ?) where customer_id = 'erp:5'"
        (again,) = analyst.rows(asked, [row["as_of_date"], row["known_at"]])
        assert again["open_balance_amount"] == row["open_balance_amount"]


def test_what_is_disputed_stands_beside_the_buckets_as_it_was_known(analyst: Analyst) -> None:
    """Invoice 60 of 90.00, 120.00 in dispute, due 20 July; then half is paid and 50.00 stay in dispute; then none."""
    books = company.Books(analyst.raw)
    times = [now()]
    for paid, disputed in (("45.00", "50.00"), ("80.00", "50.00"), ("80.00", None)):
        analyst.raw.loaded_at = now()
        if paid == "45.00":
            books.document("501", "CustPymt", "2026-06-25", "1", "1", "1", "80.00")
        books.link("60", "501", paid)
        books.document("60", "CustInvc", "2026-06-01", "1", "1", "1", "90.00", due="2026-07-20", disputed=disputed)
        times.append(analyst.build_and_publish())

    def disputed_of(day: date, known: datetime) -> list[tuple[str, Decimal, Decimal]]:
        rows = analyst.rows("from ar_aging(?, ?) where document_id = 'erp:60'", [day, known])
        return [(row["bucket"], row["open_amount"], row["disputed_amount"]) for row in rows]

    today = date(2026, 7, 1)
    assert [disputed_of(today, known) for known in times] == [
        [("current", 90, 90)],
        [("current", 45, 45)],
        [("current", 10, 10)],
        [("current", 10, 0)],
    ]
    assert disputed_of(date(2026, 6, 20), times[1]) == [("current", 90, 50)], "of what was open that day"
    shown = "select sum(disputed_amount) as amount from ar_aging_by_currency(?, ?) where currency = 'USD'"
    assert [analyst.rows(shown, [today, known])[0]["amount"] for known in times] == [90, 45, 10, 0]
    assert analyst.ask("ar_aging", None, None) == analyst.rows("select * from fct_ar_aging order by all")
