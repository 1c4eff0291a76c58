"""What a read must never do, told from its pages alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from arsync_pipelines.domain.errors import SourceContractBroken
from arsync_pipelines.ports.source import CursorSpec, Field, Page, StreamSpec
from arsync_pipelines.services.guards import ProgressGuard

SPEC = StreamSpec(
    system="demo",
    name="invoice",
    primary_key=("id",),
    fields=(Field("id"), Field("changed")),
    cursor=CursorSpec("changed", timedelta(seconds=1), timedelta(seconds=1)),
)


def page(key: str, at: int, changed: str = "now") -> Page:
    return Page([{"id": key, "changed": changed}], {"at": at})


def test_pages_that_move_on_pass() -> None:
    guard = ProgressGuard("erp", SPEC)
    for number in range(3):
        guard.check(page(str(number), number))
    guard.check(Page([], {"at": 2}, final=True))


def test_the_cursor_may_stand_while_the_overlap_is_read_again() -> None:
    guard = ProgressGuard("erp", SPEC)
    for number in range(3):
        guard.check(page(str(number), at=7))


def test_a_record_that_changed_meanwhile_may_come_again() -> None:
    guard = ProgressGuard("erp", SPEC)
    guard.check(page("1", 1, "now"))
    guard.check(page("1", 2, "later"))


@pytest.mark.parametrize("spec", [SPEC, replace(SPEC, cursor=None)])
@pytest.mark.parametrize("between", [0, 1, 3])
def test_a_page_that_came_before_is_no_progress(spec: StreamSpec, between: int) -> None:
    guard = ProgressGuard("erp", spec)
    guard.check(page("again", 0))
    for number in range(between):
        guard.check(page(str(number), number))
    with pytest.raises(SourceContractBroken, match=r"erp\.invoice: a page of 1 rows came twice in one read"):
        guard.check(page("again", 9))
