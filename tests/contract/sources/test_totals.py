"""Control totals: what a source counts and sums by itself is what it holds; taken around a read, they say the same."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from arsync_pipelines.ports.source import ControlTotal, Totalling
from tests.fixtures.sources.base import Company, Landed

TOLD = {
    "netsuite": {"transaction", "customer"},
    "salesforce": {"account", "ar_account_balance", "ar_invoice"},
    "tryton": {"party", "invoice", "move", "move_line", "reconciliation"},
}


def held(company: Company, total: ControlTotal) -> tuple[int, Decimal]:
    """Rows and amount of a total, from the sandbox's own store."""
    rows = list(company.truth(total.stream).values())
    if total.object == "receivable":
        owed: dict[str, Decimal] = defaultdict(Decimal)
        for row in rows:
            if row["party"] and not row["reconciliation"]:
                owed[row["party"]] += row["debit"] - row["credit"]
        amounts = [amount for amount in owed.values() if amount]
        return len(amounts), sum(amounts, Decimal(0))
    if total.object == total.stream:
        return len(rows), Decimal(0)
    rows = [row for row in rows if (row["type"], row["currency"] or "") == (total.object, total.currency)]
    return len(rows), sum((row["foreigntotal"] or Decimal(0) for row in rows), Decimal(0))


def taken(landed: Landed) -> dict[ControlTotal, bool]:
    """Totals on file, and whether the source stood still around the read."""
    with landed.warehouse.writing():
        rows = landed.warehouse.query("select * from raw_arsync__total")
    return {
        ControlTotal(row["stream"], row["object"], row["row_count"], row["currency"], row["amount"]): row["stood_still"]
        for row in rows
    }


def test_totals_are_what_the_source_holds(company: Company, landed: Landed) -> None:
    expected = TOLD.get(company.vendor, set())
    assert isinstance(landed.source, Totalling) == bool(expected)
    landed.run()
    before = taken(landed)
    assert {total.stream for total in before} == expected
    company.change()
    company.remove()
    stats = landed.run()
    assert [one.warnings for one in stats.values() if any("control totals" in told for told in one.warnings)] == []
    after = taken(landed)
    assert bool(expected) == (after != before), "what happened meanwhile is in them"
    for total, stood_still in after.items():
        assert (total.rows, Decimal(total.amount or 0)) == held(company, total), total
        assert stood_still, total
    assert not expected or sum(total.rows for total in after) > 50
