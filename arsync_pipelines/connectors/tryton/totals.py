"""What Tryton itself counts and sums: records of any model, and what parties owe (a field that it computes)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from arsync_pipelines.connectors.tryton.client import TrytonRpc
from arsync_pipelines.connectors.tryton.values import plain
from arsync_pipelines.ports.source import ControlTotal

COUNTED = ("party", "invoice", "move", "move_line", "reconciliation")

_EVER = date(9999, 12, 31)
"""Asked as of then, a line that is reconciled at all is settled: the answer does not depend on today."""


def receivable_total(rpc: TrytonRpc, page_rows: int) -> ControlTotal | None:
    """Parties with unreconciled lines on receivable accounts that do not cancel out, and the sum of what they owe.

    In the company's currency, drafts included. None where Tryton would answer for another company than the one that is
    read: it sums for the user's own, whatever the context says.
    """
    if rpc.context["company"] != rpc.own_company:
        return None
    rows, total, after = 0, Decimal(0), 0
    while True:
        domain = [["receivable", "!=", Decimal(0)], ["id", ">", after]]
        found, _ = rpc.call(
            "model.party.party.search_read", domain, 0, page_rows, [["id", "ASC"]], ["receivable"],
            context={"date": _EVER},
        )  # fmt: skip
        rows += len(found)
        total += sum((Decimal(plain(party["receivable"])) for party in found), Decimal(0))
        if len(found) < page_rows:
            return ControlTotal("move_line", "receivable", rows, amount=str(total))
        after = found[-1]["id"]
