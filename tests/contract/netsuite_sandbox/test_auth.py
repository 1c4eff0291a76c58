"""Signatures and assertions are verified, not assumed: every way to get them wrong is refused."""

from __future__ import annotations

import time
import uuid
from typing import Any

import httpx
import jwt
import pytest

from tests.fixtures.netsuite_records import Signed

from .conftest import Account

TOKEN = "/services/rest/auth/oauth2/v1/token"
QUERY = "/services/rest/query/v1/suiteql"
BODY = {"q": "SELECT id FROM currency"}


def ask(account: Account, auth: httpx.Auth | None = None, **headers: str) -> httpx.Response:
    with httpx.Client(base_url=account.url) as http:
        return http.post(QUERY, params={"limit": 5}, json=BODY, headers={"Prefer": "transient", **headers}, auth=auth)


def assert_refused(response: httpx.Response) -> None:
    assert response.status_code == 401, response.text
    assert response.json()["o:errorDetails"][0]["o:errorCode"] == "INVALID_LOGIN"


def an_hour_ago() -> str:
    return str(int(time.time()) - 3600)


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_secret": "x"},
        {"resource_owner_secret": "x"},
        {"client_key": "x"},
        {"resource_owner_key": "x"},
        {"realm": "7200123_sb1"},
        {"realm": "7200123-sb1"},
        {"signature_method": "HMAC-SHA1"},
        {"timestamp": an_hour_ago},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_wrong_signatures(account: Account, wrong: dict[str, Any]) -> None:
    # A time is asked for when the test runs: in a parameter it would name the test anew in every worker.
    wrong = {name: value() if callable(value) else value for name, value in wrong.items()}
    assert_refused(ask(account, Signed(account.context.secret, **wrong)))


def test_query_parameters_are_signed_and_nonces_used_once(account: Account) -> None:
    request = account.http.build_request(
        "POST", f"{account.url}{QUERY}?limit=5", json=BODY, headers={"Prefer": "transient"}
    )
    signed = next(Signed(account.context.secret).auth_flow(request)).headers["Authorization"]
    other = httpx.post(
        f"{account.url}{QUERY}?limit=6", json=BODY, headers={"Prefer": "transient", "Authorization": signed}
    )
    assert_refused(other)
    assert ask(account, None, Authorization=signed).status_code == 200
    assert_refused(ask(account, None, Authorization=signed))
    assert_refused(ask(account))


def claims(account: Account, **changes: Any) -> dict[str, Any]:
    now = int(time.time())
    standard = {
        "iss": account.context.secret("netsuite_client_id"),
        "scope": "rest_webservices",
        "aud": account.url + TOKEN,
        "iat": now,
        "exp": now + 300,
        "jti": uuid.uuid4().hex,
    }
    return {**standard, **changes}


def token(
    account: Account, payload: dict[str, Any], algorithm: str = "PS256", kid: str | None = None
) -> httpx.Response:
    ec = algorithm.startswith("ES")
    name, kind = ("netsuite_m2m_ec", "ec") if ec else ("netsuite_m2m", "rsa")
    certificate = account.context.secret("netsuite_certificate_id_ec" if ec else "netsuite_certificate_id")
    key = account.context.key_pair(name, kind)[0].read_text()  # type: ignore[arg-type]
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(payload, key, algorithm=algorithm, headers={"kid": kid or certificate}),
    }
    return httpx.post(account.url + TOKEN, data=form)


@pytest.mark.parametrize("algorithm", ["PS256", "ES256"])
def test_assertion_for_a_token_that_works_until_it_expires(account: Account, algorithm: str) -> None:
    answer = token(account, claims(account), algorithm).json()
    assert (answer["expires_in"], answer["token_type"]) == ("3600", "Bearer")
    assert jwt.decode(answer["access_token"], options={"verify_signature": False})["scope"] == ["rest_webservices"]
    bearer = f"Bearer {answer['access_token']}"
    assert ask(account, Authorization=bearer).status_code == 200
    account.fault("expire_token", times=1)
    assert_refused(ask(account, Authorization=bearer))
    assert_refused(ask(account, Authorization=bearer))
    renewed = token(account, claims(account), algorithm).json()["access_token"]
    assert ask(account, Authorization=f"Bearer {renewed}").status_code == 200


def test_wrong_assertions(account: Account) -> None:
    now = int(time.time())
    assert token(account, claims(account), "RS256").status_code == 401
    assert token(account, claims(account), kid="nobody").status_code == 401
    for change in (
        {"aud": "https://elsewhere/token"},
        {"iss": "somebody"},
        {"exp": now - 60, "iat": now - 400},
        {"exp": now + 7200},
        {"scope": "everything"},
    ):
        response = token(account, claims(account, **change))
        assert (response.status_code, response.json()) == (401, {"error": "invalid_client"}), change
    assert httpx.post(account.url + TOKEN, data={"grant_type": "password"}).json() == {
        "error": "unsupported_grant_type"
    }
    assert_refused(ask(account, Authorization="Bearer forged"))
