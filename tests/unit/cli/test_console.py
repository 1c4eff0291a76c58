"""What a person is told arrives whole: brackets are part of messages, not of the console's markup."""

from __future__ import annotations

import pytest

from arsync_pipelines.cli import console


@pytest.mark.parametrize(
    "message",
    [
        "correct [connections.books.invoices] amount: [red] is no number",
        "cannot read [/srv/extracts/a.csv]",
        "the pattern [a-z] ends with a backslash \\",
    ],
)
def test_an_error_keeps_its_brackets(message: str, capsys: pytest.CaptureFixture[str]) -> None:
    console.complain(message)
    assert capsys.readouterr().err == f"error {message}\n"


def test_a_cell_keeps_its_brackets(capsys: pytest.CaptureFixture[str]) -> None:
    console.table("[bold] is a name", ["what*", "where"], [("[/x]", "[connections.crm]"), (None, 1000)])
    printed = capsys.readouterr().out
    assert "[bold] is a name" in printed
    assert "[/x]" in printed and "[connections.crm]" in printed and "1,000" in printed
