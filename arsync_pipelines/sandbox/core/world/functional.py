"""Receivables in the currency of each legal entity's books, from the world's documents and their posted rates alone.

A document counts at its own rate. Of an application between documents at different rates the difference is realised:
(rate of what settles - rate of what is settled) x amount. What is settled whole is so in both currencies, so that the
rounding left of it is realised too. Month's ends are not part of it: what they add the next day takes back.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

from .company import LEGAL_ENTITIES
from .rare_documents import DEBTS
from .records import MINOR_UNITS
from .store import WorldStore

_ENTITY = {entity.id: entity for entity in LEGAL_ENTITIES}
_POSTED = (
    ("invoice", "invoices", "invoice_date", "total", 1),
    ("payment", "payments", "payment_date", "amount + discount", -1),
    ("credit_memo", "credit_memos", "memo_date", "total", -1),
    ("journal", f"(select * from journals where kind not in {DEBTS})", "journal_date", "amount", -1),
    ("debt", f"(select * from journals where kind in {DEBTS})", "journal_date", "amount", 1),
    ("deposit", "deposit_applications", "applied_on", "amount", -1),
    ("refund", "customer_refunds", "refund_date", "amount", 1),
)
_SETTLED = """
select 'invoice', invoice_id, source_type, source_id, sum(amount) from applications where applied_on <= ?
group by invoice_id, source_type, source_id
"""
_SETTLED_BY_DEPOSIT = """
select 'invoice', invoice_id, 'deposit', id, amount from deposit_applications where applied_on <= ?
"""
_DEBTS_SETTLED = """
select 'debt', journal_id, 'payment', payment_id, amount from debt_applications where applied_on <= ?
"""
_REFUNDED = "select 'refund', id, source_type, source_id, amount from customer_refunds where refund_date <= ?"
_APPLIED = (_SETTLED, _SETTLED_BY_DEPOSIT, _DEBTS_SETTLED, _REFUNDED)
Key = tuple[str, int]


def half_up(value: Fraction) -> int:
    """To the nearest integer; a half goes away from zero."""
    magnitude = (abs(value) * 2 + 1) // 2
    return int(magnitude) if value >= 0 else -int(magnitude)


def receivables(store: WorldStore, as_of: int) -> dict[int, tuple[int, int]]:
    """Per legal entity what its control account holds on a day (an ordinal), and what of it was realised so far.

    In minor units of the legal entity's currency.
    """
    documents: dict[Key, tuple[int, Fraction, int]] = {}
    left: dict[Key, int] = {}
    for kind, table, day, amount, sign in _POSTED:
        for number, entity, currency, rate, total in store.rows(
            f"select id, legal_entity_id, currency, exchange_rate, {amount} from {table} where {day} <= ?"
            " and id not in (select record_id from deletions where record_type = ?)",
            (as_of, kind),
        ):
            scale = Fraction(10 ** MINOR_UNITS[_ENTITY[entity].currency], 10 ** MINOR_UNITS[currency])
            documents[kind, number] = (entity, Fraction(str(rate)) * scale, total)
            left[kind, number] = sign * half_up(total * documents[kind, number][1])
    held: dict[int, int] = defaultdict(int)
    for key, posted in left.items():
        held[documents[key][0]] += posted
    realised: dict[int, int] = defaultdict(int)
    settled: dict[Key, int] = defaultdict(int)
    rows = [row for query in _APPLIED for row in store.rows(query, (as_of,))]
    for kind, number, source_kind, source, amount in rows:
        debit, credit = (kind, number), (source_kind, source)
        entity, rate, _total = documents[credit]
        difference = half_up(amount * (rate - documents[debit][1]))
        realised[entity] += difference
        left[debit] += difference - half_up(amount * rate)
        left[credit] += half_up(amount * rate)
        for end in (debit, credit):
            settled[end] += amount
    for key, (entity, _rate, total) in documents.items():
        if settled[key] == total:
            realised[entity] -= left[key]
    return {entity: (held[entity] + realised[entity], realised[entity]) for entity in held}
