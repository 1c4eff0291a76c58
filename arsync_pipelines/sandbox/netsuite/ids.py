"""Internal ids: the world's records and those made through the API never meet."""

from __future__ import annotations

from ..core.world.records import MINOR_UNITS

INVOICE, CREDIT_MEMO, PAYMENT, JOURNAL, REFUND = 1, 2, 3, 4, 5
# 6 is for revaluations; deposits and their applications share the world's ids
DEPOSIT = 7
_TRANSACTIONS = {
    "invoice": INVOICE,
    "credit_memo": CREDIT_MEMO,
    "payment": PAYMENT,
    "journal": JOURNAL,
    "customer_refund": REFUND,
    "deposit": DEPOSIT,
}
CURRENCIES = {code: number for number, code in enumerate(sorted(MINOR_UNITS, key=lambda c: (c != "USD", c)), start=1)}
CURRENCY_NAMES = {"USD": "US Dollar", "EUR": "Euro", "GBP": "British Pound", "JPY": "Japanese Yen"}
# one account of each role per legal entity
ACCOUNTS = {
    "receivable": (1, "1200", "AcctRec", "Accounts Receivable"),
    "revenue": (2, "4000", "Income", "Sales"),
    "tax": (3, "2200", "OthCurrLiab", "Sales Taxes Payable"),
    "bank": (4, "1000", "Bank", "Operating Account"),
    "clearing": (5, "1050", "OthCurrAsset", "Card Clearing"),
    "write_off": (6, "6400", "Expense", "Bad Debt Expense"),
    "realised": (7, "7010", "OthIncome", "Realized Gain/Loss"),
    "unrealised": (8, "7020", "OthIncome", "Unrealized Gain/Loss"),
    "rounding": (9, "7030", "OthIncome", "Rounding Gain/Loss"),
    "deposits": (10, "2100", "OthCurrLiab", "Customer Deposits"),
    "discount": (11, "4900", "Income", "Sales Discounts"),
    "intercompany": (12, "1210", "AcctRec", "Intercompany Receivable"),
}
_ROLES = {number: role for role, (number, *_) in ACCOUNTS.items()}
CONTROLS = ("receivable", "intercompany")
"""Control accounts: of customers, and of the legal entities of the group."""


def transaction_id(kind: int, world_id: int) -> int:
    """Transactions share one sequence; the remainder modulo 8 tells the type, 0 is for those made through the API."""
    return world_id * 8 + kind


def revaluation_id(number: int) -> int:
    return number * 8 + 6


def customer_id(world_id: int) -> int:
    """Even; customers made through the API are odd."""
    return world_id * 2


def account_id(subsidiary: int, role: str) -> int:
    tens, units = divmod(ACCOUNTS[role][0], 10)
    return tens * 1000 + subsidiary * 10 + units


def role_of(account: int) -> str:
    """What an account is for. Raises KeyError for one that no subsidiary has."""
    return _ROLES[account // 1000 * 10 + account % 10]


def internal_id(record_type: str, world_id: int) -> int:
    """Raises KeyError for record types that the ERP does not hold."""
    if record_type in _TRANSACTIONS:
        return transaction_id(_TRANSACTIONS[record_type], world_id)
    return {
        "erp_customer": customer_id(world_id),
        "legal_entity": world_id,
        "payment_terms": world_id,
        "employee": world_id,
    }[record_type]


def charge_id(world_id: int) -> str:
    """How the payment processor names a charge of the world; kept as the external id of the payment."""
    return f"ch_{world_id:014d}"


def refund_id(world_id: int) -> str:
    return f"re_{world_id:014d}"


def dispute_id(world_id: int) -> str:
    return f"du_{world_id:014d}"
