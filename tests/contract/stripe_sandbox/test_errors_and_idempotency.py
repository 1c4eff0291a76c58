"""Refusals as the official SDK sees them, and what an idempotency key promises."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx
import pytest
import stripe

from arsync_pipelines.sandbox.core.faults import Rule

from .conftest import Server


def _post(server: Server, path: str, form: dict[str, str], key: str = "", secret: str = "") -> httpx.Response:
    headers = {"Authorization": f"Bearer {secret or server.context.secret('stripe_api_key')}"}
    if key:
        headers["Idempotency-Key"] = key
    return httpx.post(f"{server.url}{path}", data=form, headers=headers, trust_env=False)


def test_wrong_missing_expired_and_restricted_keys(server: Server, client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.AuthenticationError):
        server.client("sk_test_wrong").v1.customers.list()
    restricted = server.client(server.context.secret("stripe_restricted_key"))
    restricted.v1.customers.list()
    with pytest.raises(stripe.PermissionError):
        restricted.v1.customers.create({"name": "x"})
    basic = httpx.get(f"{server.url}/v1/account", auth=(server.context.secret("stripe_api_key"), ""), trust_env=False)
    assert basic.status_code == 200 and basic.json()["object"] == "account"
    assert httpx.get(f"{server.url}/v1/account", trust_env=False).status_code == 401
    server.context.faults.add(Rule("expire_token", "stripe", times=1))
    with pytest.raises(stripe.AuthenticationError) as caught:
        client.v1.customers.list()
    assert caught.value.json_body["error"]["code"] == "api_key_expired"
    client.v1.customers.list()


def test_missing_objects_unknown_paths_and_parameters(server: Server, client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.charges.retrieve("ch_none")
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    assert caught.value.request_id.startswith("req_")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.invoices.create({"customer": "cus_none"})
    assert (caught.value.http_status, caught.value.param) == (400, "customer")
    assert _post(server, "/v1/nothing", {}).status_code == 404
    missing = _post(server, "/v1/charges", {"currency": "usd"}).json()["error"]
    assert (missing["code"], missing["param"]) == ("parameter_missing", "amount")
    for form in ({"amount": "1.5", "currency": "usd"}, {"amount": "-5", "currency": "usd"}):
        assert _post(server, "/v1/charges", form).json()["error"]["param"] == "amount"


def test_declined_card_is_a_402_that_leaves_a_failed_charge(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError) as caught:
        client.v1.payment_intents.create(
            {"amount": 900, "currency": "usd", "confirm": True, "payment_method": "pm_card_chargeDeclined"}
        )
    error = caught.value.json_body["error"]
    assert (caught.value.http_status, caught.value.code) == (402, "card_declined")
    charge = client.v1.charges.retrieve(error["charge"])
    assert (charge.status, charge.paid, charge.balance_transaction) == ("failed", False, None)
    assert client.v1.payment_intents.retrieve(error["payment_intent"]["id"]).status == "requires_payment_method"


def test_version_is_echoed_and_nonsense_refused(server: Server) -> None:
    auth = {"Authorization": f"Bearer {server.context.secret('stripe_api_key')}"}
    for version, status in (("2026-10-28.endive", 200), ("2025-03-31.basil", 200), ("latest", 400)):
        headers = {**auth, "Stripe-Version": version}
        answer = httpx.get(f"{server.url}/v1/customers", headers=headers, trust_env=False)
        assert answer.status_code == status and answer.headers["Request-Id"]
        if status == 200:
            assert answer.headers["Stripe-Version"] == version


def test_same_key_and_parameters_replay_the_answer_and_make_nothing(
    server: Server, client: stripe.StripeClient
) -> None:
    seen = len(server.context.journal.entries("stripe"))
    first = _post(server, "/v1/customers", {"name": "Once", "metadata[a]": "1"}, key="k-once")
    again = _post(server, "/v1/customers", {"metadata[a]": "1", "name": "Once"}, key="k-once")
    assert first.content == again.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Original-Request"] == first.headers["Request-Id"] != again.headers["Request-Id"]
    assert len(server.context.journal.entries("stripe")) == seen + 1


def test_same_key_with_other_parameters_is_an_idempotency_error(client: stripe.StripeClient) -> None:
    options: Any = {"idempotency_key": "k-other"}
    client.v1.customers.create({"name": "One"}, options)
    with pytest.raises(stripe.IdempotencyError) as caught:
        client.v1.customers.create({"name": "Two"}, options)
    assert caught.value.http_status == 400


def test_errors_of_executed_requests_are_replayed_and_validation_is_not(server: Server) -> None:
    declined = {"amount": "900", "currency": "usd", "source": "tok_chargeDeclined"}
    first = _post(server, "/v1/charges", declined, key="k-declined")
    again = _post(server, "/v1/charges", declined, key="k-declined")
    assert first.status_code == again.status_code == 402
    assert first.json() == again.json() and again.headers["Idempotent-Replayed"] == "true"
    assert _post(server, "/v1/charges", {"amount": "900"}, key="k-invalid").status_code == 400
    assert _post(server, "/v1/charges", {"amount": "900", "currency": "usd"}, key="k-invalid").status_code == 200


def test_a_500_during_execution_is_replayed_and_says_not_to_retry(server: Server, client: stripe.StripeClient) -> None:
    server.context.faults.add(Rule("lock_row", "stripe", times=1, params={"status": 500}))
    first = _post(server, "/v1/customers", {"name": "x"}, key="k-500")
    again = _post(server, "/v1/customers", {"name": "x"}, key="k-500")
    assert first.status_code == again.status_code == 500
    assert first.headers["stripe-should-retry"] == again.headers["stripe-should-retry"] == "false"
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_key_in_flight_is_a_409(server: Server, client: stripe.StripeClient) -> None:
    server.context.faults.add(Rule("lock_row", "stripe", times=1, params={"ms": 600}))
    answers: list[int] = []
    slow = threading.Thread(
        target=lambda: answers.append(_post(server, "/v1/customers", {"name": "x"}, key="k-flight").status_code)
    )
    slow.start()
    time.sleep(0.25)
    overlap = _post(server, "/v1/customers", {"name": "x"}, key="k-flight")
    slow.join()
    assert answers == [200]
    assert overlap.status_code == 409 and overlap.headers["stripe-should-retry"] == "true"
    assert _post(server, "/v1/customers", {"name": "x"}, key="k-flight").headers["Idempotent-Replayed"] == "true"


def test_lock_timeout_is_retried_by_the_client_and_not_kept(server: Server, client: stripe.StripeClient) -> None:
    server.context.faults.add(Rule("lock_row", "stripe", times=1, match={"method": "POST"}))
    with pytest.raises(stripe.RateLimitError) as caught:
        client.v1.customers.create({"name": "x"}, {"idempotency_key": "k-lock"})
    assert caught.value.json_body["error"]["code"] == "lock_timeout"
    client.v1.customers.create({"name": "x"}, {"idempotency_key": "k-lock"})
    server.context.faults.add(Rule("lock_row", "stripe", times=1))
    server.client(retries=1).v1.customers.create({"name": "x"})


def test_rate_limit_is_429_with_its_reason(server: Server, client: stripe.StripeClient) -> None:
    server.context.faults.add(Rule("error", "stripe", times=1, params={"status": [429]}))
    with pytest.raises(stripe.RateLimitError) as caught:
        server.client(retries=2).v1.customers.list()
    assert caught.value.json_body["error"]["code"] == "rate_limit"
    assert caught.value.headers["stripe-rate-limited-reason"] == "global-rate"


def test_requests_beyond_the_rate_are_refused(server: Server, client: stripe.StripeClient) -> None:
    auth = {"Authorization": f"Bearer {server.context.secret('stripe_api_key')}"}
    query = {"query": "name:'nobody'"}
    with httpx.Client(base_url=server.url, headers=auth, trust_env=False) as http:
        statuses = [http.get("/v1/customers/search", params=query).status_code for _ in range(60)]
    assert 429 in statuses and statuses.count(200) >= 20
    time.sleep(0.5)


def test_dropped_after_commit_then_retried_by_the_client_makes_one(server: Server, client: stripe.StripeClient) -> None:
    seen = len(server.context.journal.entries("stripe"))
    server.context.faults.add(Rule("drop_after", "stripe", times=1, match={"method": "POST"}))
    server.client(retries=2).v1.customers.create({"name": "Dropped"})
    assert len(server.context.journal.entries("stripe")) == seen + 1


def test_schema_and_filter_faults_strike_lists(server: Server, client: stripe.StripeClient) -> None:
    made = client.v1.customers.create({"name": "Drift", "email": "drift@example.com"})
    rule = {"table": "customer", "column": "email"}
    server.context.faults.add(Rule("drop_column", "stripe", times=1, params=rule))
    assert "email" not in client.v1.customers.list({"limit": 1}).data[0].to_dict()
    server.context.faults.add(
        Rule("retype_column", "stripe", times=1, params={"table": "customer", "column": "created"})
    )
    assert isinstance(client.v1.customers.list({"limit": 1}).data[0].to_dict()["created"], str)
    drifts = {
        "rename_column": {"column": "email", "to": "mail"},
        "add_column": {"column": "region", "like": "name"},
        "grow_enum": {"column": "currency", "value": "xqq"},
    }
    for kind, params in drifts.items():
        server.context.faults.add(Rule(kind, "stripe", times=1, params={"table": "customer", **params}))
    shown = client.v1.customers.retrieve(made.id).to_dict()
    assert "email" not in shown
    assert (shown["mail"], shown["region"], shown["currency"]) == ("drift@example.com", "Drift", "xqq")
    server.context.faults.add(Rule("ignore_filter", "stripe", times=1))
    assert client.v1.customers.list({"created": {"gt": server.now() + 99}}).data
    server.context.faults.add(Rule("page_drift", "stripe", times=1))
    assert client.v1.customers.list({"starting_after": made.id}).data[0].id == made.id
