"""The source against the stand-in: everything once, changes later, faults survived, lies noticed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from arsync_pipelines.domain.errors import SourceContractBroken, SourceUnauthorised
from arsync_pipelines.ports.source import Cursor, Page

from .conftest import ACCOUNTS, BEGAN, Crm


def rows_of(pages: Iterable[Page]) -> list[dict[str, Any]]:
    return [dict(row) for page in pages for row in page.rows]


def drained(crm: Crm, stream: str, cursor: Cursor | None = None, **options: Any) -> tuple[list[dict[str, Any]], Cursor]:
    pages = list(crm.source(**options).read(stream, cursor))
    assert [p.final for p in pages] == [False] * (len(pages) - 1) + [True]
    return rows_of(pages), pages[-1].cursor


def test_all_streams_read_and_every_declared_column_is_there(crm: Crm) -> None:
    for spec in crm.source().streams():
        rows, _ = drained(crm, spec.name)
        for row in rows:
            assert set(row) == {f.source for f in spec.fields}, spec.name


def test_every_account_comes_once_over_several_pages(crm: Crm) -> None:
    pages = list(crm.source().read("account", None))
    rows = rows_of(pages)
    assert len(pages) >= 3
    assert sorted(r["Id"] for r in rows) == sorted(crm.account(n) for n in range(1, ACCOUNTS + 1))
    assert next(r for r in rows if r["Id"] == crm.account(7))["ERP_Customer_Id__c"] == "C-7"


def test_a_read_resumes_from_any_page(crm: Crm) -> None:
    pages = list(crm.source().read("account", None))
    for cut, page in enumerate(pages):
        rest = rows_of(crm.source().read("account", page.cursor))
        seen = {r["Id"] for r in rows_of(pages[: cut + 1])} | {r["Id"] for r in rest}
        assert len(seen) == ACCOUNTS


def test_bulk_and_rest_show_the_same_rows(crm: Crm) -> None:
    by_rest, at_rest = drained(crm, "account")
    by_bulk, at_bulk = drained(crm, "account", bulk_read_rows=100)
    assert any("/jobs/query" in c.path for c in crm.calls)
    assert sorted(by_bulk, key=lambda r: r["Id"]) == sorted(by_rest, key=lambda r: r["Id"])
    assert at_bulk == at_rest


def test_a_change_and_a_deletion_are_seen_next_time(crm: Crm) -> None:
    _, cursor = drained(crm, "account")
    source = crm.source()
    assert not source.has_changes("account", cursor)
    crm.context.clock.advance(timedelta(days=1))
    api = crm.api()
    api.http.request("PATCH", api.path(f"/sobjects/Account/{crm.account(3)}"), json={"Name": "Renamed"})
    api.http.request("DELETE", api.path(f"/sobjects/Account/{crm.account(449)}"))
    assert source.has_changes("account", cursor)
    rows, later = drained(crm, "account", cursor)
    seen = {r["Id"]: r for r in rows}
    assert seen[crm.account(3)]["Name"] == "Renamed"
    assert seen[crm.account(449)]["IsDeleted"] is True
    assert len(rows) < 20
    assert not source.has_changes("account", later)


def test_since_reads_a_part(crm: Crm) -> None:
    rows = rows_of(crm.source().read("account", None, since=BEGAN + timedelta(minutes=440)))
    assert 8 <= len(rows) <= 20


def test_storms_and_expired_tokens_change_nothing(crm: Crm) -> None:
    calm, _ = drained(crm, "account")
    faults = [
        crm.fault("error", rate=0.3, times=6, params={"status": [429, 503, 500], "retry_after": 0}),
        crm.fault("expire_token", times=2, match={"path": "/query"}),
        crm.fault("drop_after", times=2, match={"path": "/query"}),
    ]
    stormy, _ = drained(crm, "account")
    assert stormy == calm
    assert all(fault.hits for fault in faults)


def test_an_ignored_filter_is_noticed(crm: Crm) -> None:
    _, cursor = drained(crm, "account")
    crm.fault("ignore_filter")
    with pytest.raises(SourceContractBroken, match="filter was ignored"):
        drained(crm, "account", cursor)


def test_a_vanished_column_is_told_by_name(crm: Crm) -> None:
    crm.fault("drop_column", params={"table": "Account", "column": "Tax_Registration__c"})
    with pytest.raises(SourceContractBroken, match="Tax_Registration__c"):
        drained(crm, "account")


def test_wrong_credentials_are_told(crm: Crm) -> None:
    auth = {"method": "client_credentials", "client_id": {"env": "ID"}, "client_secret": {"env": "WRONG"}}
    with pytest.raises(SourceUnauthorised, match="arsync doctor"):
        drained(crm, "account", auth=auth)


def test_jwt_opens_the_org_too(crm: Crm) -> None:
    auth = {
        "method": "jwt",
        "client_id": {"env": "ID"},
        "username": "integration@arsync.example",
        "private_key": {"env": "KEY"},
    }
    rows, _ = drained(crm, "user", auth=auth)
    assert rows


def test_the_doctor_is_content(crm: Crm) -> None:
    lines = crm.source().check()
    assert {line.status for line in lines} == {"ok"}, lines
    assert len(lines) == 8
