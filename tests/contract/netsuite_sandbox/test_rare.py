"""Deposits, discounts, recoveries, chargebacks and intercompany invoices: the account foots, and to the truth."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arsync_pipelines.sandbox.core.context import SandboxContext
from arsync_pipelines.sandbox.core.world.company import LAST_SEEDED_DAY
from arsync_pipelines.sandbox.core.world.generator import Size
from arsync_pipelines.sandbox.core.world.truth import Truth
from arsync_pipelines.sandbox.core.world.world import World
from arsync_pipelines.sandbox.netsuite import NetSuiteSandbox, build
from arsync_pipelines.sandbox.netsuite.dates import wall_of

CONTROL = "join account c on c.id = a.account and c.accttype = 'AcctRec'"


class Company:
    """A seeded world and the account that shows it."""

    def __init__(self, folder: Path) -> None:
        self.context = SandboxContext.open(folder, seed=1)
        self.world = World(folder)
        self.account: NetSuiteSandbox = build(self.context)
        for delta in self.world.seed(Size(7, 40, 250)):
            self.account.project(delta)

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self.account.store.db.execute(sql, parameters).fetchall()

    def close(self) -> None:
        self.account.close()
        self.world.store.close()
        self.context.journal.close()


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    built = Company(tmp_path_factory.mktemp("rare"))
    yield built
    built.close()


DAYS = [LAST_SEEDED_DAY - timedelta(days=days) for days in (0, 1, 30, 61, 120, 200, 333, 450)]


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_control_accounts_hold_what_the_truth_says(company: Company, day: date) -> None:
    held = company.rows(
        "select s.name, y.symbol, sum(l.foreignamount) from transactionaccountingline a"
        f' {CONTROL} join transactionline l on l."transaction" = a."transaction" and l.id = a.transactionline'
        ' join "transaction" t on t.id = a."transaction" join subsidiary s on s.id = t.subsidiary'
        " join currency y on y.id = t.currency where t.trandate <= ? and t.type <> 'FxReval' group by 1, 2",
        wall_of(day),
    )
    truth = Truth(company.world.store, day)
    assert {row["difference"].strip("0.") for row in truth.tieout} == {""}
    known = {(row["legal_entity"], row["currency"]): Decimal(row["gl_control"]) for row in truth.tieout}
    assert {(entity, code): Decimal(cents) / 100 for entity, code, cents in held} == {
        key: amount for key, amount in known.items() if key in {(row[0], row[1]) for row in held}
    }
    assert all(amount == 0 for key, amount in known.items() if key not in {(row[0], row[1]) for row in held})


def test_functional_balances_are_those_of_the_truth(company: Company) -> None:
    held = company.rows(
        f"select s.name, sum(a.amount) from transactionaccountingline a {CONTROL}"
        ' join "transaction" t on t.id = a."transaction" join subsidiary s on s.id = t.subsidiary'
        " where t.trandate <= ? group by 1",
        wall_of(LAST_SEEDED_DAY),
    )
    truth = Truth(company.world.store, LAST_SEEDED_DAY).tieout_functional
    assert {entity: Decimal(cents) / 100 for entity, cents in held} == {
        row["legal_entity"]: Decimal(row["gl_control"]) for row in truth
    }


def test_every_transaction_foots_in_both_currencies(company: Company) -> None:
    for table, column in (("transactionaccountingline", "amount"), ("transactionline", "foreignamount")):
        assert company.rows(f'select "transaction", sum({column}) s from {table} group by 1 having s <> 0') == []


def test_a_deposit_is_a_liability_until_it_is_applied(company: Company) -> None:
    liability = dict(
        company.rows(
            "select t.type, sum(a.amount) from transactionaccountingline a"
            ' join "transaction" t on t.id = a."transaction"'
            " join account c on c.id = a.account and c.fullname like 'Customer Deposits%' group by 1"
        )
    )
    assert liability["CustDep"] < 0 < liability["DepAppl"] < -liability["CustDep"]
    links = company.rows(
        "select distinct previoustype, linktype from nexttransactionlinelink where nexttype = 'DepAppl' order by 1"
    )
    assert links == [("CustDep", "DepAppl"), ("CustInvc", "Payment")]
    statuses = company.rows("select distinct status from \"transaction\" where type = 'CustDep' order by 1")
    assert statuses == [("B",), ("C",)]


def test_a_discounted_payment_is_used_whole(company: Company) -> None:
    rows = company.rows(
        "select t.foreigntotal, t.foreignpaymentamountused, t.foreignpaymentamountunused, sum(l.foreignamount)"
        ' from "transaction" t join nexttransactionlinelink l on l.nextdoc = t.id'
        " where exists (select 1 from transactionaccountingline a join account c on c.id = a.account"
        " and c.fullname like 'Sales Discounts%' where a.\"transaction\" = t.id) group by t.id"
    )
    assert rows
    for total, used, unused, applied in rows:
        assert (used, unused) == (total, 0)
        assert applied > total


def test_chargebacks_and_recoveries_are_owed_again(company: Company) -> None:
    rows = company.rows(
        "select t.isreversal, t.externalid like 'du_%', a.amount > 0, count(*) from \"transaction\" t"
        f' join transactionaccountingline a on a."transaction" = t.id {CONTROL}'
        " where t.type = 'Journal' and (t.externalid is not null or t.memo like 'Recovery%')"
        " group by 1, 2, 3 order by 1"
    )
    assert rows == [("F", 1, 1, 3), ("T", None, 1, 3)]
    assert company.rows(
        "select count(*) > 0 from nexttransactionlinelink where previoustype = 'Journal' and nexttype = 'CustPymt'"
    ) == [(1,)]


def test_intercompany_is_posted_to_an_account_of_its_own(company: Company) -> None:
    rows = company.rows(
        "select distinct k.representingsubsidiary is not null, substr(c.fullname, 1, 8)"
        f' from transactionaccountingline a {CONTROL} join "transaction" t on t.id = a."transaction"'
        " join customer k on k.id = t.entity order by 1"
    )
    assert rows == [(0, "Accounts"), (1, "Intercom")]
