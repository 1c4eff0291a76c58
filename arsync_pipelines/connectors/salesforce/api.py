"""The calls that source, sink, set-up and check share: query, describe, limits. One HttpClient per connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from arsync_pipelines.connectors.http import (
    Call,
    HttpClient,
    RequestRejected,
    Retry,
    RetryBudget,
    Timeouts,
)
from arsync_pipelines.connectors.salesforce.auth import SalesforceAuth
from arsync_pipelines.connectors.salesforce.errors import POLICY
from arsync_pipelines.connectors.salesforce.options import SalesforceOptions
from arsync_pipelines.domain.errors import SourceContractBroken
from arsync_pipelines.domain.secret import Reveal

CLIENT_NAME = "arsync"
"""Shows in change events as their origin, so that our own writes can be told from people's."""


@dataclass(frozen=True, slots=True)
class QueryPage:
    """One page of a query: records without `attributes`, the path of the next page ("" at the end), all matches."""

    records: list[dict[str, Any]]
    next_path: str
    total: int


class SalesforceApi:
    """Calls of one org. Thread-safe."""

    def __init__(
        self,
        connection: str,
        options: SalesforceOptions,
        reveal: Reveal,
        *,
        transport: httpx.BaseTransport | None = None,
        retry: Retry | None = None,
        on_call: Callable[[Call], None] | None = None,
    ) -> None:
        self.connection = connection
        self.options = options
        self.auth = SalesforceAuth(connection, options, reveal)
        self.http = HttpClient(
            connection=connection,
            base_url=options.base_url,
            policy=POLICY,
            auth=self.auth,
            retry=retry or Retry(RetryBudget(options.retry_attempts, options.retry_seconds)),
            timeouts=Timeouts(options.connect_timeout_s, options.read_timeout_s),
            concurrency=options.concurrency,
            headers={"Sforce-Call-Options": f"client={CLIENT_NAME}"},
            transport=transport,
            on_call=on_call,
        )

    def path(self, rest: str) -> str:
        """The path of a data call, e.g. `/limits`."""
        return self.options.data_path + rest

    def query(self, soql: str, *, deleted: bool = False, size: int | None = None) -> QueryPage:
        """The first page of a query; `deleted` includes the recycle bin. Raises SourceContractBroken on a bad field."""
        return self._page(self.path("/queryAll" if deleted else "/query"), size, {"q": soql})

    def next_page(self, path: str, size: int | None = None) -> QueryPage:
        """The page a locator leads to. Raises LocatorExpired when the org has forgotten it."""
        try:
            return self._page(path, size)
        except RequestRejected as error:
            if error.error.code in {"INVALID_QUERY_LOCATOR", "NOT_FOUND"}:
                raise LocatorExpired(str(error), error.error) from error
            raise

    def query_all(self, soql: str, *, deleted: bool = False) -> Iterator[dict[str, Any]]:
        """All records of a (small) query; `deleted` includes the recycle bin."""
        page = self.query(soql, deleted=deleted)
        yield from page.records
        while page.next_path:
            page = self.next_page(page.next_path)
            yield from page.records

    def query_each(self, queries: Iterable[str], *, deleted: bool = False) -> Iterator[list[dict[str, Any]]]:
        """All records of each of several (small) queries, in their order, `options.concurrency` at once."""
        with ThreadPoolExecutor(self.options.concurrency, thread_name_prefix="salesforce-query") as pool:
            yield from pool.map(lambda query: list(self.query_all(query, deleted=deleted)), queries)

    def _page(self, path: str, size: int | None, params: Mapping[str, str] | None = None) -> QueryPage:
        headers = {"Sforce-Query-Options": f"batchSize={size}"} if size else {}
        try:
            body = self.http.get_json(path, params, headers=headers)
        except RequestRejected as error:
            if error.error.code in {"INVALID_FIELD", "INVALID_TYPE", "MALFORMED_QUERY"}:
                raise SourceContractBroken(str(error)) from error
            raise
        if not isinstance(body, dict) or not isinstance(body.get("records"), list) or "done" not in body:
            raise SourceContractBroken(f"connection {self.connection!r}: a query was answered without records")
        following = "" if body["done"] else str(body.get("nextRecordsUrl") or "")
        if not body["done"] and not following:
            raise SourceContractBroken(
                f"connection {self.connection!r}: a query page says there is more but does not say where"
            )
        return QueryPage([_plain(r) for r in body["records"]], following, int(body.get("totalSize") or 0))

    def describe(self, sobject: str) -> dict[str, Any] | None:
        """The object's description, None when the org (or our user) does not know it."""
        try:
            body = self.http.get_json(self.path(f"/sobjects/{sobject}/describe"))
        except RequestRejected as error:
            if error.error.status == 404:
                return None
            raise
        if not isinstance(body, dict):
            raise SourceContractBroken(f"connection {self.connection!r}: {sobject} was described by something else")
        return body

    def close(self) -> None:
        """Close the connections."""
        self.http.close()


class LocatorExpired(RequestRejected):
    """A query locator is gone (they live two days, and ten per user); the query must be asked again."""


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    """A record without the `attributes` of itself and of its parents; numbers with decimals as their own text.

    JSON shows an org's numbers as doubles in their shortest form, and so does `repr`.
    """
    record.pop("attributes", None)
    for name, value in record.items():
        if isinstance(value, float):
            record[name] = f"{Decimal(repr(value)):f}"
        elif isinstance(value, dict):
            _plain(value)
    return record


def writable(described: Mapping[str, Any], names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Of fields `names`: those missing from a description, and those there but not updateable for our user."""
    fields = {str(f["name"]).lower(): f for f in described.get("fields", [])}
    missing = [n for n in names if n.lower() not in fields]
    locked = [n for n in names if n.lower() in fields and not fields[n.lower()].get("updateable", False)]
    return missing, locked
