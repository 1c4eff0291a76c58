"""Output: tables and lines for people on one console, JSON for machines, complaints on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

out = Console(highlight=False, width=None if sys.stdout.isatty() else 140)  # a pipe has no width to fit into
err = Console(stderr=True, highlight=False)


def complain(message: str) -> None:
    """An error for a person, on standard error."""
    err.print("[bold red]error[/]", Text(message), soft_wrap=True)


def print_json(value: Any) -> None:
    """One JSON document on standard output; decimals and dates as text."""
    out.print(json.dumps(value, default=str, ensure_ascii=False, indent=2), markup=False, soft_wrap=True)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table; columns whose name ends in * are right-aligned (the * is not shown)."""
    drawn = Table(
        title=Text(title), title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False
    )
    for column in columns:
        drawn.add_column(column.rstrip("*"), justify="right" if column.endswith("*") else "left")
    for row in rows:
        drawn.add_row(*[_cell(value) for value in row])
    out.print(drawn)
    out.print()


def _cell(value: Any) -> str | Text:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    return Text(str(value))
