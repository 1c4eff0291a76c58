"""The processor against the ERP and against its own balance: what agrees is silent, what does not is named."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.integration.dbt import company
from tests.integration.dbt.raw import RawWarehouse

CHOSEN = ("--select", "+recon_payment_processor", "--exclude-resource-type", "test")
DAY = 86_400
JUNE = 1_780_300_000


@dataclass
class Processor:
    """Stripe's side, row by row; amounts in its smallest units."""

    raw: RawWarehouse
    at: int = JUNE

    def entry(
        self, key: str, kind: str, source: str, amount: int, fee: int = 0, *, currency: str = "usd", off: int = 0
    ) -> None:
        self.at += DAY
        self.raw.add(
            "raw_stripe__balance_transaction", "card", id=key, amount=amount, fee=fee, net=amount - fee + off,
            currency=currency, type=kind, source=source, status="available", created=self.at,
        )  # fmt: skip

    def charge(
        self, key: str, amount: int, currency: str = "usd", refunded: int = 0, *, entry: str | None = None
    ) -> None:
        self.raw.add(
            "raw_stripe__charge", "card", id=key, amount=amount, amount_captured=amount, amount_refunded=refunded,
            currency=currency, status="succeeded", balance_transaction=entry or f"txn_{key}", paid=True, created=JUNE,
        )  # fmt: skip

    def refund(
        self, key: str, charge: str, amount: int, status: str = "succeeded", *, entry: str | None = None
    ) -> None:
        self.raw.add(
            "raw_stripe__refund", "card", id=key, charge=charge, amount=amount, currency="usd", status=status,
            balance_transaction=entry or f"txn_{key}", created=JUNE,
        )  # fmt: skip

    def payout(
        self, key: str, amount: int, *members: tuple[str, int], currency: str = "usd", status: str = "paid"
    ) -> None:
        self.raw.add(
            "raw_stripe__payout", "card", id=key, amount=amount, currency=currency, status=status, automatic=True,
            created=self.at,
        )  # fmt: skip
        for entry, net in members:
            self.raw.add(
                "raw_stripe__payout_transaction", "card", id=entry, payout=key, net=net, amount=net, fee=0,
                type="charge", currency=currency, created=self.at,
            )  # fmt: skip

    def invoice(
        self, key: str, total: int, currency: str = "usd", *, number: str, erp: str | None, status: str = "open"
    ) -> None:
        self.raw.add(
            "raw_stripe__invoice", "card", id=key, number=number, status=status, currency=currency, total=total,
            metadata={"erp_invoice": erp} if erp else {}, created=JUNE,
        )  # fmt: skip


def findings(raw: RawWarehouse) -> dict[str, tuple[Any, ...]]:
    raw.dbt("build", *CHOSEN)
    return {
        row["finding_id"].replace("card:", ""): (
            row["finding"],
            row["object"],
            row["amount"],
            row["currency"],
            row["owner"],
        )
        for row in raw.rows("select * from recon_payment_processor")
    }


def test_what_processor_and_erp_see_differently(copied_company: company.Books) -> None:
    books, raw = copied_company, copied_company.raw
    processor = Processor(raw)
    # dollars, yen and dinars: 250.00 of which 20.00 went back, 500, 5.120
    processor.charge("ch_1", 25000, refunded=2000)
    processor.entry("txn_ch_1", "charge", "ch_1", 25000, 755)
    processor.refund("re_1", "ch_1", 2000)
    processor.refund("re_0", "ch_1", 2000, "failed", entry="txn_never")
    processor.entry("txn_re_1", "refund", "re_1", -2000)
    books.document("71", "CustPymt", "2026-06-20", "2", "2", "3", "500", external="ch_jpy")
    processor.charge("ch_jpy", 500, "jpy")
    processor.entry("txn_ch_jpy", "charge", "ch_jpy", 500, 18, currency="jpy")
    books.document("91", "CustPymt", "2026-06-20", "4", "3", "4", "5.120", external="ch_bhd")
    processor.charge("ch_bhd", 5120, "bhd")
    processor.entry("txn_ch_bhd", "charge", "ch_bhd", 5120, 150, currency="bhd")
    processor.payout("po_1", 22245, ("txn_ch_1", 24245), ("txn_re_1", -2000))
    processor.entry("txn_po_1", "payout", "po_1", -22245)
    processor.payout("po_jpy", 482, ("txn_ch_jpy", 482), currency="jpy")
    processor.entry("txn_po_jpy", "payout", "po_jpy", -482, currency="jpy")
    processor.payout("po_back", 9999, status="failed")
    # asks for a part under a number of its own, carries the ERP's number, names nobody, is a draft
    processor.invoice("in_part", 100, number="STR-1", erp="CustInvc-20")
    processor.invoice("in_same", 123457, "jpy", number="CustInvc-70", erp=None)
    processor.invoice("in_own", 777, number="STR-2", erp=None)
    processor.invoice("in_draft", 777, number="STR-3", erp="CustInvc-999", status="draft")
    assert findings(raw) == {}

    processor.entry("txn_ch_1", "charge", "ch_1", 25000, 755, off=1)
    processor.entry("txn_ch_bhd", "charge", "ch_bhd", 5120, 150, currency="bhd", off=-10)
    processor.entry("txn_ch_jpy", "charge", "ch_jpy", 490, 18, currency="jpy")
    processor.refund("re_1", "ch_1", 2000, entry="txn_unknown")
    processor.charge("ch_bhd", 5120, "bhd", refunded=1000)
    processor.payout("po_1", 22240)
    processor.payout("po_jpy", 482, ("txn_ch_jpy", 472), currency="jpy")
    # the krona is written with two decimals there, the ariary with none
    processor.charge("ch_isk", 500, "isk")
    processor.entry("txn_ch_isk", "charge", "ch_isk", 500, 25, currency="isk")
    processor.charge("ch_mga", 500, "mga")
    processor.entry("txn_ch_mga", "charge", "ch_mga", 500, 25, currency="mga")
    processor.invoice("in_gone", 4200, number="STR-4", erp="CustInvc-999")
    processor.invoice("in_void", 50000, number="STR-5", erp="CustInvc-40", status="paid")
    processor.invoice("in_same", 123450, "jpy", number="CustInvc-70", erp=None)
    processor.invoice("in_dollars", 1012, number="STR-6", erp="CustInvc-90")
    cash, treasury, receivable = "cash_application", "treasury", "accounts_receivable"
    assert findings(raw) == {
        "fee:txn_ch_1": ("different", "fee", Decimal("0.01"), "USD", treasury),
        "fee:txn_ch_bhd": ("different", "fee", Decimal("0.010"), "BHD", treasury),
        "settled:ch_jpy": ("different", "charge", 10, "JPY", cash),
        "settled:re_1": ("missing", "refund", 20, "USD", cash),
        "refunds:ch_bhd": ("different", "refund", 1, "BHD", cash),
        "refund:ch_bhd": ("missing", "refund", 1, "BHD", cash),
        "payout:po_1": ("different", "payout", Decimal("0.05"), "USD", treasury),
        "payout_parts:po_1": ("different", "payout", Decimal("0.05"), "USD", treasury),
        "payout_parts:po_jpy": ("different", "payout", 10, "JPY", treasury),
        "missing:ch_isk": ("missing", "charge", 5, "ISK", cash),
        "missing:ch_mga": ("missing", "charge", 500, "MGA", cash),
        "invoice:in_gone": ("missing", "invoice", 42, "USD", receivable),
        "invoice:in_void": ("different", "invoice", 500, "USD", receivable),
        "invoice:in_same": ("different", "invoice", 7, "JPY", receivable),
        "invoice:in_dollars": ("different", "invoice", Decimal("10.12"), "USD", receivable),
    }

    # put right at the source, and what was given back is known to the ERP
    processor.entry("txn_ch_1", "charge", "ch_1", 25000, 755)
    processor.refund("re_1", "ch_1", 2000)
    processor.payout("po_1", 22245)
    books.document("92", "CustRfnd", "2026-06-25", "4", "3", "4", "1.000")
    books.link("91", "92", "1.000")
    left = findings(raw)
    assert not {"fee:txn_ch_1", "settled:re_1", "payout:po_1", "payout_parts:po_1", "refund:ch_bhd"} & set(left)
    assert len(left) == 10
