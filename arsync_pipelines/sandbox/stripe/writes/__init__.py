"""What can be written through the API, one module per family of objects. Reading is in ../read.py."""

from . import billing, customers, endpoints, invoices, payments, payouts, reversals
from .operation import Call, Operation

OPERATIONS: tuple[Operation, ...] = (
    *customers.OPERATIONS,
    *invoices.OPERATIONS,
    *billing.OPERATIONS,
    *payments.OPERATIONS,
    *reversals.OPERATIONS,
    *payouts.OPERATIONS,
    *endpoints.OPERATIONS,
)

__all__ = ["OPERATIONS", "Call", "Operation"]
