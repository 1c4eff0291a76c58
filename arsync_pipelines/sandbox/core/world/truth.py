"""The right answer: what the CRM must show on a day, computed in plain Python from the world's own books.

Rows are dicts ready for JSON: money as decimal text at the currency's minor unit, dates ISO, None for nothing. Ids are
the world's (`world_id`, `account_id`, ...); the control port adds the vendors' own.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any

from .company import LEGAL_ENTITIES, TERMS_BY_ID, USD_RATES
from .functional import half_up, receivables
from .positions import BUCKET_LABELS, BUCKETS, CustomerPosition, Positions, bucket
from .records import MINOR_UNITS, CrmAccount, ErpCustomer, Party, ProcessorCustomer
from .store import WorldStore

REPORTING_CURRENCY = "USD"
_RATES = {currency: Fraction(str(rate)) for currency, rate in USD_RATES.items()}
_ENTITY_NAMES = {entity.id: entity.name for entity in LEGAL_ENTITIES}

# every value of an account that shows receivables, in the CRM's canonical names
ACCOUNT_FIELDS = (
    "erp_customer_id",
    "open_balance",
    "overdue_balance",
    *BUCKETS,
    "unapplied",
    "disputed",
    "credit_limit",
    "credit_available",
    "over_limit",
    "credit_hold",
    "payment_terms",
    "collections_status",
    "promise_date",
    "average_days_to_pay",
    "last_payment_date",
    "last_payment_amount",
    "oldest_due_date",
    "currency",
    "as_of_date",
)


def convert(amount: int, source: str, target: str) -> int:
    """Minor units of `source` to minor units of `target` at the world's rates, rounded half up once."""
    if source == target:
        return amount
    scale = Fraction(10 ** MINOR_UNITS[target], 10 ** MINOR_UNITS[source])
    return half_up(amount * _RATES[source] / _RATES[target] * scale)


def money(amount: int | None, currency: str) -> str | None:
    """Decimal text: 1234 USD -> "12.34", 1234 JPY -> "1234"."""
    if amount is None:
        return None
    digits = MINOR_UNITS[currency]
    if digits == 0:
        return str(amount)
    sign, whole = ("-" if amount < 0 else ""), abs(amount)
    return f"{sign}{whole // 10**digits}.{whole % 10**digits:0{digits}d}"


def _iso(day: int | None) -> str | None:
    return None if day is None else date.fromordinal(day).isoformat()


class Truth:
    """All answers as of one business day; reads the ledger once."""

    def __init__(self, store: WorldStore, as_of: date) -> None:
        self.as_of = as_of
        self._store = store
        with store.lock:
            self._positions = Positions(store, as_of)
            self._customers = store.all(ErpCustomer)
            self._accounts = store.all(CrmAccount)
        self._by_party: dict[int, list[ErpCustomer]] = defaultdict(list)
        for customer in self._customers:
            self._by_party[customer.party_id].append(customer)
        self._primary = {item.party_id: item.id for item in self._accounts if item.primary and not item.deleted}

    @cached_property
    def accounts(self) -> list[dict[str, Any]]:
        """Every live CRM account: world_id, name, party_id and ACCOUNT_FIELDS, all None unless it shows receivables."""
        rows = []
        for account in self._accounts:
            if account.deleted:
                continue
            shows = self._primary.get(account.party_id) == account.id and self._by_party.get(account.party_id)
            values = self._account(self._by_party[account.party_id]) if shows else dict.fromkeys(ACCOUNT_FIELDS)
            rows.append({"world_id": account.id, "name": account.name, "party_id": account.party_id, **values})
        return rows

    def _account(self, customers: list[ErpCustomer]) -> dict[str, Any]:
        currencies = {customer.currency for customer in customers}
        target = currencies.pop() if len(currencies) == 1 else REPORTING_CURRENCY
        positions = [(self._positions.customers[customer.id], customer.currency) for customer in customers]
        buckets = [sum(convert(p.buckets[i], own, target) for p, own in positions) for i in range(5)]
        unapplied = sum(convert(p.unapplied, own, target) for p, own in positions)
        limits = [convert(c.credit_limit, c.currency, target) for c in customers if c.credit_limit is not None]
        payments = [(p.last_payment, own) for p, own in positions if p.last_payment is not None]
        last = max(payments, key=lambda item: (item[0].day, item[0].id)) if payments else None
        oldest = [p.oldest_due for p, _ in positions if p.oldest_due is not None]
        balance = sum(buckets) + unapplied
        return {
            "erp_customer_id": min(customer.number for customer in customers),
            **_amounts(buckets, unapplied, target),
            "disputed": money(sum(convert(p.disputed, own, target) for p, own in positions), target),
            "credit_limit": money(sum(limits) if limits else None, target),
            "credit_available": money(sum(limits) - balance if limits else None, target),
            "over_limit": bool(limits) and balance > sum(limits),
            "credit_hold": any(customer.credit_hold for customer in customers),
            "payment_terms": "; ".join(sorted({TERMS_BY_ID[customer.terms_id].name for customer in customers})),
            # nobody in this world promises, and its ERP does not dun
            "collections_status": None,
            "promise_date": None,
            "average_days_to_pay": _average_days(positions),
            "last_payment_date": _iso(last[0].day) if last else None,
            "last_payment_amount": money(convert(last[0].amount, last[1], target), target) if last else None,
            "oldest_due_date": _iso(min(oldest)) if oldest else None,
            "currency": target,
            "as_of_date": self.as_of.isoformat(),
        }

    @cached_property
    def balances(self) -> list[dict[str, Any]]:
        """One row per ERP customer of an account that shows receivables, in the customer's own currency."""
        rows = []
        for customer in self._customers:
            account_id = self._primary.get(customer.party_id)
            if account_id is None:
                continue
            position, currency = self._positions.customers[customer.id], customer.currency
            limit = customer.credit_limit
            rows.append(
                {
                    "world_id": customer.id,
                    "account_id": account_id,
                    "legal_entity": _ENTITY_NAMES[customer.legal_entity_id],
                    "currency": currency,
                    "erp_customer_id": customer.number,
                    **_amounts(position.buckets, position.unapplied, currency),
                    "disputed": money(position.disputed, currency),
                    "credit_limit": money(limit, currency),
                    "credit_available": money(None if limit is None else limit - position.open_balance, currency),
                    "over_limit": limit is not None and position.open_balance > limit,
                    "credit_hold": customer.credit_hold,
                    "payment_terms": TERMS_BY_ID[customer.terms_id].name,
                    "oldest_due_date": _iso(position.oldest_due),
                    "as_of_date": self.as_of.isoformat(),
                }
            )
        return rows

    @cached_property
    def invoices(self) -> list[dict[str, Any]]:
        """Every invoice of customers whose account shows receivables."""
        owner = {customer.id: self._primary.get(customer.party_id) for customer in self._customers}
        rows = []
        for item in self._positions.invoices:
            account_id = owner[item.erp_customer_id]
            if account_id is None:
                continue
            oldest = item.open_items[0][0] if item.open_items else None
            aging = None if oldest is None else BUCKET_LABELS[bucket(self._positions.as_of - oldest)]
            rows.append(
                {
                    "world_id": item.id,
                    "account_id": account_id,
                    "number": item.number,
                    "legal_entity": _ENTITY_NAMES[item.legal_entity_id],
                    "invoice_date": _iso(item.invoice_date),
                    "due_date": _iso(item.due_date),
                    "currency": item.currency,
                    "total_amount": money(item.total, item.currency),
                    "open_amount": money(item.open, item.currency),
                    "status": item.status(self._positions.as_of),
                    "aging_bucket": aging,
                    "disputed_amount": money(item.disputed_amount, item.currency),
                    "dunning_level": None,
                }
            )
        return rows

    @cached_property
    def tieout(self) -> list[dict[str, Any]]:
        """Per (legal entity, document currency): aging_total (items), subledger (documents), gl_control, difference."""
        aging: dict[tuple[int, str], int] = defaultdict(int)
        posted: dict[tuple[int, str], int] = defaultdict(int)
        for customer in self._customers:
            position = self._positions.customers[customer.id]
            key = (customer.legal_entity_id, customer.currency)
            aging[key] += position.open_balance
            posted[key] += position.general_ledger
        return [
            {
                "legal_entity": _ENTITY_NAMES[entity],
                "currency": currency,
                "aging_total": money(aging[entity, currency], currency),
                "subledger": money(posted[entity, currency], currency),
                "gl_control": money(posted[entity, currency], currency),
                "difference": money(aging[entity, currency] - posted[entity, currency], currency),
            }
            for entity, currency in sorted(aging)
        ]

    @cached_property
    def tieout_functional(self) -> list[dict[str, Any]]:
        """Per legal entity in its own currency: gl_control, and what of it was realised by settling at other rates."""
        currencies = {entity.id: entity.currency for entity in LEGAL_ENTITIES}
        return [
            {
                "legal_entity": _ENTITY_NAMES[entity],
                "currency": currencies[entity],
                "gl_control": money(held, currencies[entity]),
                "realised": money(realised, currencies[entity]),
            }
            for entity, (held, realised) in sorted(receivables(self._store, self.as_of.toordinal()).items())
        ]

    @cached_property
    def parties(self) -> list[dict[str, Any]]:
        """Which records are the same company: per party its CRM accounts, ERP customers and processor customers."""
        accounts: dict[int, list[int]] = defaultdict(list)
        for account in self._accounts:
            accounts[account.party_id].append(account.id)
        processors: dict[int, list[int]] = defaultdict(list)
        for item in self._store.all(ProcessorCustomer):
            processors[item.party_id].append(item.id)
        return [
            {
                "world_id": party.id,
                "legal_name": party.legal_name,
                "country": party.country,
                "tax_id": party.tax_id,
                "parent_id": party.parent_id,
                "account_ids": accounts.get(party.id, []),
                "primary_account_id": self._primary.get(party.id),
                "erp_customer_ids": [customer.id for customer in self._by_party.get(party.id, [])],
                "erp_numbers": [customer.number for customer in self._by_party.get(party.id, [])],
                "processor_customer_ids": processors.get(party.id, []),
            }
            for party in self._store.all(Party)
        ]


def _amounts(buckets: list[int], unapplied: int, currency: str) -> dict[str, str | None]:
    return {
        "open_balance": money(sum(buckets) + unapplied, currency),
        "overdue_balance": money(sum(buckets[1:]), currency),
        **{name: money(amount, currency) for name, amount in zip(BUCKETS, buckets, strict=True)},
        "unapplied": money(unapplied, currency),
    }


def _average_days(positions: list[tuple[CustomerPosition, str]]) -> str | None:
    """Days from invoice to last application, weighted by the invoice's unrounded value in USD; one decimal, half up."""
    weighted = amount = Fraction(0)
    for position, currency in positions:
        rate = _RATES[currency] / 10 ** MINOR_UNITS[currency]
        weighted += position.paid_weighted * rate
        amount += position.paid_amount * rate
    if not amount:
        return None
    tenths = half_up(weighted / amount * 10)
    return f"{tenths // 10}.{tenths % 10}"
