"""The canonical AR fields that Salesforce carries, their kinds, and the API names they have unless mapped otherwise.

What is configured per connection is options.py's; raw columns are spec.py's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Kind = Literal["money", "number", "integer", "boolean", "date", "text", "link", "reference"]

NUMBERS: frozenset[Kind] = frozenset({"money", "number", "integer"})
"""Kinds that travel as decimals."""

_AMOUNTS: dict[str, Kind] = {
    "open_balance": "money",
    "overdue_balance": "money",
    "current": "money",
    "days_1_30": "money",
    "days_31_60": "money",
    "days_61_90": "money",
    "days_91_plus": "money",
    "unapplied": "money",
    "disputed": "money",
    "credit_limit": "money",
    "credit_available": "money",
    "over_limit": "boolean",
    "credit_hold": "boolean",
    "payment_terms": "text",
}

ACCOUNT: Mapping[str, Kind] = {
    "erp_customer_id": "text",
    **_AMOUNTS,
    "collections_status": "text",
    "promise_date": "date",
    "average_days_to_pay": "number",
    "last_payment_date": "date",
    "last_payment_amount": "money",
    "oldest_due_date": "date",
    "currency": "text",
    "as_of_date": "date",
}
ACCOUNT_BALANCE: Mapping[str, Kind] = {
    "external_id": "text",
    "account_id": "reference",
    "legal_entity": "text",
    "currency": "text",
    "erp_customer_id": "text",
    **_AMOUNTS,
    "oldest_due_date": "date",
    "as_of_date": "date",
}
INVOICE: Mapping[str, Kind] = {
    "external_id": "text",
    "account_id": "reference",
    "number": "text",
    "legal_entity": "text",
    "invoice_date": "date",
    "due_date": "date",
    "currency": "text",
    "total_amount": "money",
    "open_amount": "money",
    "status": "text",
    "aging_bucket": "text",
    "disputed_amount": "money",
    "dunning_level": "integer",
    "link": "link",
}

KINDS: Mapping[str, Mapping[str, Kind]] = {
    "account": ACCOUNT,
    "account_balance": ACCOUNT_BALANCE,
    "invoice": INVOICE,
}
"""Canonical object -> canonical field -> kind, in the order in which objects must be written (parents first)."""

OBJECTS: Mapping[str, str] = {
    "account": "Account",
    "account_balance": "AR_Account_Balance__c",
    "invoice": "AR_Invoice__c",
}
"""Canonical object -> default object API name."""

READ_ONLY: Mapping[str, tuple[str, ...]] = {"account": ("tax_registration",)}
"""Mapped fields that people fill and arsync only reads."""

TRACKED: Mapping[str, tuple[str, ...]] = {
    "account": (
        "open_balance",
        "overdue_balance",
        "credit_hold",
        "credit_limit",
        "payment_terms",
        "disputed",
        "collections_status",
        "promise_date",
        "unapplied",
        "erp_customer_id",
    ),
    "account_balance": (
        "open_balance",
        "overdue_balance",
        "credit_hold",
        "credit_limit",
        "payment_terms",
        "disputed",
        "unapplied",
        "account_id",
        "erp_customer_id",
        "legal_entity",
        "currency",
    ),
    "invoice": (
        "open_amount",
        "status",
        "disputed_amount",
        "due_date",
        "total_amount",
        "dunning_level",
        "account_id",
        "number",
        "invoice_date",
        "legal_entity",
        "currency",
    ),
}
"""Fields whose history an org is asked to keep, those first that matter most: an org keeps that of 20 fields of an
object, and on Account some of them are for its own people to choose. What people edit is here. Aging buckets and what
follows from other fields are not: nobody types them in, they move with time, and whatever we push becomes history too.
"""

PROTECTED = frozenset({"external_id", "account_id"})
"""What makes a record itself; cleared never."""


def _title(name: str) -> str:
    """`days_1_30` -> `Days_1_30`."""
    return "_".join(part.capitalize() for part in name.split("_"))


_SPECIAL = {"account_id": "Account__c", "erp_customer_id": "ERP_Customer_Id__c"}

DEFAULT_NAMES: Mapping[str, Mapping[str, str]] = {
    "account": {name: _SPECIAL.get(name, f"AR_{_title(name)}__c") for name in ACCOUNT}
    | {"tax_registration": "Tax_Registration__c"},
    "account_balance": {name: _SPECIAL.get(name, f"{_title(name)}__c") for name in ACCOUNT_BALANCE},
    "invoice": {name: _SPECIAL.get(name, f"{_title(name)}__c") for name in INVOICE},
}
"""Canonical object -> canonical field -> default field API name."""
