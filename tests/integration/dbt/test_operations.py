"""Operational marts: how reads and pushes went by day, and what lies unapplied for how long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.integration.dbt import company
from tests.integration.dbt.raw import RawWarehouse

MONDAY = datetime(2026, 7, 6, 12)
CHOSEN = (
    "--select", "+fct_push_daily", "+fct_exception_case", "+ar_sync_daily", "+ar_run_daily", "+ar_unapplied_aging",
    "+ar_unapplied_monthly",
    "--exclude-resource-type", "test",
)  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RawWarehouse]:
    raw = RawWarehouse(Path(tmp_path_factory.mktemp("operations")) / "warehouse.duckdb")
    raw.create(company.AS_OF)
    company.write(raw)
    attempt(raw, 1, "erp:15", 4)
    attempt(raw, 2, "erp:11", 8)
    attempt(raw, 3, "erp:12", 60, outcome="retry")
    attempt(raw, 4, "erp:13", 2, outcome="rejected")
    attempt(raw, 5, "erp:12", 90, kind="read_back")
    attempt(raw, 6, "001A", 1, object_name="account")
    read(raw, "r1", "term", 0, "read", 4, rows=7)
    read(raw, "r2", "term", 600, "failed", 10)
    read(raw, "r3", "term", 1200)
    read(raw, "r3", "account", 1200, "read", 60 * 60 * 12, rows=2)
    step(raw, "b1", "build", 100, "refused", 30)
    step(raw, "b2", "build", 200, "succeeded", 60)
    step(raw, "b3", "build", 300, "failed", 6)
    step(raw, "b4", "build", 400)
    step(raw, "b5", "build", 500)  # the one that tells of the others
    step(raw, "p1", "publish", 60 * 60 * 12 - 1, "succeeded", 2)
    case(raw, "c1", "open", "12.50")
    case(raw, "c2", "resolved", None, moved="2026-07-09 12:00:00")
    case(raw, "c3", "resolved", "0.01", moved="2026-07-07 11:00:00")
    raw.dbt("build", *CHOSEN)
    yield raw


def case(raw: RawWarehouse, name: str, state: str, amount: str | None, moved: str = "2026-07-06 12:00:00") -> None:
    """A case that is due at noon of July 8."""
    at_risk = f"'{amount}'" if amount else "null"
    raw.execute(
        f"insert into raw_arsync__case values ('{name}', 'f', 'push', '{state}', 'business', 'DUP', 'salesforce', "
        f"'crm', 'invoice', 'erp:97', null, 'erp:1', null, 'US', 'INV-97', 'USD', 'sales_operations', null, 'x', "
        f"{at_risk}, 1, '2026-07-06', '2026-07-06', '{moved}', '2026-07-08 12:00:00', null)"
    )


def test_cases_say_what_is_at_risk_and_whether_they_were_late(built: RawWarehouse) -> None:
    found = built.rows("select case_id, amount, resolved_at, is_resolved_late from fct_exception_case order by 1")
    assert [tuple(row.values()) for row in found] == [
        ("c1", Decimal("12.5000"), None, False),
        ("c2", None, datetime(2026, 7, 9, 12), True),
        ("c3", Decimal("0.0100"), datetime(2026, 7, 7, 11), False),
    ]


def attempt(
    raw: RawWarehouse, number: int, key: str, seconds: int, *, outcome: str = "acknowledged", kind: str = "deliver",
    object_name: str = "invoice", day: int = 0,
) -> None:  # fmt: skip
    """An attempt planned at noon that ended `seconds` later."""
    planned = MONDAY + timedelta(days=day)
    ended = planned + timedelta(seconds=seconds)
    raw.execute(
        f"insert into raw_arsync__push_attempt values ({number}, {number}, 'crm', '{object_name}', '{key}', '{kind}', "
        f"'{outcome}', null, '', '{planned}', '{planned}', '{ended}')"
    )


def read(
    raw: RawWarehouse, run: str, stream: str, begun: int, state: str | None = None, seconds: int = 0, *, rows: int = 0
) -> None:
    """A read that began so many seconds after noon and, if it has a `state`, ended."""
    at = MONDAY + timedelta(seconds=begun)
    raw.execute(f"insert into raw_arsync__sync values ('{run}', 'erp', '{stream}', 'begun', null, 0, 0, '{at}')")
    if state:
        failure = "'SourceUnreachable'" if state == "failed" else "null"
        ended = at + timedelta(seconds=seconds)
        raw.execute(
            f"insert into raw_arsync__sync values ('{run}', 'erp', '{stream}', '{state}', {failure}, {rows}, "
            f"{max(rows - 1, 0)}, '{ended}')"
        )


def step(raw: RawWarehouse, number: str, name: str, begun: int, state: str | None = None, seconds: int = 0) -> None:
    """A build or publishing that began so many seconds after noon and, if it has a `state`, ended."""
    at = MONDAY + timedelta(seconds=begun)
    for said, when in (("begun", at), (state, at + timedelta(seconds=seconds))):
        if said:
            raw.execute(f"insert into raw_arsync__step values ('{number}', 'r', '{name}', '{said}', null, '{when}')")


def test_reads_builds_and_publishings_by_day(built: RawWarehouse) -> None:
    names = ("runs", "succeeded", "refused", "failed", "unfinished", "success_rate")
    rows = {row["step"]: row for row in built.rows("select * from ar_run_daily")}
    shown = {name: [row[column] for column in names] for name, row in rows.items()}
    assert shown == {
        "read": [3, 1, 0, 1, 1, Decimal("33.3")],
        "build": [4, 1, 1, 1, 1, 25],
        "publish": [1, 1, 0, 0, 0, 100],
    }
    assert {row["day"] for row in rows.values()} == {MONDAY.date()}
    assert (rows["build"]["duration_p50_s"], rows["build"]["duration_p95_s"]) == (30, 57)
    assert rows["publish"]["last_succeeded_at"] == MONDAY + timedelta(hours=12, seconds=1)
    assert rows["read"]["last_succeeded_at"] == MONDAY + timedelta(seconds=4)


def test_reads_by_the_day_they_began(built: RawWarehouse) -> None:
    account, term = built.rows("select * from ar_sync_daily order by stream")
    names = ("runs", "succeeded", "failed", "unfinished", "rows_read", "rows_new")
    assert [account[name] for name in names] == [1, 1, 0, 0, 2, 1]
    assert account["day"] == MONDAY.date() < account["last_succeeded_at"].date()
    assert [term[name] for name in names] == [3, 1, 1, 1, 7, 6]
    assert (term["success_rate"], term["last_succeeded_at"]) == (Decimal("33.3"), MONDAY + timedelta(seconds=4))
    assert (term["duration_p50_s"], term["duration_p95_s"]) == (7, Decimal("9.7")), "of those that ended"


def test_success_and_latency_by_day(built: RawWarehouse) -> None:
    account, invoice = built.rows("select * from fct_push_daily order by object")
    counts = ("attempts", "accepted", "rejected", "retried", "unknown")
    assert [invoice[name] for name in counts] == [4, 2, 1, 1, 0]
    assert [account[name] for name in counts] == [1, 1, 0, 0, 0]
    assert (invoice["success_rate"], account["success_rate"]) == (50, 100)
    assert (invoice["planned_to_accepted_p50_s"], invoice["planned_to_accepted_p95_s"]) == (6, Decimal("7.8"))
    changed = MONDAY - datetime.fromisoformat(company.STAMP)
    assert invoice["changed_to_accepted_p50_s"] == int(changed.total_seconds()) + 6
    assert account["changed_to_accepted_p50_s"] == int(changed.total_seconds()) + 1


def test_a_later_attempt_counts_on_its_day_and_leaves_the_others(built: RawWarehouse) -> None:
    before = built.rows("select * from fct_push_daily order by all")
    attempt(built, 7, "erp:12", 3, day=1)
    built.dbt("build", *CHOSEN)
    after = built.rows("select * from fct_push_daily order by all")
    (added,) = [row for row in after if row not in before]
    assert [row for row in after if row != added] == before
    assert (added["day"], added["accepted"]) == ((MONDAY + timedelta(days=1)).date(), 1)
    attempt(built, 8, "erp:14", 3, outcome="unknown", day=1)
    built.dbt("build", *CHOSEN)
    (row,) = built.rows("select * from fct_push_daily where day = date '2026-07-07'")
    assert (row["attempts"], row["accepted"], row["unknown"], row["success_rate"]) == (2, 1, 1, 50)


def test_an_account_and_its_balances_wait_from_the_last_change_not_shown_before(built: RawWarehouse) -> None:
    """Shown again two days later with a payment stamped an hour before; a balance in yen moved by time alone."""
    books = company.Books(built)
    stamped = MONDAY + timedelta(days=2, hours=-1)
    attempt(built, 9, "erp:1:C0001:USD", 1, object_name="account_balance")
    attempt(built, 10, "erp:2:C0002:JPY", 1, object_name="account_balance")
    built.loaded_at = stamped + timedelta(minutes=10)
    books.document("601", "CustPymt", "2026-07-01", "1", "1", "1", "5.00", modified=str(stamped))
    for number, key, kind in ((11, "001A", "account"), (12, "erp:1:C0001:USD", "account_balance"),
                              (13, "erp:2:C0002:JPY", "account_balance")):  # fmt: skip
        attempt(built, number, key, 30, object_name=kind, day=2)
    built.dbt("build", *CHOSEN)
    shown = {
        row["object"]: (row["accepted"], row["changed_to_accepted_p50_s"], row["changed_to_accepted_p95_s"])
        for row in built.rows("select * from fct_push_daily where day = date '2026-07-08'")
    }
    assert shown == {"account": (1, 3630, 3630), "account_balance": (2, 3630, 3630)}


def test_what_is_unapplied_by_its_age(built: RawWarehouse) -> None:
    shown = built.rows("select * from ar_unapplied_aging")
    items = built.rows("select * from fct_ar_aging where bucket_number = 0")
    assert shown and sum(row["items"] for row in shown) == len(items)
    for row in shown:
        own = [i for i in items if (i["customer_id"], i["currency"]) == (row["customer_id"], row["currency"])]
        young = [i["open_amount"] for i in own if (company.AS_OF - i["document_date"]).days <= 30]
        assert row["days_0_30_amount"] == sum(young, Decimal())
        assert row["unapplied_amount"] == sum(i["open_amount"] for i in own)
        assert row["oldest_date"] == min(i["document_date"] for i in own)
        weighted = sum(i["open_amount"] * (company.AS_OF - i["document_date"]).days for i in own)
        assert abs(row["average_age_days"] - weighted / row["unapplied_amount"]) <= Decimal("0.05")


def test_the_running_month_of_what_is_unapplied_is_the_aging_of_today(built: RawWarehouse) -> None:
    columns = (
        "customer_id, legal_entity_id, currency, items, days_0_30_amount, days_31_60_amount, unapplied_amount, "
        "payment_amount, oldest_date"
    )
    today = built.rows(f"select {columns} from ar_unapplied_aging order by all")
    assert today
    assert built.rows(f"select {columns} from ar_unapplied_monthly where month = '2026-07-01' order by all") == today
    (june,) = built.rows("select * from ar_unapplied_monthly where month = '2026-06-01' and currency = 'USD'")
    assert (june["unapplied_amount"], june["payment_amount"], june["items"]) == (-60, -30, 2)
