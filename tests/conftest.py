"""Which files a test run begins with, and the figures that it prints at its end.

A test gives a line of them by `record_property(told("Mutants"), "text")`, whichever process it runs in.
"""

from __future__ import annotations

import pytest

_TOLD = "told at the end: "


def told(heading: str) -> str:
    """Name of the property whose lines are printed below `heading`."""
    return _TOLD + heading


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take minutes come first: begun last, one of them would keep one process waiting for the other.

    Of those that share what takes long to make, one begins and the others come last: beside it they would wait for it.
    """
    first: dict[str, object] = {}

    def turn(item: pytest.Item) -> int:
        slow = item.get_closest_marker("slow")
        if slow is None:
            return 3
        if shared := slow.kwargs.get("shares"):
            return 0 if first.setdefault(shared, item.path) == item.path else 2
        return 1

    items.sort(key=turn)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    sections: dict[str, list[str]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "call":
                for name, line in report.user_properties:
                    if name.startswith(_TOLD):
                        sections.setdefault(name.removeprefix(_TOLD), []).append(str(line))
    for heading, lines in sorted(sections.items()):
        terminalreporter.section(heading)
        for line in lines:
            terminalreporter.line(line)
