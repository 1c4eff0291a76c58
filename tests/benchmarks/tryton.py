"""Four hundred invoices in a real Tryton, on SQLite and on PostgreSQL, beside Tryton's own reports on six days; and
again after new business, cancellations and a merge of two parties, read and built incrementally.

    arsync bench tryton
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.benchmarks.report import Target, main
from tests.fixtures.acceptance_tryton import INVOICES, TrytonBooks, tryton_installation
from tests.fixtures.postgres import running_postgres
from tests.fixtures.tryton_reports import DAYS, HORIZON, Day, compared

FULL = 400
TARGETS = (Target("differences", at_most=0),)


def run(scale: float = 1.0) -> dict[str, Any]:
    """What was compared, in all and by day; `rows_*` are a customer's buckets that hold something."""
    invoices, started = max(INVOICES, round(FULL * scale)), time.perf_counter()
    found = list(_both(invoices))
    days = [day for _name, day in found]
    for day in days:
        sys.stderr.writelines(f"{difference}\n" for difference in day.differences)
    return {
        "invoices": invoices,
        "open_items": sum(day.items for day in days),
        "rows_directly": sum(day.direct_rows for day in days),
        "rows_through_translation": sum(day.rows for day in days),
        "balances": sum(day.balances for day in days),
        "differences": sum(len(day.differences) for day in days),
        "seconds": round(time.perf_counter() - started),
        "table": [{"when": name, **_row(day)} for name, day in found],
    }


def _both(invoices: int) -> Iterator[tuple[str, Day]]:
    for database in ("SQLite", "PostgreSQL"):
        with ExitStack() as held:
            folder = Path(held.enter_context(tempfile.TemporaryDirectory()))
            server = held.enter_context(running_postgres()) if database == "PostgreSQL" else None
            books = held.enter_context(tryton_installation(folder, server, invoices))
            yield from _told(books)


def _told(books: TrytonBooks) -> Iterator[tuple[str, Day]]:
    books.scene.sync("--as-of", HORIZON.isoformat())
    yield from ((f"{books.database}, before", day) for day in compared(books, DAYS))
    books.tryton.script("life.py", "--seed", "11")
    books.scene.sync("--as-of", DAYS[-1].isoformat())
    yield from ((f"{books.database}, after", day) for day in compared(books, DAYS))


def _row(day: Day) -> dict[str, Any]:
    return {
        "day": str(day.day),
        "open_items": day.items,
        "customers": day.customers,
        "rows": day.rows,
        "directly": day.direct_rows,
        "share_of_customers": f"{day.direct_share:.0%}",
        "balances": day.balances,
        "differences": len(day.differences),
    }


if __name__ == "__main__":
    main("tryton", run, TARGETS)
