"""Tryton's codes in the taxonomy: the names of the exceptions that its JSON-RPC tells (errors.py)."""

from __future__ import annotations

from arsync_pipelines.domain.push import FailureClass
from arsync_pipelines.domain.taxonomy import Failure

FAILURES: tuple[Failure, ...] = (
    Failure("UserError", FailureClass.BUSINESS, "a rule of Tryton refuses the record", "accounts_receivable", 24,
            "correct what the message names, then `arsync cases replay`", "tryton"),
    Failure("UserWarning", FailureClass.BUSINESS, "Tryton wants a person to confirm this", "accounts_receivable", 24,
            "do it by hand in Tryton, or correct the record, then `arsync cases replay`", "tryton"),
    Failure("ConcurrencyException", FailureClass.TRANSIENT, "somebody else changed the record at the same time",
            "data_engineering", 4, "nothing while it is retried", "tryton"),
    Failure("LoginException", FailureClass.PERMANENT, "user or password is not accepted", "data_engineering", 4,
            "correct user and password of the connection", "tryton"),
    Failure("Exception", FailureClass.PERMANENT, "the server failed; the message is its exception", "finance_systems",
            8, "read the server's log at that time, then `arsync cases replay`", "tryton"),
)  # fmt: skip
