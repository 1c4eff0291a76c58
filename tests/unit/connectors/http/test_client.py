"""HttpClient against a scripted transport: what is repeated, what is not, when, and what is said."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from arsync_pipelines.connectors.http import (
    AccessRefused,
    AmbiguousOutcome,
    Call,
    FailurePolicy,
    HttpClient,
    RequestRejected,
    RetriesSpent,
    Retry,
    RetryBudget,
    Token,
    TokenAuth,
)
from arsync_pipelines.domain.errors import ConfigError, SourceContractBroken

Handler = Callable[[httpx.Request], httpx.Response]


class FakeTime:
    """Time that moves only when someone sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.sleeps: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


class Bearer(TokenAuth):
    def token_request(self) -> httpx.Request:
        return httpx.Request("POST", "https://vendor.test/token", data={"secret": "hush"})

    def read_token(self, response: httpx.Response) -> Token:
        return Token(response.json()["access_token"])


def client(
    handler: Handler,
    time: FakeTime | None = None,
    auth: httpx.Auth | None = None,
    on_call: Callable[[Call], None] | None = None,
    concurrency: int = 4,
) -> HttpClient:
    time = time or FakeTime()
    retry = Retry(RetryBudget(attempts=4, seconds=60), time.sleep, lambda: time.now, lambda high: high)
    return HttpClient(
        connection="crm",
        base_url="https://vendor.test",
        policy=FailurePolicy("vendor"),
        auth=auth,
        retry=retry,
        transport=httpx.MockTransport(handler),
        on_call=on_call,
        concurrency=concurrency,
    )


def script(*answers: httpx.Response | type[httpx.TransportError]) -> tuple[Handler, list[httpx.Request]]:
    seen: list[httpx.Request] = []
    left: Iterator[httpx.Response | type[httpx.TransportError]] = iter(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        answer = next(left)
        if isinstance(answer, httpx.Response):
            return answer
        raise answer("gone", request=request)

    return handle, seen


def test_transient_answers_are_repeated_with_growing_waits() -> None:
    handle, seen = script(httpx.Response(503), httpx.Response(429), httpx.Response(200, json={"a": 1}))
    time = FakeTime()
    assert client(handle, time).get_json("/x") == {"a": 1}
    assert len(seen) == 3
    assert time.sleeps == [0.5, 1.0]


@pytest.mark.parametrize(
    ("headers", "least"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Wed, 01 Jul 2026 06:00:09 GMT", "date": "Wed, 01 Jul 2026 06:00:00 GMT"}, 9.0),
    ],
)
def test_retry_after_is_obeyed_and_never_early(headers: dict[str, str], least: float) -> None:
    handle, _ = script(httpx.Response(429, headers=headers), httpx.Response(200, json={}))
    time = FakeTime()
    client(handle, time).get_json("/x")
    assert least <= sum(time.sleeps) <= least + 0.5


def test_a_retry_after_beyond_the_budget_ends_at_once_and_says_when() -> None:
    handle, seen = script(httpx.Response(429, headers={"retry-after": "3600"}))
    with pytest.raises(RetriesSpent) as caught:
        client(handle).get_json("/x")
    assert len(seen) == 1
    assert caught.value.not_before is not None


def test_an_unreachable_host_is_named_with_its_connection() -> None:
    handle, seen = script(*[httpx.ConnectError] * 4)
    with pytest.raises(RetriesSpent, match=r"connection 'crm'.*vendor\.test.*4 attempts"):
        client(handle).get_json("/x")
    assert len(seen) == 4


def test_where_nothing_answers_the_next_requests_try_once_until_something_does() -> None:
    ok = httpx.Response(200, json={})
    handle, sent = script(*[httpx.ConnectError] * 6, ok, httpx.ConnectError, ok)
    made = client(handle)
    for attempts in (4, 5, 6):  # four tries, then one each
        with pytest.raises(RetriesSpent):
            made.request("GET", "/x")
        assert len(sent) == attempts
    made.request("GET", "/x")
    assert made.request("GET", "/x").is_success and len(sent) == 9, "patient again"


@pytest.mark.parametrize("lost", [httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError])
def test_an_unsafe_call_without_answer_is_ambiguous_and_not_repeated(lost: type[httpx.TransportError]) -> None:
    handle, seen = script(lost)
    with pytest.raises(AmbiguousOutcome):
        client(handle).request("POST", "/x", json={})
    assert len(seen) == 1


@pytest.mark.parametrize("status", [500, 502, 504])
def test_an_unsafe_call_answered_by_a_gateway_is_ambiguous(status: int) -> None:
    handle, _ = script(httpx.Response(status))
    with pytest.raises(AmbiguousOutcome):
        client(handle).request("PATCH", "/x", json={})


def test_an_unsafe_call_that_never_left_or_was_turned_away_is_repeated() -> None:
    handle, seen = script(httpx.ConnectError, httpx.ConnectTimeout, httpx.Response(429), httpx.Response(201, json={}))
    assert client(handle).request("POST", "/x", json={}).status_code == 201
    assert len(seen) == 4


def test_a_safe_post_is_repeated_after_a_lost_answer() -> None:
    handle, seen = script(httpx.ReadTimeout, httpx.Response(200, json={}))
    client(handle).request("POST", "/x", json={}, safe=True)
    assert len(seen) == 2


def test_a_rejection_carries_the_vendors_answer() -> None:
    handle, _ = script(httpx.Response(400, json={"why": "no"}))
    with pytest.raises(RequestRejected) as caught:
        client(handle).get_json("/x")
    assert caught.value.error.status == 400
    assert caught.value.error.body == {"why": "no"}


def test_without_a_renewable_token_401_is_final() -> None:
    handle, seen = script(httpx.Response(401))
    with pytest.raises(AccessRefused, match="credentials"):
        client(handle).get_json("/x")
    assert len(seen) == 1


def token_server(valid: list[str]) -> tuple[Handler, list[str]]:
    paths: list[str] = []
    lock = threading.Lock()

    def handle(request: httpx.Request) -> httpx.Response:
        with lock:
            paths.append(request.url.path)
        if request.url.path == "/token":
            valid[0] = f"t{len(paths)}"
            return httpx.Response(200, json={"access_token": valid[0]})
        good = request.headers["Authorization"] == f"Bearer {valid[0]}"
        return httpx.Response(200, json={}) if good else httpx.Response(401)

    return handle, paths


def test_one_refresh_per_expiry_whatever_the_number_of_threads() -> None:
    valid = [""]
    handle, paths = token_server(valid)
    auth = Bearer("crm")
    with ThreadPoolExecutor(8) as pool:
        http = client(handle, auth=auth, concurrency=8)
        list(pool.map(lambda _: http.get_json("/x"), range(16)))
        assert auth.refreshes == 1
        valid[0] = "expired"
        list(pool.map(lambda _: http.get_json("/x"), range(16)))
    assert auth.refreshes == 2
    assert paths.count("/token") == 2


def test_refused_credentials_are_told_without_the_secret() -> None:
    handle, seen = script(httpx.Response(400, json={"error": "invalid_grant", "error_description": "expired key"}))
    with pytest.raises(AccessRefused, match="invalid_grant expired key") as caught:
        client(handle, auth=Bearer("crm")).request("POST", "/x", json={})
    assert "hush" not in str(caught.value)
    assert len(seen) == 1


def test_a_secret_that_cannot_be_revealed_refuses_access_before_anything_is_sent() -> None:
    class Unset(Bearer):
        def token_request(self) -> httpx.Request:
            raise ConfigError("environment variable CRM_SECRET is not set")

    handle, seen = script()
    with pytest.raises(AccessRefused, match="CRM_SECRET"):
        client(handle, auth=Unset("crm")).get_json("/x")
    assert seen == []


def test_a_lost_token_answer_leaves_an_unsafe_call_unsent_so_it_is_repeated() -> None:
    ok = httpx.Response(200, json={"access_token": "t"})
    handle, seen = script(httpx.ReadTimeout, httpx.Response(503), ok, httpx.Response(201, json={}))
    client(handle, auth=Bearer("crm")).request("POST", "/x", json={})
    assert [r.url.path for r in seen] == ["/token", "/token", "/token", "/x"]


def test_html_instead_of_json_is_a_broken_contract() -> None:
    handle, _ = script(httpx.Response(200, html="<p>login</p>"))
    with pytest.raises(SourceContractBroken, match="text/html"):
        client(handle).get_json("/x")


def test_another_host_is_not_followed_and_blanks_are_percent_encoded() -> None:
    handle, seen = script(httpx.Response(200, json={}))
    http = client(handle)
    http.get_json("/x", {"q": "SELECT Id FROM A WHERE B = 'c+d'"})
    assert seen[0].url.raw_path == b"/x?q=SELECT%20Id%20FROM%20A%20WHERE%20B%20%3D%20%27c%2Bd%27"
    with pytest.raises(SourceContractBroken, match="another host"):
        http.get_json("https://evil.test/next")


def test_counters_and_hook_see_every_attempt() -> None:
    calls: list[Call] = []
    handle, _ = script(httpx.Response(503), httpx.Response(200, content=b'{"a":1}'))
    http = client(handle, on_call=calls.append)
    http.get_json("/x")
    assert (http.stats.requests, http.stats.retries, http.stats.received_bytes) == (2, 1, 7)
    assert [(c.status, c.attempt) for c in calls] == [(503, 1), (200, 2)]


def test_concurrency_never_exceeds_its_limit() -> None:
    running, most, lock = [0], [0], threading.Lock()
    gate = threading.Barrier(2, timeout=5)

    def handle(request: httpx.Request) -> httpx.Response:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        gate.wait()
        with lock:
            running[0] -= 1
        return httpx.Response(200, json={})

    http = client(handle, concurrency=2)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: http.get_json("/x"), range(6)))
    assert most[0] == 2


def test_a_forgotten_client_is_closed() -> None:
    handle, _ = script(httpx.Response(200, json={}))
    http = client(handle)
    http.get_json("/x")
    inner = http._client
    del http
    gc.collect()
    assert inner.is_closed
