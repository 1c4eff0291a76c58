"""How every benchmark is asked for and answered: --scale, --json, --check; machine, sizes, figures and targets."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """A figure and the bound it must keep: `at_least` or `at_most`."""

    figure: str
    at_least: float | None = None
    at_most: float | None = None

    def missed(self, figures: dict[str, Any]) -> str:
        """What is wrong, "" when the bound is kept."""
        value = figures[self.figure]
        if self.at_least is not None and value < self.at_least:
            return f"{self.figure} is {value}, target at least {self.at_least}"
        if self.at_most is not None and value > self.at_most:
            return f"{self.figure} is {value}, target at most {self.at_most}"
        return ""


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {"cpus": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}


def table(rows: list[dict[str, Any]]) -> str:
    """Rows of the same keys in columns, below their names."""
    cells = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(cells[0]))]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )


def main(name: str, run: Callable[[float], dict[str, Any]], targets: tuple[Target, ...], full: int = 0) -> None:
    """Run at --scale, print, and with --check exit 1 when a target is missed.

    Targets hold at full size: below it they are printed but not checked. `full`: how many seeds are the full size, of a
    benchmark that has such; --seeds asks for a number of them.
    """
    parser = argparse.ArgumentParser(prog=f"arsync bench {name}")
    parser.add_argument("--scale", type=float, default=1.0)
    if full:
        parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    if full and given.seeds:
        given.scale = given.seeds / full
    figures = run(given.scale)
    missed = [text for target in targets if (text := target.missed(figures))]
    document = {"bench": name, "scale": given.scale, "machine": machine(), **figures, "missed": missed}
    if given.json:
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    else:
        width = max(len(key) for key in document)
        for key, value in document.items():
            is_table = isinstance(value, list) and value and isinstance(value[0], dict)
            text = "\n" + table(value) if is_table else value
            sys.stdout.write(f"{key:<{width}}  {text}\n")
    if given.check and given.scale >= 1 and missed:
        sys.exit(1)
