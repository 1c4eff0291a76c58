"""What the hand-written company looks like in the account: statuses, links, open amounts, a ledger that foots."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from arsync_pipelines.sandbox.core.context import SandboxContext
from arsync_pipelines.sandbox.core.world.records import Application, Deletion, Delta
from arsync_pipelines.sandbox.netsuite import NetSuiteSandbox, build

from .books import START, at, company, invoice, party, payment


@pytest.fixture
def sandbox(tmp_path: Path) -> Any:
    context = SandboxContext.open(tmp_path, seed=1)
    built = build(context)
    built.project(company())
    yield built
    built.close()
    context.journal.close()


def header(sandbox: NetSuiteSandbox, kind: str, world_id: int) -> dict[str, Any]:
    cursor = sandbox.store.db.execute('select * from "transaction" where id = ?', (sandbox.vendor_id(kind, world_id),))
    row = cursor.fetchone()
    return dict(zip([c[0] for c in cursor.description], row, strict=True)) if row else {}


def test_open_amounts_and_statuses(sandbox: NetSuiteSandbox) -> None:
    facts = {
        n: [header(sandbox, "invoice", n)[k] for k in ("status", "voided", "foreignamountpaid", "foreignamountunpaid")]
        for n in (1, 2, 3, 4)
    }
    assert facts == {
        1: ["A", "F", 10_000, 6_257],
        2: ["V", "T", 1_000_000, 0],
        3: ["B", "F", 3_333, 0],
        4: ["B", "F", 20_000, 0],
    }
    used = ("foreigntotal", "foreignpaymentamountused", "foreignpaymentamountunused", "status")
    assert [header(sandbox, "payment", 1)[k] for k in used] == [28_000, 28_000, 0, "C"]
    assert [header(sandbox, "payment", 2)[k] for k in used] == [7_700, 0, 7_700, "B"]
    assert [header(sandbox, "credit_memo", 1)[k] for k in used] == [-5_000, 3_000, 2_000, "A"]
    assert header(sandbox, "payment", 2)["externalid"] == "ch_00000000000007"
    assert header(sandbox, "invoice", 4)["custbody_disputed_amount"] == 500
    assert [header(sandbox, "journal", n)["isreversal"] for n in (1, 2)] == ["T", "F"]


def test_links_name_both_documents(sandbox: NetSuiteSandbox) -> None:
    rows = sandbox.store.db.execute(
        "select previoustype, nexttype, linktype, foreignamount from nexttransactionlinelink order by 1, 2, 4"
    ).fetchall()
    assert rows == [
        ("CustCred", "CustRfnd", "Payment", 1_000),
        ("CustInvc", "CustCred", "Payment", 2_000),
        ("CustInvc", "CustPymt", "Payment", 10_000),
        ("CustInvc", "CustPymt", "Payment", 18_000),
        ("CustInvc", "Journal", "Payment", 3_333),
        ("CustInvc", "Journal", "Payment", 1_000_000),
    ]


def test_every_transaction_foots_in_both_currencies(sandbox: NetSuiteSandbox) -> None:
    for table, column in (("transactionaccountingline", "amount"), ("transactionline", "foreignamount")):
        query = f'select "transaction", sum({column}) s from {table} group by 1 having s <> 0'
        assert sandbox.store.db.execute(query).fetchall() == []


def test_receivable_account_equals_open_items(sandbox: NetSuiteSandbox) -> None:
    """The tie-out that the pipelines prove later, here per legal entity and document currency."""
    ledger = sandbox.store.db.execute(
        "select l.subsidiary, t.currency, sum(l.foreignamount) from transactionline l"
        ' join "transaction" t on t.id = l."transaction" join transactionaccountingline a'
        ' on a."transaction" = l."transaction" and a.transactionline = l.id join account c on c.id = a.account'
        " where c.accttype = 'AcctRec' group by 1, 2 order by 1, 2"
    ).fetchall()
    items = sandbox.store.db.execute(
        "select subsidiary, currency, sum(case type when 'CustInvc' then foreignamountunpaid"
        " when 'CustPymt' then -foreignpaymentamountunused when 'CustCred' then -foreignpaymentamountunused else 0 end)"
        ' from "transaction" group by 1, 2 order by 1, 2'
    ).fetchall()
    assert ledger == items
    assert [row[2] for row in ledger] == [6_257 - 7_700 - 2_000, 0, 0]


def test_projection_is_idempotent(sandbox: NetSuiteSandbox) -> None:
    before = list(sandbox.store.db.iterdump())
    sandbox.project(company())
    assert list(sandbox.store.db.iterdump()) == before


def test_later_application_settles_and_deletion_reopens(sandbox: NetSuiteSandbox) -> None:
    sandbox.finish_seeding()
    delta = Delta(
        invoices=[invoice(1, 16_257, tax=1_207, updated=at(40))],
        payments=[payment(2, 7_700, day=25, charge=7, updated=at(40))],
        applications=[Application(9, "payment", 2, 1, 6_257, START.date(), at(40))],
    )
    sandbox.project(delta)
    paid = header(sandbox, "invoice", 1)
    assert (paid["status"], paid["foreignamountunpaid"], paid["closedate"] is not None) == ("B", 0, True)
    assert paid["lastmodifieddate"] == int(at(40).timestamp())
    sandbox.project(Delta(deletions=[Deletion("payment", 2, "PAY-2", at(41))]))
    again = header(sandbox, "invoice", 1)
    assert (again["status"], again["foreignamountunpaid"], again["lastmodifieddate"]) == (
        "A",
        6_257,
        int(at(41).timestamp()),
    )
    assert header(sandbox, "payment", 2) == {}
    log = sandbox.store.db.execute("select type, recordid, name, externalid from deletedrecord").fetchall()
    assert log == [("CustPymt", int(sandbox.vendor_id("payment", 2)), "PAY-2", "ch_00000000000007")]


def test_two_applications_of_one_pair_are_one_link(sandbox: NetSuiteSandbox) -> None:
    sandbox.project(Delta(applications=[Application(20, "payment", 2, 1, 100, START.date(), at(40))]))
    sandbox.project(Delta(applications=[Application(21, "payment", 2, 1, 200, START.date(), at(41))]))
    query = "select foreignamount from nexttransactionlinelink where nextdoc = ?"
    assert sandbox.store.db.execute(query, (sandbox.vendor_id("payment", 2),)).fetchall() == [(300,)]


def revaluations(sandbox: NetSuiteSandbox) -> list[tuple[str, str, int, int]]:
    """Number, what it is booked against, amount on the receivable account, days after the start."""
    rows = sandbox.store.db.execute(
        "select t.tranid, substr(c.fullname, 1, instr(c.fullname, ' ') - 1), a.amount, t.trandate / 86400"
        ' from "transaction" t join transactionaccountingline a on a."transaction" = t.id and a.transactionline = 0'
        ' join transactionaccountingline o on o."transaction" = t.id and o.transactionline = 1'
        " join account c on c.id = o.account where t.type = 'FxReval' order by t.tranid"
    ).fetchall()
    first = START.date().toordinal() - date(1970, 1, 1).toordinal()
    return [(name, against, amount, day - first) for name, against, amount, day in rows]


def test_settling_at_another_rate_posts_what_is_realised_and_what_rounding_leaves(sandbox: NetSuiteSandbox) -> None:
    """100.00 EUR at 1.08145 paid in three: (rate - rate) x amount each, and a cent when it is paid whole."""
    shared = {"erp_customer_id": 3, "currency": "EUR"}
    issued = invoice(50, 10_000, customer=3, currency="EUR", rate=1.08145)
    parts = [(51, 3_333, 40, 1.1), (52, 3_333, 42, 1.07), (53, 3_334, 50, 1.08145)]
    paid = [replace(payment(n, amount, day=day), exchange_rate=rate, **shared) for n, amount, day, rate in parts]
    applied = [
        Application(60 + n, "payment", n, 50, amount, START.date() + timedelta(days=day), at(day))
        for n, amount, day, _rate in parts
    ]
    sandbox.project(Delta(invoices=[issued], payments=paid[:2], applications=applied[:2]))
    assert revaluations(sandbox) == [("CRV0000001", "Realized", 62, 40), ("CRV0000002", "Realized", -38, 42)]
    whole = Delta(payments=paid[2:], applications=applied[2:])
    sandbox.project(whole)
    sandbox.project(whole)
    assert revaluations(sandbox)[2:] == [("CRV0000003", "Rounding", -1, 50)]
    query = (
        "select sum(a.amount) from transactionaccountingline a join account c on c.id = a.account"
        ' where c.accttype = \'AcctRec\' and a."transaction" in (select id from "transaction" where id in (?, ?, ?, ?)'
        " or type = 'FxReval')"
    )
    numbers = [
        sandbox.vendor_id(kind, n) for kind, n in (("invoice", 50), ("payment", 51), ("payment", 52), ("payment", 53))
    ]
    assert sandbox.store.db.execute(query, numbers).fetchone() == (0,), "settled in both currencies"

    sandbox.project(Delta(deletions=[Deletion("payment", 52, "PAY-52", at(60))]))
    assert revaluations(sandbox) == [("CRV0000001", "Realized", 62, 40)]
    gone = sandbox.store.db.execute("select name from deletedrecord where type = 'FxReval' order by name").fetchall()
    assert gone == [("CRV0000002",), ("CRV0000003",)]


def test_the_end_of_a_month_revalues_what_is_open_and_the_next_day_takes_it_back(sandbox: NetSuiteSandbox) -> None:
    """40.00 EUR open of an invoice at 1.08145 and the table's rate of 1.1: 0.74, once."""
    shared = {"erp_customer_id": 3, "currency": "EUR", "exchange_rate": 1.08145}
    paid = replace(payment(51, 6_000, day=2), **shared)
    applied = Application(111, "payment", 51, 50, 6_000, START.date() + timedelta(days=2), at(2))
    issued = invoice(50, 10_000, customer=3, currency="EUR", rate=1.08145)
    sandbox.project(Delta(invoices=[issued], payments=[paid], applications=[applied]))
    assert revaluations(sandbox) == []
    sandbox.finish_seeding()
    sandbox.project(Delta())
    sandbox.project(Delta())
    query = "select foreigntotal, isreversal, trandate / 86400 from \"transaction\" where type = 'FxReval' order by 3"
    (amount, first, day), (back, second, next_day) = sandbox.store.db.execute(query).fetchall()
    assert (amount, first, back, second, next_day - day) == (74, "F", -74, "T", 1)
    assert {against for _name, against, _amount, _day in revaluations(sandbox)} == {"Unrealized"}


def test_a_changed_party_changes_its_customers(sandbox: NetSuiteSandbox) -> None:
    sandbox.project(Delta(parties=[party(1, "Globex Holding", "", updated=at(50))]))
    rows = sandbox.store.db.execute(
        "select companyname, vatregnumber, lastmodifieddate from customer where party = 1"
    ).fetchall()
    assert rows == [("Globex Holding", None, int(at(50).timestamp()))] * 2


def test_instalments_and_ids(sandbox: NetSuiteSandbox) -> None:
    rows = sandbox.store.db.execute(
        'select "transaction", id, amount from transactioninstallment order by 2'
    ).fetchall()
    assert rows == [(17, 1, 500_000), (17, 2, 500_000)]
    assert (sandbox.vendor_id("erp_customer", 5), sandbox.vendor_id("legal_entity", 2)) == ("10", "2")
    with pytest.raises(KeyError):
        sandbox.vendor_id("crm_account", 1)
