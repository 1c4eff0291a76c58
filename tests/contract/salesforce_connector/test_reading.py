"""What holds of Salesforce alone: two ways to read, two ways in.

What holds of every connector is in tests/contract/sources.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from arsync_pipelines.ports.source import Cursor
from tests.fixtures.sources.salesforce import BEGAN
from tests.fixtures.sources.salesforce import SalesforceCompany as Crm


def drained(crm: Crm, stream: str, cursor: Cursor | None = None, **options: Any) -> tuple[list[dict[str, Any]], Cursor]:
    pages = list(crm.source(**options).read(stream, cursor))
    return [dict(row) for page in pages for row in page.rows], pages[-1].cursor


def test_every_declared_column_is_sent(crm: Crm) -> None:
    for spec in crm.source().streams():
        rows, _ = drained(crm, spec.name)
        assert all(set(row) == {f.source for f in spec.fields} for row in rows), spec.name


def test_bulk_and_rest_show_the_same_rows(crm: Crm) -> None:
    for stream in ("account", "ar_invoice"):
        crm.calls.clear()
        by_rest, at_rest = drained(crm, stream)
        by_bulk, at_bulk = drained(crm, stream, bulk_read_rows=len(by_rest) - 1)
        assert any("/jobs/query" in c.path for c in crm.calls)
        assert sorted(by_bulk, key=lambda r: r["Id"]) == sorted(by_rest, key=lambda r: r["Id"])
        assert at_bulk == at_rest


def test_since_reads_a_part(crm: Crm) -> None:
    pages = crm.source().read("account", None, since=BEGAN + timedelta(minutes=440))
    assert 8 <= sum(len(page.rows) for page in pages) <= 20


def test_jwt_opens_the_org_too(crm: Crm) -> None:
    auth = {
        "method": "jwt",
        "client_id": {"env": "ID"},
        "username": "integration@arsync.example",
        "private_key": {"env": "KEY"},
    }
    rows, _ = drained(crm, "user", auth=auth)
    assert rows
