"""What holds of NetSuite alone: its two ways in, its shared pool of requests, and documents that hang together.

What holds of every connector is in tests/contract/sources.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from arsync_pipelines.connectors.http import AccessRefused
from arsync_pipelines.connectors.netsuite.source import NetSuiteSource
from arsync_pipelines.domain.errors import SourceContractBroken
from tests.fixtures.netsuite_records import Records
from tests.fixtures.sources.base import Landed, differences
from tests.fixtures.sources.netsuite import SPECS, NetSuiteCompany

CONTROL, BANK, CLEARING = 11, 14, 15
"""Accounts of the first legal entity."""


def count(source: NetSuiteSource, stream: str) -> int:
    return sum(len(page.rows) for page in source.read(stream, None))


def test_a_void_and_a_payment_reach_the_lines_and_links(company: NetSuiteCompany, landed: Landed) -> None:
    landed.run()
    for kind in ("void", "pay", "credit"):
        invoice = company.stand_in.event(kind)
        moved = landed.run()
        assert moved["transaction"].rows_new >= 2 and moved["transaction_link"].rows_new >= 1, (kind, moved)
        assert differences(company, landed) == {}
        number = company.stand_in.sandbox.vendor_id("invoice", invoice.id)
        assert (landed.current("transaction")[(number,)]["voided"] == "T") == (kind == "void")


@pytest.mark.parametrize("algorithm", ["PS256", "ES256"])
def test_an_access_token_that_ends_mid_read_is_asked_for_anew(company: NetSuiteCompany, algorithm: str) -> None:
    """Revoked between two pages; and again by its own lifetime, which the client knows and renews ahead of."""
    calm = [page.rows for page in company.source().read(company.many, None)]
    source = company.source(auth=company.m2m(algorithm))
    pages = source.read(company.many, None)
    rows = [next(pages).rows]
    company.stand_in.fault("expire_token", times=1)
    rows += [page.rows for page in pages]
    assert rows == calm
    auth = source._suiteql.http.auth
    assert auth.refreshes == 2
    auth._expires_at = 0.0  # an hour later
    assert count(source, "customer") > 0
    assert auth.refreshes == 3


def test_several_readers_renew_an_ended_token_once(company: NetSuiteCompany) -> None:
    source = company.source(auth=company.m2m())
    count(source, "term")
    authority = company.stand_in.sandbox.authority
    authority._revoked.add(source._suiteql.http.auth._token.value)
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda stream: count(source, stream), ["customer", "account", "transaction", "currency"]))
    assert all(rows)
    assert source._suiteql.http.auth.refreshes == 2


def test_streams_at_the_same_time_stay_within_the_accounts_concurrency(company: NetSuiteCompany) -> None:
    source = company.source()
    with ThreadPoolExecutor(8) as pool:
        counts = dict(zip(SPECS, pool.map(lambda stream: count(source, stream), SPECS), strict=True))
    assert counts == {stream: len(company.truth(stream)) for stream in SPECS}


def test_a_vanished_column_of_lines_is_named_and_the_doctor_names_it_too(company: NetSuiteCompany) -> None:
    company.stand_in.fault("drop_column", params={"table": "transactionline", "column": "foreignamount"})
    with pytest.raises(SourceContractBroken, match="stream transaction_line: column foreignamount"):
        count(company.source(), "transaction_line")
    detail = {line.name: line for line in company.source().check()}["stream transaction_line"]
    assert detail.status == "failed" and "foreignamount" in detail.detail


def test_a_wrong_account_or_certificate(company: NetSuiteCompany) -> None:
    with pytest.raises(AccessRefused, match="INVALID_LOGIN"):
        count(company.source(account="OTHER"), "customer")
    broken = company.source(auth={**company.m2m(), "certificate_id": "unknown"})
    with pytest.raises(AccessRefused, match="refused the credentials"):
        count(broken, "customer")


def posted(landed: Landed, number: str) -> dict[str, str]:
    """Account -> amount of a transaction's postings as they stand in raw."""
    rows = landed.current("transaction_accounting_line").values()
    return {row["account"]: row["amount"] for row in rows if row["transaction"] == number}


def test_what_else_posts_to_a_control_account_is_read_until_it_is_corrected(
    company: NetSuiteCompany, landed: Landed
) -> None:
    """A deposit is no document of receivables: read as long as the control account holds any of it, and only then."""
    records = Records(company.url, company.secret)
    before = records.deposit(BANK, CONTROL, 10)
    landed.run()
    assert posted(landed, before) == {str(CONTROL): "-10"}, "already there when the first read began"
    company.stand_in.next_day()
    number, harmless = records.deposit(BANK, CONTROL, 42.5), records.deposit(BANK, CLEARING, 7)
    moved = landed.run()
    assert posted(landed, number) == {str(CONTROL): "-42.5"}
    assert landed.current("transaction")[(number,)]["type"] == "Deposit"
    assert (number, "1") in landed.current("transaction_line")
    assert (harmless,) not in landed.current("transaction") and posted(landed, harmless) == {}
    assert moved["transaction_accounting_line"].rows_new < 500, "the ledger was read anew"

    company.stand_in.next_day()
    records.correct(number, CLEARING, 42.5)
    landed.run()
    assert posted(landed, number) == {}, "no longer on a control account"

    company.stand_in.next_day()
    records.correct(number, CONTROL, 41)
    landed.run()
    assert posted(landed, number) == {str(CONTROL): "-41"}
    records.delete("deposit", number)
    landed.run()
    assert ("Deposit", number) in landed.current("deleted_record")


def test_a_correction_during_the_first_read_is_not_lost(company: NetSuiteCompany, landed: Landed) -> None:
    """Off the control account between two pages of the first read, after its posting was seen."""
    records = Records(company.url, company.secret)
    number = records.deposit(BANK, CONTROL, 42.5)
    company.stand_in.sandbox.store.db.execute(
        'update "transaction" set lastmodifieddate = (select min(lastmodifieddate) from "transaction") where id = ?',
        [number],
    )
    source, seen = company.source(), []
    for page in source.read("transaction_accounting_line", None):
        if not seen:
            assert number in {row["transaction"] for row in page.rows}
            records.correct(number, CLEARING, 42.5)
        seen.append((number in {row["transaction"] for row in page.rows}, (number,) in page.scopes))
    assert seen[0] == (True, True) and seen[-1] == (False, True), "told empty at the end"
