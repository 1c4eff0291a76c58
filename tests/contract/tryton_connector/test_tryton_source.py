"""What the connector holds equals what Tryton stores and reports: at first, after business, and through faults."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from arsync_pipelines.connectors.http import AccessRefused
from arsync_pipelines.connectors.tryton import CONNECTOR, spec
from arsync_pipelines.domain.errors import SourceContractBroken
from tests.contract.tryton_connector import receivables
from tests.contract.tryton_connector.conftest import Books, Meddling

pytestmark = pytest.mark.slow(shares="a company in Tryton")

RECEIVABLE = """
    select l.id from account_move_line l join account_account a on a.id = l.account
    join account_account_type t on t.id = a.type where t.receivable
"""
STORED = {
    "company": "select id from company_company",
    "currency": "select id from currency_currency",
    "currency_rate": "select id from currency_currency_rate",
    "payment_term": "select id from account_invoice_payment_term",
    "payment_term_line": "select id from account_invoice_payment_term_line",
    "payment_term_delta": "select id from account_invoice_payment_term_line_delta",
    "account": "select id from account_account",
    "journal": "select id from account_journal",
    "fiscal_period": "select id from account_period",
    "party": "select id from party_party",
    "party_identifier": "select id from party_identifier",
    "party_address": "select id from party_address",
    "party_contact_mechanism": "select id from party_contact_mechanism",
    "invoice": "select id from account_invoice where type = 'out'",
    "move": "select id from account_move",
    "move_line": RECEIVABLE,
    "reconciliation": "select id from account_move_reconciliation",
    "dunning_level": "select id from account_dunning_level",
    "dunning": "select id from account_dunning",
}
DAYS = [
    date(2024, 3, 31),
    date(2024, 7, 14),
    date(2024, 12, 31),
    date(2025, 3, 1),
    date(2025, 6, 30),
    date(2025, 7, 31),
]


def wrong(books: Books) -> dict[str, tuple[set[str], set[str]]]:
    """Keys we miss and keys we hold in excess, by stream."""
    found = {}
    for stream, statement in STORED.items():
        stored, held = {str(row[0]) for row in books.stored(statement)}, set(books.held.get(stream, {}))
        if stored != held:
            found[stream] = (stored - held, held - stored)
    return found


def assert_agrees_with_tryton(books: Books) -> None:
    """Aging per party and bucket, balance per party and the ledger, at six dates, to the cent."""
    told = books.tryton.script("oracle.py", *map(str, DAYS))
    for day in DAYS:
        said = told[day.isoformat()]
        report = {party: {b: Decimal(v) for b, v in row.items()} for party, row in said["aged"].items()}
        ours = receivables.aging(books.held, day)
        assert ours == {party: row for party, row in report.items() if any(row.values())}, day
        assert receivables.balances(books.held, day) == {
            party: Decimal(v) for party, v in said["receivable"].items()
        }, day
        assert receivables.ledger(books.held, day) == sum(Decimal(v) for v in said["ledger"].values()), day
        assert receivables.ledger(books.held, day) == sum(row["balance"] for row in ours.values()), day
    assert any(len(said["aged"]) > 5 for said in told.values())


def test_a_first_read_holds_everything_and_a_second_finds_nothing_new(books: Books) -> None:
    first = books.sync_all()
    assert all(first.values()), first
    assert wrong(books) == {}
    assert set(books.sync_all().values()) == {0}
    source = books.source()
    assert [name for name, cursor in books.cursors.items() if source.has_changes(name, cursor)] == []
    assert source.has_changes("party", None)


def test_figures_equal_tryton_s_own_reports(books: Books) -> None:
    books.sync_all()
    assert_agrees_with_tryton(books)


def test_rows_are_as_declared(books: Books) -> None:
    books.sync_all()
    for stream in CONNECTOR.streams:
        rows = list(books.held[stream.name].values())
        for declared in stream.fields:
            values = [row[declared.name] for row in rows]
            kinds = {"text": str, "integer": int, "boolean": bool, "json": list}
            assert {type(v) for v in values} <= {kinds[declared.kind], type(None)}, (stream.name, declared.name)
            assert not declared.required or None not in values, (stream.name, declared.name)
    currencies = {row["id"]: row for row in books.held["currency"].values()}
    assert {row["code"]: row["digits"] for row in currencies.values()} == {"USD": 2, "EUR": 2, "JPY": 0}
    lines = books.held["move_line"].values()
    assert {row["second_currency"] for row in lines} - {None}, "no line in a foreign currency"
    amounts = {
        str(row[0]): Decimal(str(row[1])).quantize(Decimal("0.01"))
        for row in books.stored("select id, debit - credit from account_move_line")
    }
    assert {r["id"]: (Decimal(r["debit"]) - Decimal(r["credit"])).quantize(Decimal("0.01")) for r in lines}.items() <= (
        amounts.items()
    )
    assert {row["overdue"] for row in books.held["dunning_level"].values()} == {"432000.0", "1728000.0", "3456000.0"}
    assert {row["state"] for row in books.held["invoice"].values()} >= {"posted", "paid", "cancelled"}
    assert any(row["payment_lines"] for row in books.held["invoice"].values())
    assert any(not row["active"] for row in books.held["party"].values())
    assert any(row["customer_payment_term"] for row in books.held["party"].values())
    never_changed = "select id from account_move_line where write_date is null"
    assert books.stored(never_changed), "the case that a cursor by write_date alone would lose does not occur"


def test_every_cursor_of_a_read_resumes_it(books: Books) -> None:
    source = books.source(page_rows=17)
    for stream in ("move_line", "invoice"):
        pages = list(source.read(stream, None))
        assert len(pages) > 2 and pages[-1].final and not any(page.final for page in pages[:-1])
        whole = {row["id"] for page in pages for row in page.rows}
        for index in range(len(pages) - 1):
            before = {row["id"] for page in pages[: index + 1] for row in page.rows}
            rest = list(source.read(stream, pages[index].cursor))
            after = {row["id"] for page in rest for row in page.rows}
            assert before | after == whole and not before & after
            assert {key for (key,) in rest[-1].present} == whole


def test_what_commits_late_below_the_newest_change_is_read_within_the_overlap(books: Books) -> None:
    books.sync("move_line")
    head = datetime.fromisoformat(books.cursors["move_line"]["stamp"]).replace(tzinfo=UTC)
    line = next(iter(books.held["move_line"]))
    late = (head - timedelta(minutes=14)).replace(tzinfo=None).isoformat(" ")
    books.change(f"update account_move_line set write_date = '{late}', description = 'late' where id = {line}")
    assert books.source().has_changes("move_line", books.cursors["move_line"]) is False, "a hint, and it cannot know"
    books.sync("move_line")
    assert books.held["move_line"][line]["description"] == "late"


def test_a_session_that_ended_is_renewed_once_in_the_middle_of_a_read(books: Books) -> None:
    net = Meddling()
    net.before = lambda method, number: books.change("delete from ir_session") if number == 6 else None
    source = books.source(net, page_rows=20)
    assert books.sync("move_line", source) > 60
    assert net.methods.count("common.db.login") == 2


def test_lost_connections_and_contention_change_nothing(books: Books) -> None:
    net = Meddling()

    def lose(method: str, number: int) -> None:
        if number % 4 == 3:
            raise httpx.ReadError("lost on the way back")

    net.after = lose
    books.sync_all(books.source(net, page_rows=50))
    assert wrong(books) == {}


def test_wrong_credentials_database_and_company(books: Books) -> None:
    with pytest.raises(AccessRefused, match="cannot log in"):
        list(books.source(user="nobody").read("party", None))
    if books.tryton.database == "ar":  # on PostgreSQL the server looks for it for half a minute
        with pytest.raises(AccessRefused, match="no database 'missing'"):
            list(books.source(database="missing").read("party", None))
    with pytest.raises(SourceContractBroken, match="may not see company 99"):
        list(books.source(company=99).read("party", None))
    lines = books.source(user="nobody").check()
    assert [(line.name, line.status) for line in lines] == [("reachable", "ok"), ("authorised", "failed")]
    lines = books.source(base_url="http://127.0.0.1:9").check()
    assert [(line.name, line.status) for line in lines] == [("reachable", "failed")]


def test_doctor_is_content_and_names_what_is_missing(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = books.source().check()
    assert [(line.name, line.detail) for line in lines if line.status != "ok"] == []
    assert len(lines) == 5 + len(STORED)
    source = books.source()
    queries: dict[str, Any] = vars(source)["_queries"]
    party = queries["party"]
    queries["party"] = spec.Query(party.spec, party.model, {**party.fields, "name": "legal_name"})
    queries["dunning"] = spec.Query(queries["dunning"].spec, "account.chasing", {}, module="account_chasing")
    failed = {line.name: line.detail for line in source.check() if line.status == "failed"}
    assert set(failed) == {"stream party", "stream dunning"}
    assert "has no field legal_name" in failed["stream party"] and "account_chasing" in failed["stream dunning"]
    with pytest.raises(SourceContractBroken, match=r"stream party: party\.party has no field legal_name"):
        list(source.read("party", None))


def test_without_the_dunning_module_its_streams_are_left_out(books: Books) -> None:
    names = {stream.name for stream in books.source(dunning=False).streams()}
    assert {stream.name for stream in CONNECTOR.streams} - names == {"dunning", "dunning_level"}


def test_after_business_an_incremental_read_agrees_again(books: Books) -> None:
    """Runs last: the company lives on. Merges move lines without touching their write_date; the party tells."""
    books.sync_all()
    told = books.tryton.script("life.py", "--seed", "11")
    moved = books.sync_all()
    assert wrong(books) == {}
    assert moved["reconciliation"] and moved["invoice"] >= 4 and moved["party"]
    assert str(told["unreconciled"]) not in books.held["reconciliation"]
    assert str(told["deleted_party"]) not in books.held["party"]
    replaced = books.held["party"][str(told["replaced"])]
    assert replaced["replaced_by"] == str(told["replaced_by"]) and replaced["active"] is False
    assert books.held["party"][str(told["renamed_party"])]["name"].endswith("& Sons")
    fresh = Books(books.tryton)
    fresh.sync_all()
    for stream, rows in fresh.held.items():
        for key, row in rows.items():
            ours = books.held[stream][key]
            different = {name for name in row if row[name] != ours[name]}
            assert different <= {"party"}, (stream, key, different)
            if different:
                assert receivables.survivor(books.held, ours["party"]) == row["party"]
    assert_agrees_with_tryton(books)
