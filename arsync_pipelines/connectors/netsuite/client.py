"""SuiteQL over HTTP: one statement, one page of up to 1,000 rows. What to ask: `statements.py`, paging: `reader.py`."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

import httpx
import msgspec

from arsync_pipelines.connectors.http import HttpClient, Retry, RetryBudget
from arsync_pipelines.connectors.http.limits import Concurrency
from arsync_pipelines.connectors.netsuite.auth import build_auth
from arsync_pipelines.connectors.netsuite.errors import POLICY
from arsync_pipelines.connectors.netsuite.options import NetSuiteOptions
from arsync_pipelines.connectors.netsuite.records import ENVELOPE
from arsync_pipelines.connectors.netsuite.statements import Statement
from arsync_pipelines.domain.errors import SourceContractBroken
from arsync_pipelines.domain.secret import Reveal

PATH = "/services/rest/query/v1/suiteql"
PAGE_SIZE = 1000


def _patience(options: NetSuiteOptions) -> RetryBudget:
    """A slot of the account's pool frees up when somebody's request ends: waits start short, grow to half a minute."""
    return RetryBudget(options.retry_attempts, options.retry_seconds, base=0.25, cap=30.0)


_pools: WeakValueDictionary[tuple[str, str, int], Concurrency] = WeakValueDictionary()
_pools_lock = threading.Lock()


def _pool(options: NetSuiteOptions) -> Concurrency:
    """The account's share of requests: one for all sources of this process that read the same account."""
    key = (options.url, options.account.upper(), options.concurrency)
    with _pools_lock:
        pool = _pools.get(key)
        if pool is None:
            pool = _pools[key] = Concurrency(options.concurrency)
        return pool


@dataclass(frozen=True, slots=True)
class Answer:
    """One page: `items` as decoded (every value text), whether more rows follow, the server's Date."""

    items: list[Any]
    has_more: bool
    date: str = ""


class SuiteQL:
    """The query service of one account; thread-safe, at most `options.concurrency` requests at once."""

    def __init__(
        self,
        connection: str,
        options: NetSuiteOptions,
        reveal: Reveal,
        *,
        transport: httpx.BaseTransport | None = None,
        retry: Retry | None = None,
    ) -> None:
        self.connection = connection
        self.http = HttpClient(
            connection=connection,
            base_url=options.url,
            policy=POLICY,
            auth=build_auth(connection, options, reveal),
            retry=retry or Retry(_patience(options)),
            concurrency=options.concurrency,
            # without it the service refuses the query
            headers={"Prefer": "transient"},
            transport=transport,
        )
        self.http.concurrency = _pool(options)

    def fetch(
        self, statement: Statement, limit: int = PAGE_SIZE, decoder: msgspec.json.Decoder[Any] = ENVELOPE
    ) -> Answer:
        """The first `limit` rows of a statement, as dicts or as `decoder` makes them. A query has no effect, so it is
        repeated freely.

        Raises RequestRejected when the text is refused, SourceContractBroken when the answer is no page of rows.
        """
        body: dict[str, Any] = {"q": statement.text}
        if statement.binds:
            body["params"] = list(statement.binds)
        response = self.http.request("POST", PATH, params={"limit": limit, "offset": 0}, json=body, safe=True)
        try:
            page = decoder.decode(response.content)
        except msgspec.ValidationError as error:
            raise SourceContractBroken(
                f"connection {self.connection!r}: {self.http.host} answered a query without `items` and `hasMore`; is "
                f"base_url the account's REST address? ({error})"
            ) from error
        except msgspec.DecodeError as error:
            raise self.http.not_json(response) from error
        return Answer(page.items, page.hasMore, response.headers.get("date", ""))
