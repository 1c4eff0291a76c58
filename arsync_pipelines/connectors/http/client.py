"""The client of one connection: auth, failure policy, retry, concurrency and counters around one httpx.Client.

Thread-safe. Safe calls (no effect, or idempotent by nature) are repeated within the budget; an unsafe call is repeated
only when it surely took no effect, else AmbiguousOutcome is raised.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import orjson

from arsync_pipelines.connectors.http.auth import TokenAuth, TokenUnavailable
from arsync_pipelines.connectors.http.errors import AccessRefused, AmbiguousOutcome, RequestRejected, RetriesSpent
from arsync_pipelines.connectors.http.limits import Concurrency, Pause
from arsync_pipelines.connectors.http.policy import FailurePolicy, Rule, VendorError
from arsync_pipelines.connectors.http.retry import Retry, retry_after_seconds
from arsync_pipelines.domain.errors import SourceContractBroken
from arsync_pipelines.domain.failpoint import failpoint
from arsync_pipelines.domain.limits import Answer
from arsync_pipelines.domain.push import FailureClass
from arsync_pipelines.ports.gate import Gate, NotNow

_MAX_REFRESHES = 2
_URLS_KEPT = 64
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_NO_CONNECTION = (httpx.ConnectError, httpx.ConnectTimeout)
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to connect, and to wait for bytes of an answer."""

    connect: float = 10.0
    read: float = 60.0

    @property
    def longest(self) -> float:
        """From sending a request to giving it up."""
        return self.connect + self.read


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt, told to the hook: `status` 0 when no answer came; `seconds` until the answer was read."""

    method: str
    path: str
    status: int
    seconds: float
    attempt: int


@dataclass(slots=True)
class Stats:
    """Counters of a client since it was made; requests include repeated ones, not those for tokens."""

    requests: int = 0
    retries: int = 0
    waited_seconds: float = 0.0
    received_bytes: int = 0


@dataclass(frozen=True, slots=True)
class _Failure:
    """One failed attempt: what was said (None: nothing), how it is judged, whether it may have taken effect."""

    text: str
    rule: Rule
    error: VendorError | None = None
    cause: Exception | None = None
    may_have_acted: bool = False
    retry_after: float | None = None


@dataclass(slots=True)
class _Progress:
    started: float
    attempt: int = 0
    refreshes: int = field(default=0)


class HttpClient:
    """Requests to one connection. Paths are relative to `base_url`; an absolute URL must have the same origin."""

    def __init__(
        self,
        *,
        connection: str,
        base_url: str,
        policy: FailurePolicy,
        auth: httpx.Auth | None = None,
        retry: Retry | None = None,
        timeouts: Timeouts | None = None,
        concurrency: int = 4,
        headers: Mapping[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
        on_call: Callable[[Call], None] | None = None,
    ) -> None:
        self.connection = connection
        self.base_url = httpx.URL(base_url)
        self.policy = policy
        self.auth = auth
        self.retry = retry or Retry()
        self.concurrency = Concurrency(concurrency)
        self.timeouts = limits = timeouts or Timeouts()
        self._client = httpx.Client(
            base_url=base_url,
            auth=auth,
            headers={"User-Agent": "arsync", "Accept": "application/json", **(headers or {})},
            timeout=httpx.Timeout(limits.read, connect=limits.connect),
            limits=httpx.Limits(max_connections=concurrency + 1, max_keepalive_connections=concurrency + 1),
            transport=transport,
            follow_redirects=False,
            # a proxy from the environment is for the outside, never for this machine
            trust_env=self.base_url.host not in _LOOPBACK,
        )
        self._on_call = on_call
        self.gate: Gate | None = None
        """Asked before each request, those for tokens excepted; what it raises ends the request."""
        self._down = False
        """Nothing answers at the address: set by a request that tried long enough, cleared by any answer."""
        self._urls: dict[str, httpx.URL] = {}
        """Addresses resolved before: a paged read asks the same one over and over."""
        self._pause = Pause(self.retry.sleep, self.retry.monotonic)
        self._stats = Stats()
        self._lock = threading.Lock()
        self._finalizer = weakref.finalize(self, self._client.close)

    @property
    def host(self) -> str:
        """Host and port, for messages."""
        return self.base_url.netloc.decode()

    @property
    def stats(self) -> Stats:
        """A copy of the counters."""
        with self._lock:
            return replace(self._stats)

    def close(self) -> None:
        """Close the connections; also happens when the client is forgotten."""
        self._finalizer()

    def get_json(self, path: str, params: Mapping[str, Any] | None = None, **kwargs: Any) -> Any:
        """GET and decode; raises SourceContractBroken when the answer is not JSON."""
        return self.decode(self.request("GET", path, params=params, **kwargs))

    def decode(self, response: httpx.Response) -> Any:
        """The JSON body; raises SourceContractBroken when it is none (a proxy's or login page, say)."""
        try:
            return orjson.loads(response.content)
        except orjson.JSONDecodeError as error:
            raise self.not_json(response) from error

    def not_json(self, response: httpx.Response) -> SourceContractBroken:
        """The error for an answer that should have been JSON."""
        kind, asked = response.headers.get("content-type", "no content type"), response.request
        return SourceContractBroken(
            f"connection {self.connection!r}: {self.host} answered HTTP {response.status_code} with {kind} "
            f"instead of JSON to {asked.method} {asked.url.path}; is base_url the API's address?"
        )

    def request(
        self,
        method: str,
        path: str,
        *,
        safe: bool | None = None,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        retry: bool = True,
    ) -> httpx.Response:
        """Send until an answer is good or its failure final. `safe` defaults to method GET or HEAD.

        `json` is encoded by orjson; a raw body goes into `content` with its own Content-Type. `retry=False` sends once.
        Raises RetriesSpent, AccessRefused, RequestRejected, AmbiguousOutcome.
        """
        safe = method in {"GET", "HEAD"} if safe is None else safe
        sent_headers = dict(headers or {})
        if json is not None:
            content = orjson.dumps(json)
            sent_headers.setdefault("Content-Type", "application/json")
        url = self._url(path, params)
        progress = _Progress(self.retry.monotonic())
        while True:
            slept = self._pause.wait()
            with self._lock:
                self._stats.waited_seconds += slept
            progress.attempt += 1
            request = self._client.build_request(method, url, content=content, data=data, headers=sent_headers)
            answer = self._send(request, progress)
            if isinstance(answer, httpx.Response):
                return answer
            self._settle(request, answer, progress, safe=safe, retry=retry)

    def _url(self, path: str, params: Mapping[str, Any] | None) -> httpx.URL:
        if "://" in path and httpx.URL(path).netloc != self.base_url.netloc:
            raise SourceContractBroken(
                f"connection {self.connection!r}: {self.host} sent us to another host "
                f"({httpx.URL(path).host}); not followed"
            )
        # %20 and not +: some servers take a plus in a query literally
        text = path if not params else f"{path}?{urlencode(params, quote_via=quote)}"
        url = self._urls.get(text)
        if url is None:
            if len(self._urls) >= _URLS_KEPT:
                self._urls.clear()
            url = self._urls[text] = self._client.build_request("GET", text).url
        return url

    def _send(self, request: httpx.Request, progress: _Progress) -> httpx.Response | _Failure:
        began = self.retry.monotonic()
        try:
            with self.concurrency.slot():
                if self.gate is not None:
                    self._enter(self.gate, request)
                failpoint("http.before_send")
                response = self._client.send(request)
                failpoint("http.answered")
        except httpx.RequestError as error:
            self._count(request, None, self.retry.monotonic() - began, progress)
            if self.gate is not None:
                self.gate.answered(Answer(0))
            # lost while a token was fetched: the request proper never left
            sent = error.request is request and not isinstance(error, _NOT_SENT)
            rule = Rule("retry", FailureClass.TRANSIENT)
            text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            after = error.retry_after if isinstance(error, TokenUnavailable) else None
            return _Failure(text, rule, cause=error, may_have_acted=sent, retry_after=after)
        self._down = False
        if self.gate is not None:
            self.gate.answered(Answer(response.status_code, retry_after_seconds(response), self.policy.quota(response)))
        self._count(request, response, self.retry.monotonic() - began, progress)
        if not self.policy.failed(response):
            return response
        told = self.policy.read(response)
        rule = self.policy.judge(told)
        after = retry_after_seconds(response)
        return _Failure(str(told), rule, told, may_have_acted=rule.ambiguous, retry_after=after)

    def _enter(self, gate: Gate, request: httpx.Request) -> None:
        try:
            gate.enter()
        except NotNow as error:
            where = f"connection {self.connection!r}: {request.method} {request.url.path} at {self.host}"
            raise RetriesSpent(f"{where}: not sent; {error}", None, error.until) from error

    def _settle(
        self, request: httpx.Request, failure: _Failure, progress: _Progress, *, safe: bool, retry: bool
    ) -> None:
        """Return when the call may be repeated (after waiting), raise when its failure is final."""
        rule = failure.rule
        where = f"connection {self.connection!r}: {request.method} {request.url.path} at {self.host}"
        if failure.may_have_acted and not safe:
            raise AmbiguousOutcome(f"{where}: no answer that tells its effect ({failure.text})") from failure.cause
        if rule.action == "reject" and failure.error:
            raise RequestRejected(f"{where}: {failure.text}" + _advice(rule), failure.error)
        if rule.action == "stop" and rule.failure is not FailureClass.TRANSIENT:
            raise AccessRefused(f"{where}: {failure.text}" + _advice(rule), failure.error)
        if rule.action == "refresh":
            progress.refreshes += 1
            if not isinstance(self.auth, TokenAuth) or progress.refreshes > _MAX_REFRESHES:
                raise AccessRefused(f"{where}: {failure.text}" + _advice(rule), failure.error)
            self.auth.discard(request)
            return
        delay = self.retry.delay(progress.attempt, failure.retry_after)
        unreached = isinstance(failure.cause, _NO_CONNECTION)
        hopeless = unreached and self._down  # another request has spent its budget on this
        if (
            hopeless
            or rule.action == "stop"
            or not retry
            or not self.retry.allows(progress.attempt, progress.started, delay)
        ):
            self._down = unreached
            wait = failure.retry_after
            raise RetriesSpent(
                f"{where}: {failure.text} (after {progress.attempt} attempts)"
                + (_advice(rule) or "; check the address, the network and the vendor's status page, then run again"),
                failure.error,
                None if wait is None else datetime.now(UTC) + timedelta(seconds=wait),
            ) from failure.cause
        with self._lock:
            self._stats.retries += 1
            self._stats.waited_seconds += delay
        if failure.retry_after:
            self._pause.extend(failure.retry_after)
        self.retry.sleep(delay)

    def _count(
        self, request: httpx.Request, response: httpx.Response | None, seconds: float, progress: _Progress
    ) -> None:
        with self._lock:
            self._stats.requests += 1
            self._stats.received_bytes += len(response.content) if response is not None else 0
        if self._on_call:
            status = response.status_code if response is not None else 0
            self._on_call(Call(request.method, request.url.path, status, seconds, progress.attempt))


def _advice(rule: Rule) -> str:
    return f"; {rule.advice}" if rule.advice else ""
