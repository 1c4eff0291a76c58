"""A small company whose every figure is worked out by hand, as raw NetSuite, Salesforce, Stripe and file rows.

As of 2026-07-01. Rates to USD: EUR 1.10, JPY 0.0065, BHD 2.65.

Northwind = ERP C0001 (Acme Inc, USD) + C0002 (Acme KK, JPY), one tax registration; account 001A names C0001.
Contoso   = ERP C0003 (Acme Inc, EUR), found by tax registration; accounts 001B (primary) and 001C (duplicate).
Gulf      = ERP C0004 (Acme WLL, BHD); account 001D names it.
Acme KK   = ERP C0006 (Acme Inc, EUR): buys from its sister company, with an entry in Eliminations too; account 001F.
Acme WLL  = ERP C0007 (Acme Inc, USD): a sister company too, with nothing bought and no account.
Orphan    = ERP C0005 (Acme Inc, USD), no account.  Account 001E belongs to nobody in the ERP.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from tests.integration.dbt.raw import RawWarehouse

AS_OF = date(2026, 7, 1)
STAMP = "2026-06-30 10:00:00"
CURRENCIES = {"1": ("USD", "2"), "2": ("EUR", "2"), "3": ("JPY", "0"), "4": ("BHD", "3")}
RATES = {"1": "1", "2": "1.1", "3": "0.0065", "4": "2.65"}
CONTROL = {"1": "101", "2": "102", "3": "103", "4": "104"}
SIGN = {"CustInvc": 1, "CustRfnd": 1, "CustPymt": -1, "CustCred": -1, "Journal": -1, "CustDep": -1, "DepAppl": -1}


@dataclass
class Books:
    """Writes whole documents: header, lines, postings and links, as the ERP shows them."""

    raw: RawWarehouse
    connection: str = "erp"

    def set_up(self) -> None:
        for key, name, country, currency in (
            ("1", "Acme Inc", "US", "1"),
            ("2", "Acme KK", "JP", "3"),
            ("3", "Acme WLL", "BH", "4"),
            ("4", "Eliminations", "US", "1"),
        ):
            self.raw.add(
                "raw_netsuite__subsidiary", self.connection, id=key, name=name, country=country, currency=currency,
                iselimination="T" if name == "Eliminations" else "F",
            )  # fmt: skip
            self.raw.add(
                "raw_netsuite__account", self.connection, id=CONTROL[key], acctnumber="1100", accttype="AcctRec",
                fullname="Accounts Receivable",
            )  # fmt: skip
        for key, number, name in (
            ("400", "4000", "Sales"), ("701", "7010", "Realized Gain/Loss"), ("702", "7020", "Unrealized Gain/Loss"),
            ("703", "7030", "Rounding Gain/Loss"),
        ):  # fmt: skip
            self.raw.add(
                "raw_netsuite__account", self.connection, id=key, acctnumber=number, accttype="Income", fullname=name
            )
        for key, (symbol, precision) in CURRENCIES.items():
            self.raw.add(
                "raw_netsuite__currency",
                self.connection,
                id=key,
                symbol=symbol,
                name=symbol,
                currencyprecision=precision,
            )
            if key != "1":
                self.raw.add(
                    "raw_netsuite__currency_rate", self.connection, id=key, basecurrency="1", transactioncurrency=key,
                    exchangerate=RATES[key], effectivedate="2024-01-01", lastmodifieddate=STAMP,
                )  # fmt: skip
        for key, name, days in (("1", "Net 30", "30"), ("2", "Two instalments", "60")):
            self.raw.add("raw_netsuite__term", self.connection, id=key, name=name, daysuntilnetdue=days, isinactive="F")

    def customer(
        self, key: str, subsidiary: str, currency: str, tax: str = "", country: str = "US", limit: str | None = None,
        hold: str = "AUTO", terms: str = "1", represents: str | None = None,
    ) -> None:  # fmt: skip
        self.raw.add(
            "raw_netsuite__customer", self.connection, id=key, entityid=f"C000{key}", companyname=f"Customer {key}",
            subsidiary=subsidiary, currency=currency, terms=terms, creditlimit=limit, creditholdoverride=hold,
            vatregnumber=tax, isinactive="F", billing_country=country, representingsubsidiary=represents,
            datecreated=STAMP, lastmodifieddate=STAMP,
        )  # fmt: skip

    def document(
        self, key: str, kind: str, day: str, entity: str, subsidiary: str, currency: str, amount: str, *,
        due: str | None = None, voided: bool = False, reversal: bool = False, disputed: str | None = None,
        external: str | None = None, modified: str = STAMP, discount: str = "0", rate: str = "1",
    ) -> None:  # fmt: skip
        """`amount` is positive; a journal credits receivables, a payment with its `discount` too, a deposit none.

        `rate`: of the legal entity's currency, in which it posts at two digits.
        """
        signed = (Decimal(amount) + Decimal(discount)) * SIGN[kind]
        control = "250" if kind == "CustDep" else CONTROL[subsidiary]
        self.raw.add(
            "raw_netsuite__transaction", self.connection, id=key, tranid=f"{kind}-{key}", type=kind, trandate=day,
            duedate=due, entity=None if kind == "Journal" else entity, subsidiary=subsidiary,
            status="V" if voided else "A", currency=currency, exchangerate=rate, foreigntotal=amount,
            terms="1" if kind == "CustInvc" else None, voided="T" if voided else "F",
            isreversal="T" if reversal else "F", externalid=external,
            custbody_dispute_reason="quality" if disputed else None, custbody_disputed_amount=disputed,
            createddate=STAMP, lastmodifieddate=modified,
        )  # fmt: skip
        for line, account, value in (("0", control, signed), ("1", "400", -signed)):
            self.raw.add(
                "raw_netsuite__transaction_line", self.connection, transaction=key, id=line, linesequencenumber=line,
                mainline="T" if line == "0" else "F", taxline="F", foreignamount=str(value), netamount=str(value),
                entity=entity, subsidiary=subsidiary, transaction_lastmodified=STAMP,
            )  # fmt: skip
            self.raw.add(
                "raw_netsuite__transaction_accounting_line", self.connection, transaction=key, transactionline=line,
                account=account, amount=str(posted(value, rate)), posting="T", transaction_lastmodified=STAMP,
            )  # fmt: skip

    def revaluation(self, key: str, subsidiary: str, currency: str, amount: str, *, day: str, account: str) -> None:
        """A currency revaluation, in the legal entity's currency: `amount` to the control account against `account`."""
        self.raw.add(
            "raw_netsuite__transaction", self.connection, id=key, tranid=f"CRV-{key}", type="FxReval", trandate=day,
            subsidiary=subsidiary, status="A", currency=currency, exchangerate="1", foreigntotal="0", voided="F",
            isreversal="F", createddate=STAMP, lastmodifieddate=STAMP,
        )  # fmt: skip
        for line, where, value in (("0", CONTROL[subsidiary], amount), ("1", account, str(-Decimal(amount)))):
            self.raw.add(
                "raw_netsuite__transaction_line", self.connection, transaction=key, id=line, linesequencenumber=line,
                mainline="F", taxline="F", foreignamount=value, netamount=value, subsidiary=subsidiary,
                transaction_lastmodified=STAMP,
            )  # fmt: skip
            self.raw.add(
                "raw_netsuite__transaction_accounting_line", self.connection, transaction=key, transactionline=line,
                account=where, amount=value, posting="T", transaction_lastmodified=STAMP,
            )  # fmt: skip

    def journal(
        self, key: str, *lines: tuple[str, str, str] | None, day: str = "2026-06-10", external: str | None = None
    ) -> None:
        """Lines on control accounts as (customer, subsidiary, amount with its sign); None: the line is gone."""
        self.raw.add(
            "raw_netsuite__transaction", self.connection, id=key, tranid=f"Journal-{key}", type="Journal", trandate=day,
            subsidiary="1", status="A", currency="1", externalid=external, exchangerate="1", foreigntotal="0",
            voided="F", isreversal="F", createddate=STAMP, lastmodifieddate=STAMP,
        )  # fmt: skip
        for number, given in enumerate(lines):
            entity, subsidiary, amount = given or ("1", "1", "0")
            self.raw.add(
                "raw_netsuite__transaction_line", self.connection, _deleted=given is None, transaction=key,
                id=str(number), linesequencenumber=str(number), mainline="F", taxline="F", foreignamount=amount,
                netamount=amount, entity=entity, subsidiary=subsidiary, transaction_lastmodified=STAMP,
            )  # fmt: skip
            self.raw.add(
                "raw_netsuite__transaction_accounting_line", self.connection, _deleted=given is None, transaction=key,
                transactionline=str(number), account=CONTROL[subsidiary], amount=amount, posting="T",
                transaction_lastmodified=STAMP,
            )  # fmt: skip

    def link(self, earlier: str, later: str, amount: str, *, deleted: bool = False, kind: str = "Payment") -> None:
        self.raw.add(
            "raw_netsuite__transaction_link", self.connection, _deleted=deleted, previousdoc=earlier, previousline="0",
            nextdoc=later, nextline="0", linktype=kind, foreignamount=amount, transaction_lastmodified=STAMP,
        )  # fmt: skip

    def instalments(self, invoice: str, *parts: tuple[str, str]) -> None:
        for number, (due, amount) in enumerate(parts, 1):
            self.raw.add(
                "raw_netsuite__transaction_installment", self.connection, transaction=invoice, id=str(number),
                duedate=due, amount=amount, transaction_lastmodified=STAMP,
            )  # fmt: skip


def posted(amount: Decimal, rate: str) -> Decimal:
    """At two digits, as it is where the rate is 1."""
    return amount if rate == "1" else (amount * Decimal(rate)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def account(raw: RawWarehouse, key: str, *, erp: str | None = None, tax: str | None = None, **shown: object) -> None:
    """A Salesforce account as it is read; `shown` are the receivables fields it carries."""
    raw.add(
        "raw_salesforce__account", "crm", id=key, name=f"Account {key}", billing_country=shown.pop("country", "US"),
        currency_iso_code="USD", erp_customer_id=erp, tax_registration=tax, created_date="2025-01-01T00:00:00.000+0000",
        system_modstamp="2025-01-01T00:00:00.000+0000", is_deleted=shown.pop("is_deleted", False), **shown,
    )  # fmt: skip


def write(raw: RawWarehouse) -> Books:
    """All of the company into `raw`."""
    books = Books(raw)
    books.set_up()
    books.customer("1", "1", "1", "12-3456789", limit="10000.00")
    books.customer("2", "2", "3", "123456789", limit="1000000", terms="2")
    books.customer("3", "1", "2", "DE811569869", "DE", hold="ON")
    books.customer("4", "3", "4", terms="2")
    books.customer("5", "1", "1")
    books.customer("6", "1", "2", represents="2")
    books.customer("7", "1", "1", represents="3")
    account(raw, "001A", erp="C0001")
    account(raw, "001B", tax="811569869", country="DE")
    account(raw, "001C", tax="DE 811 569 869", country="DE")
    account(raw, "001D", erp="C0004", country="BH")
    account(raw, "001F", erp="C0006")
    account(raw, "001E", ar__open_balance="5.00", ar__credit_hold=False)

    # Northwind, Acme Inc, USD: one invoice on each side of every bucket edge, 100.01 each
    for number, due in enumerate(
        (
            "2026-07-01",
            "2026-06-30",
            "2026-06-01",
            "2026-05-31",
            "2026-05-02",
            "2026-05-01",
            "2026-04-02",
            "2026-04-01",
        ),
        11,
    ):
        books.document(str(number), "CustInvc", "2026-03-01", "1", "1", "1", "100.01", due=due)
    # instalments 300 + 300 + 400, paid 450 of which 50 by credit memo: first closed, second 150 open
    books.document("20", "CustInvc", "2026-05-01", "1", "1", "1", "1000.00", due="2026-07-15")
    books.instalments("20", ("2026-05-15", "300.00"), ("2026-06-15", "300.00"), ("2026-07-15", "400.00"))
    books.document("21", "CustPymt", "2026-06-20", "1", "1", "1", "400.00")
    books.link("20", "21", "400.00")
    books.document("22", "CustCred", "2026-06-21", "1", "1", "1", "80.00")
    books.link("20", "22", "50.00")
    # over-payment: 250 against 200, 50 stays on account, 20 of it refunded
    books.document("30", "CustInvc", "2026-06-01", "1", "1", "1", "200.00", due="2026-07-01")
    books.document("31", "CustPymt", "2026-06-11", "1", "1", "1", "250.00", external="ch_1")
    books.link("30", "31", "200.00")
    books.document("32", "CustRfnd", "2026-06-15", "1", "1", "1", "20.00")
    books.link("31", "32", "20.00")
    # voided, written off, and a payment dated after the as-of date
    books.document("40", "CustInvc", "2026-06-01", "1", "1", "1", "500.00", due="2026-06-10", voided=True)
    books.document("41", "Journal", "2026-06-12", "1", "1", "1", "500.00", reversal=True)
    books.link("40", "41", "500.00")
    books.document("50", "CustInvc", "2026-01-01", "1", "1", "1", "70.00", due="2026-01-31")
    books.document("51", "Journal", "2026-06-25", "1", "1", "1", "70.00")
    books.link("50", "51", "70.00")
    books.document("60", "CustInvc", "2026-06-01", "1", "1", "1", "90.00", due="2026-07-20", disputed="120.00")
    books.document("61", "CustPymt", "2026-07-02", "1", "1", "1", "90.00")
    books.link("60", "61", "90.00")
    # Northwind, Acme KK, JPY
    books.document("70", "CustInvc", "2026-06-01", "2", "2", "3", "123457", due="2026-06-30")
    # Contoso, EUR: paid after 40 days (1000) and after 10 days (500): (40*1000 + 10*500) / 1500 = 30.0
    books.document("80", "CustInvc", "2026-04-01", "3", "1", "2", "1000.00", due="2026-05-01")
    books.document("81", "CustPymt", "2026-05-11", "3", "1", "2", "1000.00")
    books.link("80", "81", "1000.00")
    books.document("82", "CustInvc", "2026-06-01", "3", "1", "2", "500.00", due="2026-07-01")
    books.document("83", "CustPymt", "2026-06-11", "3", "1", "2", "500.00")
    books.link("82", "83", "500.00")
    # Gulf, BHD: three decimals
    books.document("90", "CustInvc", "2026-06-01", "4", "3", "4", "10.125", due="2026-07-31")
    # released and not billed: 1,000.00 in USD, 100,000 in JPY (650.00 in USD); the third is not released
    for key, customer, amount, currency, released in (
        ("so1", "1", "1000.00", "USD", True),
        ("so2", "2", "100000", "JPY", True),
        ("so3", "1", "4000.00", "USD", False),
    ):
        raw.add(
            "raw_files__order", "extracts", order_id=key, customer_id=f"erp:{customer}", order_date="2026-06-30",
            unbilled_amount=amount, currency=currency, released=released,
        )  # fmt: skip
    # Acme KK owes its sister 200 EUR, of which 150 USD are eliminated
    books.document("85", "CustInvc", "2026-04-01", "6", "1", "2", "200.00", due="2026-05-01", disputed="20.00")
    books.document("86", "Journal", "2026-06-30", "6", "4", "1", "150.00")
    # Orphan
    books.document("95", "CustInvc", "2026-06-01", "5", "1", "1", "33.00", due="2026-06-02")
    return books
