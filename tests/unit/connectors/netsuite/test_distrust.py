"""What a server does wrong is noticed, and said with the stream's name."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from arsync_pipelines.connectors.http import AccessRefused
from arsync_pipelines.domain.errors import ConfigError, SourceContractBroken


def fill(account: Any, count: int = 30, fraction: bool = False) -> None:
    for n in range(1, count + 1):
        stamp = "2026-06-30 10:00:00" if fraction else f"2026-06-30 10:00:{n:02d}"
        row = {"id": n, "type": "CustInvc", "trandate": "2026-06-01", "lastmodifieddate": stamp, "createddate": stamp}
        account.add("transaction", row)


def read(account: Any, cursor: Any = None, stream: str = "transaction") -> list[Any]:
    return list(account.source().read(stream, cursor))


def test_a_filter_that_the_server_ignores(account: Any) -> None:
    fill(account)
    rows = [{"id": str(n), "lastmodifieddate": f"2026-06-30 10:00:{n:02d}"} for n in range(1, 11)]
    account.tamper = lambda page, text: {**page, "items": rows, "hasMore": True}
    with pytest.raises(SourceContractBroken, match=r"stream transaction: .*ignored the filter"):
        read(account)


def test_a_first_page_from_before_the_bound(account: Any) -> None:
    fill(account, 3)
    account.tamper = lambda page, text: {
        **page,
        "items": [{"id": "1", "lastmodifieddate": "2020-01-01 00:00:00"}, *page["items"]],
    }
    with pytest.raises(SourceContractBroken, match=r"id 1 of 2020-01-01 00:00:00 .* ignored the filter"):
        read(account, {"stamp": "2026-06-30 10:00:00", "after": ["1"]})


def test_an_order_that_the_server_ignores(account: Any) -> None:
    fill(account)
    account.tamper = lambda page, text: {**page, "items": page["items"][::-1]}
    with pytest.raises(SourceContractBroken, match="ignored the order"):
        read(account)


def test_stamps_finer_than_the_filter_can_express(account: Any) -> None:
    """Seconds are shown, fractions are kept: `>` finds the same rows again and again."""
    account.page_size = 10
    fill(account, 30, fraction=True)
    account.tamper = lambda page, text: {
        **page,
        "items": [{"id": str(n), "lastmodifieddate": "2026-06-30 10:00:00"} for n in range(1, 11)],
    }
    with pytest.raises(SourceContractBroken, match="stored finer than the filter can express"):
        read(account)


def test_a_page_without_news_that_promises_more(account: Any) -> None:
    account.tamper = lambda page, text: {**page, "items": [], "hasMore": True}
    with pytest.raises(SourceContractBroken, match="never end"):
        read(account)


def test_a_small_table_whose_keyset_is_ignored(account: Any) -> None:
    account.page_size = 2
    account.add("term", *({"id": n, "name": "x"} for n in range(1, 6)))
    account.tamper = lambda page, text: {**page, "items": [{"id": "1"}, {"id": "2"}], "hasMore": True}
    with pytest.raises(SourceContractBroken, match="ignored the filter"):
        read(account, stream="term")


@pytest.mark.parametrize("row", [{"id": "1"}, {"lastmodifieddate": "2026-06-30 10:00:00"}])
def test_a_row_without_key_or_stamp(account: Any, row: dict[str, str]) -> None:
    account.tamper = lambda page, text: {**page, "items": [row]}
    with pytest.raises(SourceContractBroken, match="no usable"):
        read(account)


def test_a_stamp_in_the_users_own_format(account: Any) -> None:
    account.tamper = lambda page, text: {**page, "items": [{"id": "1", "lastmodifieddate": "6/30/2026 10:00 am"}]}
    with pytest.raises(SourceContractBroken, match="no timestamp of the form"):
        read(account)


def test_an_answer_that_is_no_page(account: Any) -> None:
    account.refuse = lambda number, text: httpx.Response(200, json={"ok": True})
    with pytest.raises(SourceContractBroken, match=r"erp.*without `items`"):
        read(account)


def test_a_vanished_column_is_named_with_its_stream(account: Any) -> None:
    account.db.execute('alter table "transaction" drop column custbody_dispute_reason')
    with pytest.raises(SourceContractBroken, match=r"stream transaction: column custbody_dispute_reason"):
        read(account)
    assert len(account.requests) == 1


def test_a_refusal_that_names_nothing_is_explained_by_asking_each_column(account: Any) -> None:
    account.db.execute('alter table "transaction" drop column memo')
    handle = account.handle

    def vague(request: httpx.Request) -> httpx.Response:
        response: httpx.Response = handle(request)
        return response if response.status_code == 200 else httpx.Response(400, json={"title": "Invalid search query."})

    account.handle = vague
    with pytest.raises(SourceContractBroken, match=r"stream transaction: column memo is not there"):
        read(account)


def test_a_field_that_the_account_does_not_have_can_be_left_out(account: Any) -> None:
    account.db.execute('alter table "transaction" drop column custbody_dispute_reason')
    fill(account, 2)
    source = account.source(dispute_reason_field="")
    assert len([row for page in source.read("transaction", None) for row in page.rows]) == 2


def test_a_busy_account_is_asked_again_after_growing_waits(account: Any) -> None:
    fill(account, 3)
    busy = httpx.Response(
        429,
        json={"title": "Bad Request", "o:errorDetails": [{"detail": "x", "o:errorCode": "CONCURRENCY_LIMIT_EXCEEDED"}]},
    )
    account.refuse = lambda number, text: busy if number <= 2 else None
    assert len([row for page in read(account) for row in page.rows]) == 3
    assert len(account.requests) == 3


def test_sources_of_one_account_share_its_concurrency(account: Any) -> None:
    """Two at once are allowed, four threads of two sources ask: never more than two are in flight."""
    lock, flying, most = threading.Lock(), [0], [0]
    handle = account.handle

    def slow(request: httpx.Request) -> httpx.Response:
        with lock:
            flying[0] += 1
            most[0] = max(most[0], flying[0])
        time.sleep(0.02)
        with lock:
            flying[0] -= 1
        response: httpx.Response = handle(request)
        return response

    account.handle = slow
    sources = [account.source(concurrency=2) for _ in range(2)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: list(sources[n % 2].read("term", None)), range(8)))
    assert most[0] == 2


def test_bad_credentials_stop_the_read(account: Any) -> None:
    detail = {"detail": "Invalid login attempt.", "o:errorCode": "INVALID_LOGIN"}
    account.refuse = lambda number, text: httpx.Response(401, json={"o:errorDetails": [detail]})
    with pytest.raises(AccessRefused, match="INVALID_LOGIN"):
        read(account)


def test_an_unknown_stream_lists_the_known_ones(account: Any) -> None:
    with pytest.raises(ConfigError, match=r"no stream 'nope'; known: subsidiary"):
        read(account, stream="nope")
