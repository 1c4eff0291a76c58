"""Teams that findings, failures and cases are assigned to, by the names that reconciliation uses for owners."""

from __future__ import annotations

from typing import Literal

Team = Literal[
    "accounts_receivable",
    "cash_application",
    "collections",
    "data_engineering",
    "finance_systems",
    "sales_operations",
    "tax",
]
