"""The company's books as neutral records; every vendor's stand-in projects them into its own store.

Money is an `int` in the currency's minor unit (JPY 0, USD/EUR/GBP 2 decimals). Dates are business dates in the legal
entity's time zone; `*_at` are UTC instants. `updated_at` moves whenever anything about the record changes, and a
vendor's modification stamp is taken from it. Ids are unique per record type and never reused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

MINOR_UNITS = {"USD": 2, "EUR": 2, "GBP": 2, "JPY": 0}


@dataclass(slots=True)
class LegalEntity:
    id: int
    name: str
    country: str  # ISO 3166-1 alpha-2
    currency: str  # functional currency
    time_zone: str
    crm_business_unit: str


@dataclass(slots=True)
class PaymentTerms:
    id: int
    name: str
    net_days: int
    discount_percent: float = 0.0
    discount_days: int = 0
    instalments: tuple[tuple[int, int], ...] = ()  # (percent, days after the invoice date); empty = one due date


@dataclass(slots=True)
class Employee:
    """A sales person: a user of the CRM and owner of accounts."""

    id: int
    name: str
    email: str


@dataclass(slots=True)
class Party:
    """A real-world company: the truth that identity resolution tries to find."""

    id: int
    legal_name: str
    country: str
    street: str
    city: str
    state: str
    postal_code: str
    phone: str
    email: str
    website: str
    tax_id: str  # valid for its country (checksum included), "" where it has none
    parent_id: int | None
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class ErpCustomer:
    """One customer record in the ERP: a party in one legal entity and currency. `number` is what people quote."""

    id: int
    number: str
    party_id: int
    legal_entity_id: int
    currency: str
    terms_id: int
    credit_limit: int | None
    credit_hold: bool
    inactive: bool
    parent_id: int | None  # ERP customer of the parent party in the same legal entity
    created_at: datetime
    updated_at: datetime
    represents: int | None = None  # the legal entity of the group that this customer is; its debts are intercompany


@dataclass(slots=True)
class CrmAccount:
    """One account record in the CRM. A party may have several (duplicates), one, or none.

    `erp_number` is the explicit cross-reference that somebody typed, `tax_id` the deterministic evidence; a duplicate
    may carry neither. `primary` is the truth: the one account that shows the party's receivables.
    """

    id: int
    party_id: int
    name: str
    parent_id: int | None  # CRM account
    owner_id: int
    erp_number: str
    tax_id: str
    primary: bool
    country: str
    street: str
    city: str
    state: str
    postal_code: str
    phone: str
    website: str
    currency: str
    created_at: datetime
    updated_at: datetime
    deleted: bool = False
    merged_into: int | None = None


@dataclass(slots=True)
class CrmContact:
    id: int
    account_id: int
    first_name: str
    last_name: str
    email: str
    phone: str
    title: str
    updated_at: datetime


@dataclass(slots=True)
class CrmOpportunity:
    id: int
    account_id: int
    name: str
    stage: str
    amount: int
    currency: str
    close_date: date
    is_closed: bool
    is_won: bool
    updated_at: datetime


@dataclass(slots=True)
class ProcessorCustomer:
    """A customer at the payment processor; `erp_number` goes into its metadata, "" where nobody filled it in."""

    id: int
    party_id: int
    erp_customer_id: int
    erp_number: str
    name: str
    email: str
    currency: str
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class InvoiceLine:
    description: str
    quantity: int
    net: int
    tax: int


@dataclass(slots=True)
class Invoice:
    """`total` = net + tax. `instalments` are (due date, amount) and sum to `total`; one entry for simple terms."""

    id: int
    number: str
    erp_customer_id: int
    legal_entity_id: int
    currency: str
    exchange_rate: float  # document -> functional currency, as posted
    invoice_date: date
    due_date: date  # the last instalment's
    terms_id: int
    lines: tuple[InvoiceLine, ...]
    instalments: tuple[tuple[date, int], ...]
    total: int
    created_at: datetime
    updated_at: datetime
    voided_on: date | None = None
    void_journal_id: int | None = None
    dispute_reason: str = ""
    disputed_amount: int = 0


@dataclass(slots=True)
class CreditMemo:
    id: int
    number: str
    erp_customer_id: int
    legal_entity_id: int
    currency: str
    exchange_rate: float
    memo_date: date
    lines: tuple[InvoiceLine, ...]
    total: int
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class Payment:
    """Money received. What is not applied is unapplied cash. `charge_id` is set when a processor collected it.

    `discount` was taken for paying early: it settles as the `amount` does, and no money came in for it.
    """

    id: int
    number: str
    erp_customer_id: int
    legal_entity_id: int
    currency: str
    exchange_rate: float
    payment_date: date
    amount: int
    channel: Literal["wire", "check", "card"]
    created_at: datetime
    updated_at: datetime
    charge_id: int | None = None
    discount: int = 0


@dataclass(slots=True)
class Journal:
    """A journal entry on the receivables account of one customer.

    It takes off what is owed (a void invoice reversed, one written off), or adds to it: a chargeback is the customer's
    debt again, and a recovery puts back what was written off for the money that came after all.
    """

    id: int
    number: str
    kind: Literal["void", "write_off", "chargeback", "recovery"]
    invoice_id: int
    erp_customer_id: int
    legal_entity_id: int
    currency: str
    exchange_rate: float
    journal_date: date
    amount: int
    created_at: datetime
    updated_at: datetime
    dispute_id: int | None = None  # the processor's, of a chargeback


@dataclass(slots=True)
class Deposit:
    """Money on account before any invoice: a liability, in no receivable until it is applied."""

    id: int
    number: str
    erp_customer_id: int
    legal_entity_id: int
    currency: str
    exchange_rate: float
    deposit_date: date
    amount: int
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class DepositApplication:
    """A document of its own, with an id of the deposits': `amount` leaves the liability and settles an invoice."""

    id: int
    number: str
    deposit_id: int
    invoice_id: int
    erp_customer_id: int
    legal_entity_id: int
    currency: str
    exchange_rate: float  # the deposit's
    applied_on: date
    amount: int
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class CustomerRefund:
    """Money given back: consumes the open part of a payment or a credit memo (`source_id`)."""

    id: int
    number: str
    erp_customer_id: int
    legal_entity_id: int
    currency: str
    exchange_rate: float
    refund_date: date
    amount: int
    source_type: Literal["payment", "credit_memo"]
    source_id: int
    created_at: datetime
    updated_at: datetime
    processor_refund_id: int | None = None


@dataclass(slots=True)
class Application:
    """`amount` of a payment, credit memo or journal (`source`) set against an invoice on a business date."""

    id: int
    source_type: Literal["payment", "credit_memo", "journal"]
    source_id: int
    invoice_id: int
    amount: int
    applied_on: date
    updated_at: datetime


@dataclass(slots=True)
class DebtApplication:
    """`amount` of a payment set against a journal that adds to what is owed. Ids are the applications'."""

    id: int
    payment_id: int
    journal_id: int
    amount: int
    applied_on: date
    updated_at: datetime


@dataclass(slots=True)
class ProcessorCharge:
    """A card payment at the processor: gross `amount`, its `fee`, the payout it was settled in."""

    id: int
    processor_customer_id: int
    invoice_number: str
    payment_number: str  # ERP payment it became; "" when the ERP has not recorded it (a reconciliation finding)
    amount: int
    fee: int
    currency: str
    created_at: datetime
    updated_at: datetime
    succeeded: bool = True
    failure_code: str = ""
    payout_id: int | None = None
    refunded: int = 0
    disputed: bool = False


@dataclass(slots=True)
class ProcessorRefund:
    id: int
    charge_id: int
    amount: int
    currency: str
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class ProcessorDispute:
    id: int
    charge_id: int
    amount: int
    currency: str
    reason: str
    status: Literal["needs_response", "under_review", "won", "lost"]
    created_at: datetime
    updated_at: datetime
    payout_id: int | None = None  # the payout that its withdrawal was taken from, where it is known


@dataclass(slots=True)
class Payout:
    id: int
    currency: str
    amount: int  # net of fees, refunds and disputes
    arrival_date: date
    status: Literal["in_transit", "paid"]
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class Deletion:
    """A record that is gone for good (the ERP's deleted-record log)."""

    record_type: Literal["payment", "credit_memo", "journal"]
    record_id: int
    number: str
    deleted_at: datetime


@dataclass(slots=True)
class Delta:
    """New and changed records, each whole; seeding is a series of deltas and so is every advance of time.

    A vendor's `project(store, delta)` upserts by id. Applications carry both ends by id; the ends' own records are in
    the same delta whenever the application changed them (an applied invoice has a new `updated_at`).
    """

    legal_entities: list[LegalEntity] = field(default_factory=list)
    payment_terms: list[PaymentTerms] = field(default_factory=list)
    employees: list[Employee] = field(default_factory=list)
    parties: list[Party] = field(default_factory=list)
    erp_customers: list[ErpCustomer] = field(default_factory=list)
    crm_accounts: list[CrmAccount] = field(default_factory=list)
    crm_contacts: list[CrmContact] = field(default_factory=list)
    crm_opportunities: list[CrmOpportunity] = field(default_factory=list)
    processor_customers: list[ProcessorCustomer] = field(default_factory=list)
    invoices: list[Invoice] = field(default_factory=list)
    credit_memos: list[CreditMemo] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    journals: list[Journal] = field(default_factory=list)
    customer_refunds: list[CustomerRefund] = field(default_factory=list)
    applications: list[Application] = field(default_factory=list)
    deposits: list[Deposit] = field(default_factory=list)
    deposit_applications: list[DepositApplication] = field(default_factory=list)
    debt_applications: list[DebtApplication] = field(default_factory=list)
    processor_charges: list[ProcessorCharge] = field(default_factory=list)
    processor_refunds: list[ProcessorRefund] = field(default_factory=list)
    processor_disputes: list[ProcessorDispute] = field(default_factory=list)
    payouts: list[Payout] = field(default_factory=list)
    deletions: list[Deletion] = field(default_factory=list)
    exchange_rates: dict[str, float] = field(
        default_factory=dict
    )  # currency -> USD per unit, as the ERP's table has it
