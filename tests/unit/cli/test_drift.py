"""What `arsync drift` shows of a finding: a line per field, with who wrote over it where that is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from arsync_pipelines.cli.drift import _rows
from arsync_pipelines.domain.drift import DriftFinding, FieldDrift, FieldEdit, Verdict
from arsync_pipelines.ops.drift import FoundDrift

AT = datetime(2026, 6, 1, 9, 30, tzinfo=UTC)
AMOUNT = FieldDrift(Verdict.DRIFT, "1.00", "1.00", "7.00")
STATUS = FieldDrift(Verdict.DRIFT, "open", "open", "paid")
FINDING = DriftFinding(
    "f", "crm", "invoice", "erp:1", "001", "edited", "restored", AT, "s", by_id="005", by="Ada", changed_at=AT,
    fields={"open_amount": AMOUNT, "status": STATUS},
)  # fmt: skip


def who(finding: DriftFinding) -> list[str]:
    """The column `by`, line by line."""
    return [str(row[8]) for row in _rows(FoundDrift(finding, None))]


def test_without_field_history_the_records_editor_stands_once() -> None:
    assert who(FINDING) == ["Ada", ""]
    assert who(replace(FINDING, fields={}, is_own_user=True)) == ["Ada (arsync's own user)"]


def test_with_field_history_each_field_has_its_own_and_nobody_is_made_up() -> None:
    edited = replace(AMOUNT, edit=FieldEdit("0051", "", True, AT))
    assert who(replace(FINDING, fields={"open_amount": edited, "status": STATUS})) == [
        "0051 (arsync's own user) 2026-06-01 09:30", ""
    ]  # fmt: skip


def test_history_that_could_not_be_read_is_told() -> None:
    unread = replace(AMOUNT, edit_unknown="HTTP 400 INVALID_TYPE")
    assert who(replace(FINDING, fields={"open_amount": unread})) == [
        "Ada (of the record: its field history could not be read)"
    ]
