"""What the connector holds equals what the stand-in stores: at first, after business, and through faults."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from arsync_pipelines.connectors.http import AccessRefused
from arsync_pipelines.domain.errors import SourceContractBroken

KEYS = {
    "subsidiary": ("subsidiary", "id"),
    "currency": ("currency", "id"),
    "currency_rate": ("currencyrate", "id"),
    "term": ("term", "id"),
    "account": ("account", "id"),
    "accounting_period": ("accountingperiod", "id"),
    "customer": ("customer", "id"),
    "transaction": ("transaction", "id"),
    "transaction_line": ("transactionline", "transaction", "id"),
    "transaction_accounting_line": ("transactionaccountingline", "transaction", "transactionline", "account"),
    "transaction_link": (
        "nexttransactionlinelink",
        *("previousdoc", "previousline", "nextdoc", "nextline", "linktype"),
    ),
    "transaction_installment": ("transactioninstallment", "transaction", "id"),
    "deleted_record": ("deletedrecord", "type", "recordid"),
}


def wrong(company: Any) -> dict[str, tuple[int, int]]:
    """Keys we miss and keys we hold in excess, by stream; deleted transactions go by their own stream."""
    gone = {recordid for _, recordid in company.stored("deletedrecord", "type", "recordid")}
    found = {}
    for stream, (table, *columns) in KEYS.items():
        stored, held = company.stored(table, *columns), set(company.held.get(stream, {}))
        extra = {key for key in held - stored if not gone & set(key)}
        if stored - held or extra:
            found[stream] = (len(stored - held), len(extra))
    return found


def stale(company: Any) -> list[str]:
    """Transactions whose open amount we hold differently."""
    held = {key[0]: row.get("foreignamountunpaid", "") for key, row in company.held["transaction"].items()}
    with company.sandbox.store.lock:
        rows = company.sandbox.store.db.execute('select id, foreignamountunpaid from "transaction"').fetchall()
    return [
        str(number)
        for number, amount in rows
        if (amount is None) != (held[str(number)] == "")
        or (amount is not None and Decimal(held[str(number)]) != Decimal(amount) / 100)
    ]


def test_a_first_read_holds_everything_and_a_second_finds_nothing_new(company: Any) -> None:
    first = company.sync_all()
    assert all(count for stream, count in first.items() if stream != "deleted_record"), first
    assert wrong(company) == {} and stale(company) == []
    assert set(company.sync_all().values()) == {0}
    source = company.source()
    assert [name for name, cursor in company.cursors.items() if source.has_changes(name, cursor)] == []


def test_rows_are_as_declared(company: Any) -> None:
    company.sync("transaction")
    company.sync("customer")
    row = max(company.held["transaction"].values(), key=len)
    assert len(row["lastmodifieddate"]) == len(row["createddate"]) == 19 and len(row["trandate"]) == 10
    assert all(isinstance(value, str) for value in row.values()) and "links" not in row
    assert any(row.get("billing_city") for row in company.held["customer"].values())
    with company.sandbox.store.lock:
        number, stamp = company.sandbox.store.db.execute(
            "select id, strftime('%Y-%m-%d %H:%M:%S', lastmodifieddate, 'unixepoch') from \"transaction\" limit 1"
        ).fetchone()
    assert company.held["transaction"][(str(number),)]["lastmodifieddate"] == stamp


def test_days_pass_and_only_what_changed_is_read(company: Any) -> None:
    company.sync_all()
    everything = sum(len(rows) for rows in company.held.values())
    total = 0
    for _ in range(5):
        company.next_day()
        moved = sum(company.sync_all().values())
        assert moved < everything / 4
        assert wrong(company) == {} and stale(company) == []
        total += moved
    assert total > 0


def test_a_void_and_a_payment_reach_the_lines_and_links(company: Any) -> None:
    company.sync_all()
    for kind in ("void", "pay", "credit"):
        delta, invoice = company.world.event(kind, None, None, company.context.clock.now())
        company.sandbox.project(delta)
        company.world.projected()
        moved = company.sync_all()
        assert moved["transaction"] >= 2 and moved["transaction_link"] >= 1, (kind, moved)
        assert wrong(company) == {} and stale(company) == []
        number = company.sandbox.vendor_id("invoice", invoice.id)
        assert (company.held["transaction"][(number,)]["voided"] == "T") == (kind == "void")


def test_every_cursor_of_a_read_resumes_it(company: Any) -> None:
    pages = list(company.source().read("transaction_line", None))
    assert len(pages) > 2
    whole = {(row["transaction"], row["id"]) for page in pages for row in page.rows}
    for index in range(0, len(pages) - 1, 2):
        before = {(row["transaction"], row["id"]) for page in pages[: index + 1] for row in page.rows}
        rest = company.source().read("transaction_line", pages[index].cursor)
        assert before | {(row["transaction"], row["id"]) for page in rest for row in page.rows} == whole


@pytest.mark.parametrize("algorithm", ["PS256", "ES256"])
def test_machine_to_machine(company: Any, algorithm: str) -> None:
    company.fault("expire_token", times=1)
    source = company.source(company.m2m(algorithm))
    assert company.sync("customer", source) > 0
    assert company.sync("transaction", source) > 0


def test_streams_at_the_same_time_stay_within_the_accounts_concurrency(company: Any) -> None:
    source = company.source()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda stream: company.sync(stream, source), KEYS))
    assert wrong(company) == {}


def test_storms_expired_tokens_and_lost_connections_change_nothing(company: Any) -> None:
    company.fault("error", rate=0.1, params={"status": [429, 500, 503]})
    company.fault("drop_before", rate=0.05)
    company.fault("drop_after", rate=0.05)
    company.fault("expire_token", times=2)
    company.sync_all()
    company.next_day()
    company.sync_all()
    company.context.faults.remove()
    assert wrong(company) == {} and stale(company) == []


def test_an_ignored_filter_is_noticed(company: Any) -> None:
    company.sync_all()
    company.fault("ignore_filter")
    for stream in ("transaction", "transaction_line", "customer"):
        with pytest.raises(SourceContractBroken, match=f"stream {stream}: .*filter"):
            company.sync(stream)


def test_a_vanished_column_is_named(company: Any) -> None:
    company.fault("drop_column", params={"table": "transaction", "column": "duedate"})
    with pytest.raises(SourceContractBroken, match="stream transaction: column duedate"):
        company.sync("transaction")
    detail = {line.name: line for line in company.source().check()}["stream transaction"]
    assert detail.status == "failed" and "duedate" in detail.detail
    company.context.faults.remove()
    company.fault("drop_column", params={"table": "transactionline", "column": "foreignamount"})
    with pytest.raises(SourceContractBroken, match="stream transaction_line: column foreignamount"):
        company.sync("transaction_line")


def test_wrong_credentials(company: Any) -> None:
    source = company.source(account="OTHER")
    with pytest.raises(AccessRefused, match="INVALID_LOGIN"):
        list(source.read("customer", None))
    assert [(line.name, line.status) for line in source.check()] == [("reachable", "ok"), ("authorised", "failed")]
    broken = company.source({**company.m2m("PS256"), "certificate_id": "unknown"})
    with pytest.raises(AccessRefused, match="refused the credentials"):
        list(broken.read("customer", None))


def test_doctor_is_content(company: Any) -> None:
    lines = company.source().check()
    assert [(line.name, line.detail) for line in lines if line.status != "ok"] == [] and len(lines) == 4 + len(KEYS)
