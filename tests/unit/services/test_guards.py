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


def page(key: str, at: int | None = None) -> Page:
    return Page([{"id": key, "changed": "now"}], {} if at is None else {"at": at})


def test_pages_that_move_on_pass() -> None:
    guard = ProgressGuard("erp", SPEC)
    for number in range(3):
        guard.check(page(str(number), number))
    guard.check(Page([], {"at": 2}, final=True))


def test_the_same_page_twice_is_no_progress() -> None:
    guard = ProgressGuard("erp", replace(SPEC, cursor=None))
    guard.check(page("1"))
    guard.check(page("2"))
    with pytest.raises(SourceContractBroken, match=r"erp\.invoice: a page of 1 rows came twice in a row"):
        guard.check(page("2"))


def test_a_cursor_that_comes_back_is_no_progress() -> None:
    guard = ProgressGuard("erp", SPEC)
    guard.check(page("1", 1))
    guard.check(page("2", 2))
    with pytest.raises(SourceContractBroken, match=r'did not move the cursor \(\{"at":1\}\)'):
        guard.check(page("3", 1))


def test_a_stream_without_cursor_may_keep_an_empty_one() -> None:
    guard = ProgressGuard("erp", replace(SPEC, cursor=None))
    guard.check(page("1"))
    guard.check(page("2"))
