"""Lines and general ledger postings of one document, balanced in the legal entity's currency.

Signs as NetSuite keeps them: a line's `foreignamount` is positive where the posting is a debit, so that item and tax
lines of an invoice are negative and its main line (receivable) is positive; a credit memo is the mirror image. The
receivable line takes the rounded total; rounding that is left over goes to the last of the other lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..ids import CONTROLS, account_id

LineRow = tuple[int, int, int, int | None, int | None, int, str, str, str | None, float | None, float | None, int, int]
PostingRow = tuple[int, int, int, int, str, int, int | None, int | None, float]
LINE_COLUMNS = (
    "transaction id linesequencenumber item entity subsidiary mainline taxline memo quantity rate foreignamount"
    " netamount"
)
POSTING_COLUMNS = "transaction transactionline accountingbook account posting amount debit credit exchangerate"
_SCALE = 10**10


class Part(NamedTuple):
    """One line before numbering: `role` of its account, signed amount in hundredths."""

    role: str
    amount: int
    memo: str | None = None
    item: int | None = None
    quantity: float | None = None
    tax: bool = False


class Head(NamedTuple):
    """What the lines of a document share. `step`: smallest functional amount in hundredths (100 for yen)."""

    transaction: int
    entity: int | None
    subsidiary: int
    rate: float
    step: int


def functional(amount: int, rate: float, step: int) -> int:
    """Document amount to functional currency, rounded half up (away from zero) at `step`, without floats."""
    if rate == 1.0 and step == 1:
        return amount
    scaled = abs(amount) * round(rate * _SCALE)
    rounded = (2 * scaled + _SCALE * step) // (2 * _SCALE * step) * step
    return -rounded if amount < 0 else rounded


def difference(amount: int, rate: float, own: float, step: int) -> int:
    """What an amount comes to at the difference of two rates, rounded as `functional` does."""
    scaled = amount * (round(rate * _SCALE) - round(own * _SCALE))
    rounded = (2 * abs(scaled) + _SCALE * step) // (2 * _SCALE * step) * step
    return -rounded if scaled < 0 else rounded


def lines_of(head: Head, parts: Sequence[Part]) -> tuple[list[LineRow], list[PostingRow]]:
    """Line 0 is the main line. Amounts of `parts` sum to zero, and so do the postings."""
    values = [functional(part.amount, head.rate, head.step) for part in parts]
    receivable = next((i for i, part in enumerate(parts) if part.role in CONTROLS), 0)
    sink = max((i for i in range(len(parts)) if i != receivable and not parts[i].tax), default=1 - receivable)
    values[sink] -= sum(values)
    lines: list[LineRow] = []
    postings: list[PostingRow] = []
    for number, (part, value) in enumerate(zip(parts, values, strict=True)):
        price = abs(part.amount) / 100 / abs(part.quantity) if part.quantity else None
        lines.append(
            (
                head.transaction, number, number, part.item, head.entity, head.subsidiary, "F" if number else "T",
                "T" if part.tax else "F", part.memo, part.quantity, price, part.amount, value,
            )
        )  # fmt: skip
        debit, credit = (value, None) if value >= 0 else (None, -value)
        account = account_id(head.subsidiary, part.role)
        postings.append((head.transaction, number, 1, account, "T", value, debit, credit, head.rate))
    return lines, postings
