"""What `arsync doctor` says about an account."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from arsync_pipelines.connectors.netsuite import CONNECTOR
from arsync_pipelines.ports.source import Source


def lines(account: Any, **options: Any) -> dict[str, Any]:
    return {line.name: line for line in account.source(**options).check()}


def with_date(account: Any, moment: datetime) -> None:
    handle = account.handle

    def dated(request: httpx.Request) -> httpx.Response:
        response: httpx.Response = handle(request)
        response.headers["Date"] = format_datetime(moment, usegmt=True)
        return response

    account.handle = dated


def test_a_healthy_account(account: Any) -> None:
    with_date(account, datetime.now(UTC))
    found = lines(account)
    assert {line.status for line in found.values()} == {"ok"}
    assert {"reachable", "authorised", "clock", "concurrency", "stream transaction_link"} <= set(found)


def test_clocks_apart_and_too_many_requests_at_once(account: Any) -> None:
    with_date(account, datetime.now(UTC) - timedelta(minutes=2))
    found = lines(account, concurrency=10)
    assert found["clock"].status == found["concurrency"].status == "warning"
    with_date(account, datetime.now(UTC) - timedelta(hours=1))
    assert lines(account)["clock"].status == "failed"


def test_missing_columns_and_tables_are_named(account: Any) -> None:
    with_date(account, datetime.now(UTC))
    account.db.execute('alter table "transaction" drop column memo')
    account.db.execute("drop table transactioninstallment")
    found = lines(account)
    assert found["stream transaction"].status == "failed" and "column memo" in found["stream transaction"].detail
    assert "transactioninstallment" in found["stream transaction_installment"].detail
    assert found["stream transaction_line"].status == "ok"


@pytest.mark.parametrize(("status", "name"), [(401, "authorised"), (403, "authorised"), (503, "reachable")])
def test_no_way_in(account: Any, status: int, name: str) -> None:
    account.refuse = lambda number, text: httpx.Response(status, json={"title": "x"})
    last = account.source().check()[-1]
    assert (last.name, last.status) == (name, "failed") and last.advice


def test_a_source_is_what_the_port_asks_for(account: Any) -> None:
    assert isinstance(account.source(), Source)
    assert [spec.name for spec in account.source().streams()] == [spec.name for spec in CONNECTOR.streams]
