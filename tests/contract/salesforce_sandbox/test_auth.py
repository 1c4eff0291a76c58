"""Ways in, sessions that end, quota."""

from __future__ import annotations

import base64
import time
from typing import Any

import httpx
import jwt
import pytest
import requests
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed

from arsync_pipelines.sandbox.salesforce.auth import CONSUMER_KEY, USERNAME

from .conftest import VERSION, Server


def token_request(server: Server, form: dict[str, str], **headers: str) -> httpx.Response:
    return httpx.post(f"{server.url}/services/oauth2/token", data=form, headers=headers)


def assertion(server: Server, **changes: Any) -> str:
    claims = {
        "iss": CONSUMER_KEY,
        "sub": USERNAME,
        "aud": "https://login.salesforce.com",
        "exp": int(time.time()) + 180,
    }
    return jwt.encode(claims | changes, server.private_key.read_text(), algorithm="RS256")


def bearer(server: Server, **changes: Any) -> httpx.Response:
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    return token_request(server, {"grant_type": grant, "assertion": assertion(server, **changes)})


def test_client_credentials_by_basic_and_body(server: Server) -> None:
    basic = base64.b64encode(f"{CONSUMER_KEY}:{server.secret}".encode()).decode()
    found = token_request(server, {"grant_type": "client_credentials"}, Authorization=f"Basic {basic}").json()
    assert found["token_type"] == "Bearer" and found["instance_url"] == server.url and "expires_in" not in found
    assert {"access_token", "signature", "scope", "id", "issued_at"} <= set(found)
    assert server.token().startswith("00D")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "client_credentials", "client_id": CONSUMER_KEY, "client_secret": "no"}, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "who", "client_secret": "no"}, "invalid_client_id"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "a.b.c"}, "invalid_grant"),
    ],
)
def test_refused_grants(server: Server, form: dict[str, str], error: str) -> None:
    answer = token_request(server, form)
    assert answer.status_code == 400 and answer.json()["error"] == error and answer.json()["error_description"]


def test_client_credentials_do_not_work_on_the_login_host(server: Server, session: requests.Session) -> None:
    answer = session.post(
        "https://login.salesforce.com/services/oauth2/token",
        data={"grant_type": "client_credentials", "client_id": CONSUMER_KEY, "client_secret": server.secret},
    )
    assert answer.status_code == 400 and answer.json()["error"] == "invalid_grant"


def test_the_client_library_signs_in_with_a_jwt(server: Server, session: requests.Session) -> None:
    client = Salesforce(
        username=USERNAME,
        consumer_key=CONSUMER_KEY,
        privatekey_file=str(server.private_key),
        session=session,
        version=VERSION,
    )
    assert client.query("SELECT IsSandbox FROM Organization")["records"][0]["IsSandbox"] is True


@pytest.mark.parametrize(
    ("claims", "description"),
    [
        ({"exp": 1}, "expired authorization code"),
        ({"sub": "else@arsync.example"}, "user hasn't approved this consumer"),
        ({"iss": "other"}, "client identifier invalid"),
        ({"aud": "https://elsewhere.example"}, "audience is invalid"),
    ],
)
def test_bad_assertions(server: Server, claims: dict[str, Any], description: str) -> None:
    answer = bearer(server, **claims)
    assert answer.status_code == 400 and answer.json()["error_description"] == description
    assert bearer(server, exp=str(int(time.time()) + 60)).status_code == 200


def test_refresh_and_revoke(server: Server) -> None:
    form = {"grant_type": "refresh_token", "client_id": CONSUMER_KEY, "client_secret": server.secret}
    assert token_request(server, form | {"refresh_token": "no"}).json()["error"] == "invalid_grant"
    token = token_request(server, form | {"refresh_token": server.refresh_token}).json()["access_token"]
    call = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{server.url}/services/data/v66.0/limits", headers=call).status_code == 200
    httpx.post(f"{server.url}/services/oauth2/revoke", data={"token": token})
    assert httpx.get(f"{server.url}/services/data/v66.0/limits", headers=call).status_code == 401


def test_no_or_expired_session_is_a_401_array(server: Server) -> None:
    missing = httpx.get(f"{server.url}/services/data/v66.0/sobjects")
    assert missing.status_code == 401
    assert missing.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
    server.sandbox.org.store.set_setting("session_seconds", -1)
    token = server.token()
    server.sandbox.org.store.set_setting("session_seconds", 7200)
    answer = httpx.get(f"{server.url}/services/data/v66.0/sobjects", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def test_the_client_library_signs_in_again_when_its_token_expires(sf: Salesforce, server: Server) -> None:
    before = sf.session_id
    server.fault("expire_token", times=1, match={"path": "/query"})
    assert sf.query("SELECT COUNT() FROM Account")["totalSize"] == 448
    assert sf.session_id != before


def test_a_wrong_secret_fails_the_client_library(session: requests.Session) -> None:
    with pytest.raises(SalesforceAuthenticationFailed, match="invalid_client"):
        Salesforce(consumer_key=CONSUMER_KEY, consumer_secret="no", domain="acme.my", session=session)


def test_usage_is_told_and_the_quota_refuses(sf: Salesforce, server: Server, http: httpx.Client) -> None:
    sf.query("SELECT COUNT() FROM Account")
    used, total = sf.api_usage["api-usage"]
    assert total == 100_000 and 0 < used < 1000
    limits = sf.limits()
    assert limits is not None and limits["DailyApiRequests"] == {"Max": 100_000, "Remaining": 100_000 - used}
    httpx.put(f"{server.url}/_sandbox/settings", json={"daily_api_requests": used})
    refused = http.get("/query", params={"q": "SELECT COUNT() FROM Account"})
    assert refused.status_code == 403 and "retry-after" not in refused.headers
    assert refused.json() == [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
    assert http.get("/limits").json()["DailyApiRequests"]["Remaining"] == 0
    httpx.put(f"{server.url}/_sandbox/settings", json={"daily_api_requests": 100_000})
    assert http.get("/query", params={"q": "SELECT COUNT() FROM Account"}).status_code == 200
    assert httpx.put(f"{server.url}/_sandbox/settings", json={"nope": 1}).status_code == 400


def test_another_user_comes_in_by_jwt_and_what_he_writes_is_his(server: Server) -> None:
    granted = bearer(server, sub="max@arsync.example").json()
    max_planck = server.sandbox.vendor_id("employee", 2)
    assert granted["id"].endswith(f"/{max_planck}")
    data = f"{server.url}/services/data/v{VERSION}"
    record = server.sandbox.vendor_id("crm_account", 9)
    with httpx.Client(base_url=data, headers={"Authorization": f"Bearer {granted['access_token']}"}) as client:
        client.patch(f"/sobjects/Account/{record}", json={"Phone": "1"}).raise_for_status()
        query = f"SELECT LastModifiedById, LastModifiedBy.Name FROM Account WHERE Id = '{record}'"
        (found,) = client.get("/query", params={"q": query}).json()["records"]
    assert (found["LastModifiedById"], found["LastModifiedBy"]["Name"]) == (max_planck, "Max Planck")
    assert server.journal("update")[-1]["body"]["LastModifiedById"] == max_planck
