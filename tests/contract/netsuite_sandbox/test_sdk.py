"""The `netsuite` SDK, unchanged but for its host, reads and writes the stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from netsuite import Config, TokenAuth
from netsuite.exceptions import NetsuiteAPIRequestError
from netsuite.rest_api import NetSuiteRestApi

from arsync_pipelines.sandbox.netsuite import ACCOUNT

from .conftest import Account

# the SDK's own calls of httpx and oauthlib are out of date
pytestmark = [
    pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:use sign_hmac_sha256_with_client:DeprecationWarning"),
]


class Local(NetSuiteRestApi):
    """The SDK has its host built in."""

    def __init__(self, account: Account, **changes: Any) -> None:
        secret = account.context.secret
        auth = TokenAuth(
            consumer_key=secret("netsuite_consumer_key"),
            consumer_secret=secret("netsuite_consumer_secret"),
            token_id=secret("netsuite_token_id"),
            token_secret=changes.get("token_secret", secret("netsuite_token_secret")),
        )
        super().__init__(Config(account=ACCOUNT, auth=auth), concurrent_requests=changes.get("concurrent_requests", 4))
        self._root = account.url

    def _make_url(self, subpath: str) -> str:
        return f"{self._root}/services/rest{subpath}"


def run(call: Callable[[], Awaitable[Any]]) -> Any:
    async def go() -> Any:
        return await call()

    return asyncio.run(go())


def test_reads(account: Account) -> None:
    api = Local(account)
    first_three = "SELECT id, entityid FROM customer WHERE id <= 6 AND entityid LIKE 'CUST0%' ORDER BY id"
    page = run(lambda: api.suiteql(first_three, limit=2, offset=2))
    assert page["items"] == [{"links": [], "id": "6", "entityid": "CUST0003"}]
    assert page["totalResults"] == 3
    bound = run(lambda: api.suiteql("SELECT id FROM customer WHERE entityid = ?", json={"params": ["CUST0002"]}))
    assert [item["id"] for item in bound["items"]] == ["4"]
    assert "companyName" in run(lambda: api.jsonschema("customer"))["properties"]


def test_writes_and_reads_back(account: Account) -> None:
    api = Local(account)
    body = {
        "companyName": "Hooli",
        "subsidiary": {"id": "1"},
        "externalId": "SF-1",
        "terms": {"id": "1"},
        "creditLimit": 1000.5,
    }
    created = run(lambda: api.request("POST", "/record/v1/customer", json=body))
    assert (created.status_code, created.content) == (204, b"")
    identity = created.headers["location"].rpartition("/")[2]
    assert run(lambda: api.put("/record/v1/customer/eid:SF-1", json={"email": "ar@hooli.com"})) is None
    assert run(lambda: api.patch(f"/record/v1/customer/{identity}", json={"terms": None, "isInactive": True})) is None
    shown = run(lambda: api.get("/record/v1/customer/eid:SF-1"))
    assert (shown["id"], shown["email"], shown["creditLimit"], shown["isInactive"]) == (
        identity,
        "ar@hooli.com",
        1000.5,
        True,
    )
    assert shown["subsidiary"]["refName"] == "Acme Inc"
    assert "terms" not in shown
    listed = run(lambda: api.get("/record/v1/customer", params={"q": 'companyName START_WITH "Hool"'}))
    assert [item["id"] for item in listed["items"]] == [identity]
    assert run(lambda: api.delete(f"/record/v1/customer/{identity}")) is None
    assert account.rows("SELECT type, recordid FROM deletedrecord WHERE externalid = 'SF-1'") == [
        {"type": "Customer", "recordid": identity}
    ]
    operations = [e["operation"] for e in account.context.journal.entries("netsuite") if e["key"] == identity]
    assert operations == ["create", "upsert", "update", "delete"]


def test_errors_raise(account: Account) -> None:
    api = Local(account)
    with pytest.raises(NetsuiteAPIRequestError, match="INVALID_CONTENT") as unknown:
        run(lambda: api.post("/record/v1/customer", json={"companyName": "X", "subsidiary": {"id": "1"}, "nope": 1}))
    assert unknown.value.status_code == 400
    with pytest.raises(NetsuiteAPIRequestError, match="NONEXISTENT_ID"):
        run(lambda: api.get("/record/v1/customer/999999"))
    with pytest.raises(NetsuiteAPIRequestError, match="Unknown identifier"):
        run(lambda: api.suiteql("SELECT nope FROM customer"))
    with pytest.raises(NetsuiteAPIRequestError, match="INVALID_LOGIN") as login:
        run(lambda: Local(account, token_secret="wrong").suiteql("SELECT id FROM customer"))
    assert login.value.status_code == 401
