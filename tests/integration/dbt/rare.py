"""What happens to receivables now and then, in a company of its own: customer 4 in Acme WLL, and USD."""

from __future__ import annotations

from tests.integration.dbt import company
from tests.integration.dbt.raw import RawWarehouse


def journals_of_several(books: company.Books) -> None:
    """One of three customers in two legal entities, and two of one customer."""
    books.document("98", "CustInvc", "2026-06-01", "5", "1", "1", "50.00", due="2026-07-01")
    books.journal("97", ("1", "1", "50.00"), ("5", "1", "-60.00"), ("4", "3", "10.00"))
    books.link("98", "97", "50.00")
    books.journal("99", ("1", "1", "5.00"))
    books.journal("100", ("4", "3", "1.00"))


def rare_events(books: company.Books) -> None:
    """Discounts, a deposit, a recovery and chargebacks."""
    at = ("4", "3", "1")
    books.document("120", "CustInvc", "2026-06-01", *at, "100.00")
    books.document("121", "CustPymt", "2026-06-10", *at, "98.00", discount="2.00")
    books.link("120", "121", "100.00")
    books.document("122", "CustInvc", "2026-06-01", *at, "33.33")
    books.document("123", "CustInvc", "2026-06-12", *at, "66.67")
    books.document("124", "CustPymt", "2026-06-10", *at, "95.00", discount="5.00")
    books.link("122", "124", "33.33")
    books.link("123", "124", "66.67")
    books.document("130", "CustDep", "2026-06-01", *at, "60.00")
    books.document("131", "DepAppl", "2026-06-15", *at, "40.00")
    books.document("132", "CustInvc", "2026-06-14", *at, "50.00")
    books.link("130", "131", "40.00", kind="DepAppl")
    books.link("132", "131", "40.00")
    books.document("140", "CustInvc", "2026-01-01", *at, "80.00")
    books.document("141", "Journal", "2026-06-05", *at, "50.00")
    books.document("142", "CustPymt", "2026-06-20", *at, "30.00")
    books.link("140", "141", "50.00")
    books.link("140", "142", "30.00")
    books.document("150", "CustPymt", "2026-06-02", *at, "45.00")
    books.document("151", "CustRfnd", "2026-06-22", *at, "45.00", external="dp_1")
    books.link("150", "151", "45.00")
    books.journal("152", ("4", "3", "7.00"), day="2026-06-23", external="dp_2")
    for number, cents, status in (("1", 4500, "lost"), ("2", 700, "lost"), ("3", 500, "lost"), ("4", 900, "won")):
        books.raw.add(
            "raw_stripe__dispute", "card", id=f"dp_{number}", charge="ch_9", currency="usd", amount=cents,
            status=status, reason="fraudulent", created=1780000000,
        )  # fmt: skip


def void_without_journal(books: company.Books, modified: str) -> None:
    """Of Acme KK, without a closing date either: the ERP takes its posting off the control account."""
    books.document("71", "CustInvc", "2026-06-01", "2", "2", "3", "5000", voided=True, modified=modified)
    books.raw.add(
        "raw_netsuite__transaction_accounting_line", books.connection, transaction="71", transactionline="0",
        account=company.CONTROL["2"], amount="0", posting="T", transaction_lastmodified=modified,
    )  # fmt: skip
    books.raw.add(
        "raw_netsuite__transaction_line", books.connection, transaction="71", id="0", linesequencenumber="0",
        mainline="T", taxline="F", foreignamount="0", netamount="0", entity="2", subsidiary="2",
        transaction_lastmodified=modified,
    )  # fmt: skip


def moved(raw: RawWarehouse, *documents: str) -> list[tuple[str, str, str, float]]:
    """What stands in the ledger of these documents beside their posting: type, month and day, amount."""
    rows = raw.rows(
        "select document_id, strftime(business_date, '%m-%d') as day, sum(amount)::double as amount, "
        "arg_max(event_type, correction_number) filter (event_type not in ('unapplied', 'reversed')) as event_type "
        "from fct_receivable_event "
        f"where document_id in {documents} and event_key not like 'posted:%' "
        "group by event_key, document_id, business_date having sum(amount) <> 0 order by document_id, event_type, day"
    )
    return [(row["document_id"].removeprefix("erp:"), row["event_type"], row["day"], row["amount"]) for row in rows]
