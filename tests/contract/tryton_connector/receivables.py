"""Receivables in plain Python from what the connector landed, to be compared with Tryton's own reports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

BUCKETS = ("current", "1-30", "31-60", "61-90", "91+")
Landed = Mapping[str, Mapping[str, Mapping[str, Any]]]


def survivor(landed: Landed, party: str) -> str:
    """The party that remains after merges."""
    while replaced_by := landed["party"].get(party, {}).get("replaced_by"):
        party = replaced_by
    return party


def open_lines(landed: Landed, day: date) -> list[tuple[str, str, date, Decimal]]:
    """(party, account, due date, amount) of lines posted by `day` and not reconciled by it."""
    found = []
    for line in landed["move_line"].values():
        posted = date.fromisoformat(landed["move"][line["move"]]["date"])
        settled = line["reconciliation"] and date.fromisoformat(
            landed["reconciliation"][line["reconciliation"]]["date"]
        )
        if posted > day or (settled and settled <= day):
            continue
        due = date.fromisoformat(line["maturity_date"]) if line["maturity_date"] else posted
        amount = Decimal(line["debit"]) - Decimal(line["credit"])
        found.append((survivor(landed, line["party"]), line["account"], due, amount))
    return found


def aging(landed: Landed, day: date) -> dict[str, dict[str, Decimal]]:
    """Party -> bucket -> amount, lines by their own date as Tryton's report has them."""
    told: dict[str, dict[str, Decimal]] = defaultdict(lambda: dict.fromkeys((*BUCKETS, "balance"), Decimal(0)))
    for party, _, due, amount in open_lines(landed, day):
        past = (day - due).days
        bucket = next((b for b, edge in zip(BUCKETS, (0, 30, 60, 90), strict=False) if past <= edge), "91+")
        told[party][bucket] += amount
        told[party]["balance"] += amount
    return {party: row for party, row in told.items() if any(row.values())}


def balances(landed: Landed, day: date) -> dict[str, Decimal]:
    """Party -> Tryton's Party.receivable: lines not reconciled by `day`, those posted after it included."""
    told: dict[str, Decimal] = defaultdict(Decimal)
    for line in landed["move_line"].values():
        settled = line["reconciliation"] and landed["reconciliation"][line["reconciliation"]]["date"]
        if not settled or date.fromisoformat(settled) > day:
            told[survivor(landed, line["party"])] += Decimal(line["debit"]) - Decimal(line["credit"])
    return {party: amount for party, amount in told.items() if amount}


def ledger(landed: Landed, day: date) -> Decimal:
    """General-ledger balance of the receivable accounts: every line posted by `day`, settled or not."""
    return sum(
        (
            Decimal(line["debit"]) - Decimal(line["credit"])
            for line in landed["move_line"].values()
            if date.fromisoformat(landed["move"][line["move"]]["date"]) <= day
        ),
        Decimal(0),
    )
