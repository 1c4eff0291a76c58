"""Stripe's lists and single objects over HTTP, and the checks that what came back is what was asked for."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from arsync_pipelines.connectors.http import HttpClient, RequestRejected, Retry, RetryBudget
from arsync_pipelines.connectors.http.retry import http_date
from arsync_pipelines.connectors.stripe.errors import MISSING, POLICY
from arsync_pipelines.connectors.stripe.options import StripeOptions
from arsync_pipelines.connectors.stripe.spec import PAGE_SIZE
from arsync_pipelines.domain.errors import SourceContractBroken
from arsync_pipelines.domain.secret import Reveal, SecretRef

API_VERSION = "2026-10-28.endive"
"""Sent with every request: the shapes of the objects are those of this version, whatever the account's default is."""

EVENTS = "/v1/events"
RENEWALS = 2
"""How often a refused request is sent again with the key revealed anew before the refusal counts."""


class KeyAuth(httpx.Auth):
    """The secret key as bearer. A refused one is revealed anew and sent again: it may have been rolled."""

    def __init__(self, key: SecretRef, reveal: Reveal) -> None:
        self._key = key
        self._reveal = reveal
        self._value = ""

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        value = self._value or self._reveal(self._key).strip()
        for _ in range(1 + RENEWALS):
            self._value = value
            request.headers["Authorization"] = f"Bearer {value}"
            response = yield request
            if response.status_code != httpx.codes.UNAUTHORIZED:
                return
            value = self._reveal(self._key).strip()


@dataclass(frozen=True, slots=True)
class ListPage:
    """Objects of one page, newest first; `at` is the server's time of answering (unix seconds)."""

    data: list[dict[str, Any]]
    has_more: bool
    at: int
    version: str = ""


class StripeApi:
    """Reads of one account; thread-safe."""

    def __init__(
        self,
        connection: str,
        options: StripeOptions,
        reveal: Reveal,
        *,
        transport: httpx.BaseTransport | None = None,
        retry: Retry | None = None,
    ) -> None:
        self.connection = connection
        self.http = HttpClient(
            connection=connection,
            base_url=options.base_url.rstrip("/"),
            policy=POLICY,
            auth=KeyAuth(options.api_key, reveal),
            retry=retry or Retry(RetryBudget(options.retry_attempts, options.retry_seconds)),
            concurrency=options.concurrency,
            headers={
                "Stripe-Version": API_VERSION,
                **({"Stripe-Account": options.account} if options.account else {}),
            },
            transport=transport,
        )

    def page(
        self,
        path: str,
        *,
        limit: int = PAGE_SIZE,
        after: str = "",
        created_from: int = 0,
        types: Sequence[str] = (),
        expand: Sequence[str] = (),
        payout: str = "",
    ) -> ListPage:
        """One page after object `after`, of objects created at `created_from` (unix seconds) or later."""
        params: list[tuple[str, str | int]] = [("limit", limit)]
        params += [("starting_after", after)] if after else []
        params += [("created[gte]", created_from)] if created_from else []
        params += [("payout", payout)] if payout else []
        params += [("types[]", kind) for kind in types]
        params += [("expand[]", f"data.{name}") for name in expand]
        response = self.http.request("GET", f"{path}?{urlencode(params, quote_via=quote)}")
        body = self.http.decode(response)
        try:
            data, has_more = body["data"], bool(body["has_more"])
        except (KeyError, TypeError) as error:
            raise SourceContractBroken(
                f"connection {self.connection!r}: {self.http.host} answered {path} without `data` and `has_more`; is "
                f"base_url Stripe's API?"
            ) from error
        return ListPage(data, has_more, server_time(response), response.headers.get("stripe-version", ""))

    def pages(
        self,
        path: str,
        *,
        after: str = "",
        created_from: int = 0,
        types: Sequence[str] = (),
        expand: Sequence[str] = (),
        payout: str = "",
    ) -> Iterator[ListPage]:
        """Pages to the end of the list. Raises SourceContractBroken for a page without news, or outside the filter."""
        previous: int | None = None
        while True:
            page = self.page(path, after=after, created_from=created_from, types=types, expand=expand, payout=payout)
            # a list that drifted repeats the object it was to start after
            data = [body for body in page.data if body["id"] != after]
            if page.has_more and not data:
                raise self._broken(path, f"a page after {after or 'the start'} brings nothing new and promises more")
            for body in data:
                created = body.get("created", previous)
                if created is not None and created < created_from:
                    raise self._broken(path, f"{body['id']} is older than asked for; the server ignored created[gte]")
                if types and body.get("type") not in types:
                    raise self._broken(path, f"{body['id']} is a {body.get('type')}; the server ignored types[]")
                if previous is not None and created is not None and created > previous:
                    raise self._broken(
                        path, f"{body['id']} is newer than what came before it; the list would never end"
                    )
                if payout and body.get("type") == "payout" and body.get("source") != payout:
                    raise self._broken(path, f"{body['id']} is of another payout; the server ignored payout")
                previous = created
            yield ListPage(data, page.has_more, page.at, page.version)
            if not page.has_more:
                return
            after = data[-1]["id"]

    def retrieve(self, path: str, object_id: str, expand: Sequence[str] = ()) -> dict[str, Any] | None:
        """One object as it is now; None when it is gone without a trace (a deleted draft)."""
        query = urlencode([("expand[]", name) for name in expand], quote_via=quote)
        try:
            body = self.http.get_json(f"{path}/{quote(object_id, safe='')}" + (f"?{query}" if query else ""))
        except RequestRejected as error:
            if error.error.status == 404 and error.error.code == MISSING:
                return None
            raise
        if not isinstance(body, dict) or body.get("id") != object_id:
            raise self._broken(path, f"{object_id} was asked for and something else came")
        return body

    def _broken(self, path: str, what: str) -> SourceContractBroken:
        return SourceContractBroken(f"connection {self.connection!r}: {path}: {what}. Nothing of this page was taken")


def server_time(response: httpx.Response) -> int:
    """The server's Date as unix seconds; our own clock when it sends none."""
    moment = http_date(response.headers.get("date", "")) or datetime.now(UTC)
    return int(moment.timestamp())
