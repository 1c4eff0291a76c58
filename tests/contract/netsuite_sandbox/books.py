"""A small company, written by hand, with every kind of document the ERP stand-in has to show."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from arsync_pipelines.sandbox.core.world.records import (
    Application,
    CreditMemo,
    CustomerRefund,
    Delta,
    ErpCustomer,
    Invoice,
    InvoiceLine,
    Journal,
    LegalEntity,
    Party,
    Payment,
    PaymentTerms,
)

START = datetime(2026, 1, 5, 18, 30, tzinfo=UTC)


def at(days: int, seconds: int = 0) -> datetime:
    return START + timedelta(days=days, seconds=seconds)


def invoice(
    identity: int,
    total: int,
    *,
    customer: int = 1,
    entity: int = 1,
    currency: str = "USD",
    rate: float = 1.0,
    tax: int = 0,
    day: int = 0,
    updated: datetime | None = None,
    instalments: tuple[tuple[date, int], ...] = (),
    voided_on: date | None = None,
    disputed: int = 0,
) -> Invoice:
    net = total - tax
    lines = (InvoiceLine("Pumps", 2, net // 2, 0), InvoiceLine("Service", 1, net - net // 2, tax))
    issued = START.date() + timedelta(days=day)
    due = issued + timedelta(days=30)
    return Invoice(
        id=identity,
        number=f"INV-{identity:05d}",
        erp_customer_id=customer,
        legal_entity_id=entity,
        currency=currency,
        exchange_rate=rate,
        invoice_date=issued,
        due_date=instalments[-1][0] if instalments else due,
        terms_id=2 if instalments else 1,
        lines=lines,
        instalments=instalments or ((due, total),),
        total=total,
        created_at=at(day, identity),
        updated_at=updated or at(day, identity),
        voided_on=voided_on,
        void_journal_id=1 if voided_on else None,
        dispute_reason="QUALITY" if disputed else "",
        disputed_amount=disputed,
    )


def payment(
    identity: int, amount: int, *, day: int, charge: int | None = None, updated: datetime | None = None
) -> Payment:
    return Payment(
        id=identity,
        number=f"PAY-{identity}",
        erp_customer_id=1,
        legal_entity_id=1,
        currency="USD",
        exchange_rate=1.0,
        payment_date=START.date() + timedelta(days=day),
        amount=amount,
        channel="wire" if charge is None else "card",
        created_at=at(day),
        updated_at=updated or at(day),
        charge_id=charge,
    )


def customer(identity: int, party: int, entity: int, currency: str) -> ErpCustomer:
    return ErpCustomer(
        id=identity,
        number=f"CUST{identity:04d}",
        party_id=party,
        legal_entity_id=entity,
        currency=currency,
        terms_id=1,
        credit_limit=5_000_000,
        credit_hold=identity == 3,
        inactive=False,
        parent_id=None,
        created_at=at(-10),
        updated_at=at(-10, identity),
    )


def party(identity: int, name: str, tax_id: str = "DE136695976", updated: datetime | None = None) -> Party:
    return Party(
        id=identity,
        legal_name=name,
        country="US",
        street="1 Main St",
        city="Albany",
        state="NY",
        postal_code="12207",
        phone="+1 518 555 0100",
        email="ap@example.com",
        website="example.com",
        tax_id=tax_id,
        parent_id=None,
        created_at=at(-20),
        updated_at=updated or at(-20),
    )


def company() -> Delta:
    """Invoice 1 partly paid, 2 void (yen, instalments), 3 written off (euro), 4 settled by payment and credit."""
    day = START.date()
    halves = ((day + timedelta(days=30), 5000), (day + timedelta(days=60), 5000))
    return Delta(
        legal_entities=[
            LegalEntity(1, "Acme Inc", "US", "USD", "America/New_York", "NA"),
            LegalEntity(2, "Acme KK", "JP", "JPY", "Asia/Tokyo", "AP"),
        ],
        payment_terms=[
            PaymentTerms(1, "Net 30", 30),
            PaymentTerms(2, "Halves", 60, instalments=((50, 30), (50, 60))),
        ],
        exchange_rates={"USD": 1.0, "EUR": 1.1, "GBP": 1.25, "JPY": 0.0066},
        parties=[party(1, "Globex"), party(2, "Initech", "")],
        erp_customers=[customer(1, 1, 1, "USD"), customer(2, 2, 2, "JPY"), customer(3, 1, 1, "EUR")],
        invoices=[
            invoice(1, 16_257, tax=1_207, updated=at(20)),
            invoice(
                2,
                10_000,
                customer=2,
                entity=2,
                currency="JPY",
                tax=909,
                instalments=halves,
                voided_on=day,
                updated=at(2),
            ),
            invoice(3, 3_333, customer=3, currency="EUR", rate=1.1, updated=at(90)),
            invoice(4, 20_000, updated=at(20), disputed=500),
        ],
        credit_memos=[
            CreditMemo(1, "CM-1", 1, 1, "USD", 1.0, day, (InvoiceLine("Return", 1, 5_000, 0),), 5_000, at(3), at(20))
        ],
        payments=[payment(1, 28_000, day=20), payment(2, 7_700, day=25, charge=7)],
        journals=[
            Journal(1, "JE-1", "void", 2, 2, 2, "JPY", 1.0, day, 10_000, at(2), at(2)),
            Journal(2, "JE-2", "write_off", 3, 3, 1, "EUR", 1.1, day + timedelta(days=90), 3_333, at(90), at(90)),
        ],
        customer_refunds=[
            CustomerRefund(
                1, "RF-1", 1, 1, "USD", 1.0, day + timedelta(days=21), 1_000, "credit_memo", 1, at(21), at(21)
            )
        ],
        applications=[
            Application(1, "payment", 1, 1, 10_000, day + timedelta(days=20), at(20)),
            Application(2, "payment", 1, 4, 18_000, day + timedelta(days=20), at(20)),
            Application(3, "credit_memo", 1, 4, 2_000, day, at(20)),
            Application(4, "journal", 2, 3, 3_333, day + timedelta(days=90), at(90)),
        ],
    )


def many(first: int, count: int) -> Delta:
    """Invoices for paging; several share one second."""
    moment = at(100)
    return Delta(
        invoices=[
            invoice(n, 10_000 + n, day=100, updated=moment + timedelta(seconds=(n - first) // 7))
            for n in range(first, first + count)
        ]
    )
