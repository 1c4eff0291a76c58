"""`arsync prove` over a published snapshot: it agrees, or it names what stands against it and exits with 6."""

from __future__ import annotations

import json
import sys
from datetime import date, timedelta
from decimal import Decimal

import pytest

from arsync_pipelines.cli.app import main
from arsync_pipelines.domain.errors import CheckFailed
from arsync_pipelines.services.proof import Proof, prove, unproved
from arsync_pipelines.services.publish import functions
from arsync_pipelines.warehouse.duckdb import DuckDbWarehouse
from tests.integration.dbt import company
from tests.integration.dbt.asking import ASKED
from tests.integration.dbt.raw import RawWarehouse

pytestmark = pytest.mark.slow

CONFIGURATION = """
[connections.books]
vendor = "files"
folder = "extracts"
currency = "USD"
[connections.books.invoices]
pattern = "*.csv"
full = true
columns = { invoice_id = "id", customer_id = "customer", invoice_date = "date", due_date = "due", amount = "amount" }
"""
DAY = date(2026, 6, 3)


def publish(raw: RawWarehouse) -> DuckDbWarehouse:
    """Publish what stands in the warehouse, whatever its tests said."""
    tables = (*ASKED, "recon_finding")
    warehouse = DuckDbWarehouse(raw.path, raw.path.parent / "snapshots")
    with warehouse.writing():
        warehouse.publish(tables, {}, functions(warehouse, tables))
    return warehouse


def proved(raw: RawWarehouse, as_of: date | None = None) -> Proof:
    return prove(publish(raw), as_of)


def post_without_document(raw: RawWarehouse, number: str = "905") -> None:
    """A deposit of 42.00 straight to the control account of Acme Inc."""
    line = {"transaction": number, "transaction_lastmodified": company.STAMP}
    raw.add(
        "raw_netsuite__transaction", "erp", id=number, tranid=f"DEP-{number}", type="Deposit", trandate=str(DAY),
        subsidiary="1", status="A", currency="1", exchangerate="1", foreigntotal="42.00", voided="F", isreversal="F",
        createddate=company.STAMP, lastmodifieddate=company.STAMP,
    )  # fmt: skip
    raw.add(
        "raw_netsuite__transaction_line", "erp", id="0", linesequencenumber="0", mainline="T", taxline="F",
        foreignamount="42", netamount="42", subsidiary="1", **line,
    )  # fmt: skip
    raw.add(
        "raw_netsuite__transaction_accounting_line", "erp", transactionline="0", account=company.CONTROL["1"],
        amount="42", posting="T", **line,
    )  # fmt: skip


def tell(
    raw: RawWarehouse, stream: str, kind: str, currency: str, rows: int, amount: str | None, *, still: bool = True
) -> None:  # fmt: skip
    """A control total that the ERP gave."""
    shown = "null" if amount is None else f"'{amount}'"
    raw.execute(
        f"insert into raw_arsync__total values ('erp', '{stream}', '{kind}', '{currency}', {rows}, {shown}, {still}, "
        "'2026-07-01')"
    )


def test_it_agrees_on_its_own_day_and_on_any_other(copied_company: company.Books) -> None:
    proof = proved(copied_company.raw)
    proof.require()
    assert proof.holds
    assert {(row.currency, row.as_of) for row in proof.tie_out} >= {("USD", company.AS_OF), ("BHD", company.AS_OF)}
    usd = next(row for row in proof.tie_out if (row.legal_entity, row.currency) == ("Acme Inc", "USD"))
    assert usd.aging + usd.unapplied == usd.subledger == usd.gl_control
    assert proof.age(proof.published_at + timedelta(hours=3)) == timedelta(hours=3)
    assert timedelta(0) <= proof.age() < timedelta(minutes=10)
    before = prove(publish(copied_company.raw), DAY)
    before.require()
    assert {row.as_of for row in before.tie_out} == {DAY}
    assert before.tie_out != proof.tie_out


def test_a_posting_without_a_document_is_named_and_exits_with_6(
    copied_company: company.Books, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = copied_company.raw
    post_without_document(raw)
    raw.rebuild(check=False)
    warehouse = publish(raw)
    proof = prove(warehouse)
    # in the documents' currency, and in that of the legal entity
    assert [(row.legal_entity, row.currency, row.difference) for row in proof.differences] == [
        ("Acme Inc", "USD", Decimal(42))
    ] * 2
    with pytest.raises(CheckFailed, match=r"Acme Inc USD: 42\.0000.*erp:905 \(finance_systems\): Deposit posts"):
        proof.require()
    named = {(row["check_name"], row["business_key"], row["amount"]) for row in unproved(warehouse)}
    assert named == {
        ("recon_document", "erp:905", 42), ("recon_gl_control", "erp:1:USD", 42),
        ("recon_gl_control", "erp:1:USD:functional", 42),
    }  # fmt: skip
    day_before = prove(warehouse, DAY - timedelta(days=1))
    assert not day_before.differences, "what was posted later is no difference of an earlier day"
    assert not day_before.holds, "but it stands open"

    (raw.path.parent / "arsync.toml").write_text(CONFIGURATION, encoding="utf-8")
    (raw.path.parent / "extracts").mkdir()
    monkeypatch.setenv("ARSYNC_CONFIG", str(raw.path.parent / "arsync.toml"))
    monkeypatch.setattr("arsync_pipelines.bootstrap.Platform.warehouse", warehouse)
    monkeypatch.setattr(sys, "argv", ["arsync", "prove", "--as-of", str(DAY), "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert ended.value.code == 6, said.err
    document = json.loads(said.out)
    assert "erp:905" in said.err and "Acme Inc USD: 42" in said.err
    assert document["holds"] is False and document["age_seconds"] >= 0
    assert "erp:905" in {row["business_key"] for row in document["critical"]}


def test_a_document_outside_of_every_balance_fails_the_proof_though_everything_foots(
    copied_company: company.Books,
) -> None:
    raw = copied_company.raw
    raw.add("raw_netsuite__currency", "erp", id="9", symbol="XXQ", name="XXQ", currencyprecision="2")
    copied_company.document("903", "CustInvc", "2026-06-01", "1", "1", "9", "77.00", due="2026-07-01")
    copied_company.document("901", "CustInvc", "2026-06-01", "5", "1", "1", "10.00", due="2026-05-01")
    raw.rebuild()
    proof = proved(raw)
    assert not proof.differences
    (named,) = proof.critical
    assert (named["business_key"], named["amount"], named["currency"]) == ("erp:903", 77, "XXQ")
    assert (named["customer_id"], named["legal_entity_id"], named["owner"]) == ("erp:1", "erp:1", "finance_systems")
    with pytest.raises(CheckFailed, match="XXQ"):
        proof.require()
    early = [row for row in proof.findings if row["check_name"] == "recon_document" and row["severity"] == "warning"]
    assert [(row["amount"], row["owner"]) for row in early] == [(10, "accounts_receivable")]


def test_control_totals_along_the_way_agree_and_name_where_they_part(copied_company: company.Books) -> None:
    raw = copied_company.raw
    steps = raw.rows("select distinct step from recon_counts where difference <> 0 or amount_difference <> 0")
    assert {row["step"] for row in steps} <= {"canonical to CRM"}, "nothing was pushed yet"
    posted = raw.rows("select * from recon_counts where step = 'canonical to ledger' order by count_id")
    assert {(row["legal_entity_id"], row["currency"]) for row in posted} == {
        ("erp:1", "EUR"), ("erp:1", "USD"), ("erp:2", "JPY"), ("erp:3", "BHD"), ("erp:4", "USD")
    }  # fmt: skip
    assert all(row["expected_count"] > 0 for row in posted)

    # what each source counted and summed itself, while nothing changed there
    tell(raw, "transaction", "CustInvc", "1", 15, "2726.08")  # one of 33.00 never came here
    tell(raw, "transaction", "CustInvc", "2", 3, "1700.00")
    tell(raw, "transaction", "CustInvc", "3", 1, "123457")
    tell(raw, "transaction", "CustInvc", "4", 1, "10.125")
    tell(raw, "transaction", "CustRfnd", "1", 1, "20.00")
    tell(raw, "transaction", "Journal", "1", 4, None)
    tell(raw, "customer", "customer", "", 99, None, still=False)
    # the source says that 40.00 of an invoice are unpaid of which we know that all 33.00 are; and a row went missing
    raw.execute("update raw_netsuite__transaction set foreignamountunpaid = '40.00' where id = '95'")
    for stream, rows in (("term", 3), ("currency", 4)):
        raw.execute(f"insert into raw_arsync__read values ('erp', '{stream}', '2026-07-01', {rows}, {rows})")
    raw.dbt("build", "--full-refresh")
    found = raw.rows("select * from recon_finding where check_name = 'recon_counts' and closed_at is null")
    shown = {(r["finding"], r["severity"], r["amount"], r["legal_entity_id"], r["detail"]) for r in found}
    assert shown == {
        ("different", "warning", Decimal(7), "erp:1", "unpaid at source to ledger: 1 of 1"),
        ("missing", "warning", Decimal(0), None, "source to raw: 2 of 3"),
        ("missing", "critical", Decimal(33), None, "source to raw: 14 of 15"),
        ("missing", "critical", Decimal(0), None, "source to raw: 3 of 4"),
    }
    assert {row["business_key"] for row in proved(raw).critical} == {
        "source to raw:erp:CustInvc:USD", "source to raw:erp:Journal:USD"
    }  # fmt: skip
    raw.execute("update raw_arsync__total set stood_still = false")
    raw.dbt("build", "--select", "int_source_total", "recon_counts", "recon_finding")
    assert proved(raw).holds, "where business went on during the read, nothing can be concluded"


def test_what_pushes_do_not_repair_becomes_somebodys_and_what_they_do_is_forgotten(
    copied_company: company.Books,
) -> None:
    raw = copied_company.raw

    def balance() -> list[tuple[str, bool, int, bool]]:
        rows = raw.rows(
            "select business_key, is_repairable, times_seen, closed_at is null as is_open from recon_finding "
            "where check_name = 'recon_account_balance' and business_key = '001E' order by first_seen_at"
        )
        return [(r["business_key"], r["is_repairable"], r["times_seen"], r["is_open"]) for r in rows]

    assert balance() == [("001E", True, 1, True)], "an account of nobody shows a balance; the next push clears it"
    raw.execute("update recon_finding set first_seen_at = first_seen_at - interval 4 day")
    raw.dbt("build", "--select", "recon_finding")
    assert balance() == [("001E", False, 2, True)]
    (aged,) = raw.rows("select age_days from recon_finding where business_key = '001E'")
    assert aged["age_days"] == 4

    raw.execute("update recon_finding set first_seen_at = first_seen_at + interval 4 day")
    company.account(raw, "001E")
    raw.dbt("build")
    assert balance() == [("001E", False, 2, False)]
    raw.execute("update recon_finding set is_repairable = true where business_key = '001E'")
    raw.execute("update recon_finding set closed_at = closed_at - interval 91 day where closed_at is not null")
    raw.dbt("build", "--select", "recon_finding")
    assert balance() == []


def test_before_the_first_push_nothing_is_missing_in_the_crm(copied_company: company.Books) -> None:
    raw = copied_company.raw
    (missing,) = raw.rows("select count(*) as n from recon_invoice_presence where finding = 'missing'")
    assert missing["n"] > 0
    assert raw.rows("select * from recon_finding where check_name in ('recon_invoice_presence', 'recon_counts')") == []
    raw.add("raw_salesforce__ar_invoice", "crm", id="a01", external_id="erp:95", account_id="001A")
    raw.dbt("build")
    (told,) = raw.rows("select count(*) as n from recon_finding where check_name = 'recon_invoice_presence'")
    assert 0 < told["n"] <= missing["n"] + 1


def test_what_another_ledger_posts_for_nobody_or_in_no_known_currency_is_named(copied_company: company.Books) -> None:
    raw = copied_company.raw
    raw.execute("insert into raw_arsync__connection values ('books', 'tryton', 'erp')")
    raw.add("raw_tryton__company", "books", id="1", name="Acme SARL", currency="1", timezone="UTC")
    raw.add("raw_tryton__currency", "books", id="1", code="EUR", name="Euro", digits=2)
    raw.add("raw_tryton__currency", "books", id="2", code="XXQ", name="Nobody's", digits=2)
    raw.add("raw_tryton__party", "books", id="7", name="Party 7", code="7")
    for number, party, second in (("11", "7", None), ("12", None, None), ("13", "7", "2")):
        raw.add(
            "raw_tryton__move", "books", id=number, number=f"M{number}", company="1", date="2026-06-02", state="posted"
        )
        raw.add(
            "raw_tryton__move_line", "books", id=number, move=number, party=party, debit="50.00", credit="0.00",
            second_currency=second, amount_second_currency="55.00" if second else None, state="valid",
        )  # fmt: skip
    raw.rebuild(check=False)
    found = raw.rows("select * from recon_document where connection = 'books' order by finding_id")
    assert [(r["finding_id"], r["severity"], r["amount"], r["currency"], r["legal_entity_id"]) for r in found] == [
        ("posted_only:books:12", "critical", 50, "EUR", "books:1"),
        ("unknown_currency:books:line:13", "critical", 55, "XXQ", "books:1"),
    ]
    proof = proved(raw)
    wrong = sorted((w.legal_entity, w.currency, w.subledger, w.gl_control) for w in proof.differences)
    assert wrong == [
        ("Acme SARL", "EUR", Decimal(50), Decimal(100)),
        ("Acme SARL", "EUR", Decimal(50), Decimal(150)),  # of all three entries, in functional currency
        ("Acme SARL", "XXQ", Decimal(0), Decimal(55)),
    ]
