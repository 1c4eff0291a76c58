"""The source-of-truth matrix: which side owns which group of fields, as data that code and documentation both read.

Ownership is by field group. Fields are canonical names, `<object>.<field>`; a field that stands in no group is owned by
nobody, and nobody may overwrite it. What a vendor calls a field is its connector's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Owner = Literal["crm", "erp", "processor", "collections"]


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """One row of the matrix. `flow` says where values travel, `timing` how soon; `fields` those that arsync knows."""

    name: str
    owner: Owner
    flow: str
    timing: str
    fields: frozenset[str] = frozenset()


def _fields(object_name: str, names: str) -> frozenset[str]:
    return frozenset(f"{object_name}.{name}" for name in names.split())


_BALANCES = (
    "open_balance overdue_balance current days_1_30 days_31_60 days_61_90 days_91_plus unapplied oldest_due_date "
    "as_of_date"
)
_TERMS = "payment_terms credit_limit credit_available over_limit credit_hold currency"

MATRIX: tuple[FieldGroup, ...] = (
    FieldGroup(
        "account name, hierarchy, owner, contacts, opportunity",
        "crm",
        "CRM -> ERP",
        "near real time",
        _fields("account", "name account_number parent_id owner_id type phone website")
        | _fields("contact", "account_id first_name last_name email phone title")
        | _fields("opportunity", "account_id name stage_name amount close_date is_closed is_won"),
    ),
    FieldGroup(
        "legal name, tax registration, bill-to, payer",
        "erp",
        "CRM -> ERP with approval",
        "on approval",
        _fields("account", "tax_registration"),
    ),
    FieldGroup(
        "payment terms, credit limit, credit hold, currency",
        "erp",
        "ERP -> CRM",
        "near real time",
        _fields("account", _TERMS) | _fields("account_balance", _TERMS),
    ),
    FieldGroup(
        "ERP customer number",
        "erp",
        "ERP -> CRM, once",
        "on creation",
        _fields("account", "erp_customer_id") | _fields("account_balance", "erp_customer_id"),
    ),
    FieldGroup("sales order release", "erp", "CRM proposes, ERP releases; status back", "near real time"),
    FieldGroup(
        "invoice, credit memo, payment, application, balance, aging",
        "erp",
        "ERP -> CRM",
        "near real time + nightly proof",
        _fields("account", f"{_BALANCES} average_days_to_pay last_payment_date last_payment_amount")
        | _fields("account_balance", f"external_id account_id legal_entity {_BALANCES}")
        | _fields(
            "invoice",
            "external_id account_id number legal_entity invoice_date due_date currency total_amount open_amount status "
            "aging_bucket link",
        ),
    ),
    FieldGroup(
        "payment processor charge, refund, chargeback, payout",
        "processor",
        "processor -> reconciliation",
        "near real time",
        _fields("charge", "amount amount_captured amount_refunded status")
        | _fields("refund", "amount status")
        | _fields("dispute", "amount reason status")
        | _fields("payout", "amount status arrival_date"),
    ),
    FieldGroup(
        "dunning level, collections status, promise to pay",
        "collections",
        "collections platform, else ERP -> CRM and ERP",
        "near real time",
        _fields("account", "collections_status promise_date") | _fields("invoice", "dunning_level"),
    ),
    FieldGroup("dispute: existence, narrative, contact", "crm", "both ways", "near real time"),
    FieldGroup(
        "dispute: reason code, hold, resolution, amount",
        "erp",
        "ERP -> CRM, service desk",
        "near real time",
        _fields("account", "disputed") | _fields("account_balance", "disputed") | _fields("invoice", "disputed_amount"),
    ),
)

_OWNERS: dict[str, Owner] = {field: group.owner for group in MATRIX for field in group.fields}


def owner_of(object_name: str, field: str) -> Owner | None:
    """Who owns a canonical field; None when no group names it."""
    return _OWNERS.get(f"{object_name}.{field}")


RECEIVABLES: frozenset[Owner] = frozenset({"erp", "collections"})
"""Whose fields travel to a CRM with receivables."""


def not_owned_by(owners: frozenset[Owner], object_name: str, fields: frozenset[str]) -> list[str]:
    """Those of `fields` that none of `owners` has a right to write, in order of name."""
    return sorted(field for field in fields if owner_of(object_name, field) not in owners)
