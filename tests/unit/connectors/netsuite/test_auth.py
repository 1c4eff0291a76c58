"""Signatures are recomputed here from RFC 5849, assertions verified with the public key."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qs, quote, unquote

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import ValidationError

from arsync_pipelines.connectors.http import AccessRefused
from arsync_pipelines.connectors.netsuite import CONNECTOR
from arsync_pipelines.connectors.netsuite.source import NetSuiteSource


def enc(text: str) -> str:
    return quote(text, safe="~-._")


def test_a_request_is_signed_over_its_query_but_not_its_body(account: Any) -> None:
    list(account.source().read("transaction", None))
    request = account.requests[0]
    header = request.headers["Authorization"]
    assert header.startswith('OAuth realm="1234567_SB1"')
    sent = {k.strip(): unquote(v.strip('"')) for k, v in (p.split("=", 1) for p in header[6:].split(","))}
    signature = sent.pop("oauth_signature")
    sent.pop("realm")
    assert sent["oauth_signature_method"] == "HMAC-SHA256" and sent["oauth_consumer_key"] == "secret-CK"
    pairs = sorted((enc(k), enc(v)) for k, v in (*sent.items(), ("limit", "1000"), ("offset", "0")))
    url = "http://127.0.0.1:9/services/rest/query/v1/suiteql"
    base = "&".join(("POST", enc(url), enc("&".join(f"{k}={v}" for k, v in pairs))))
    expected = hmac.new(b"secret-CS&secret-TS", base.encode(), hashlib.sha256).digest()
    assert signature == base64.b64encode(expected).decode()
    assert request.headers["Prefer"] == "transient"


@pytest.mark.parametrize("algorithm", ["PS256", "ES256"])
def test_an_assertion_is_exchanged_once_for_a_token(account: Any, algorithm: str) -> None:
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key = rsa_key if algorithm == "PS256" else ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    forms: list[dict[str, list[str]]] = []

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            forms.append(parse_qs(request.content.decode()))
            return httpx.Response(200, json={"access_token": "tok", "expires_in": "3600", "token_type": "bearer"})
        assert request.headers["Authorization"] == "Bearer tok"
        response: httpx.Response = account.handle(request)
        return response

    options = CONNECTOR.options.model_validate(m2m(algorithm))
    secrets = {"CLIENT": "client-1", "KEY": pem}
    source = NetSuiteSource("erp", options, lambda ref: secrets[ref.env or ""], transport=httpx.MockTransport(handle))
    list(source.read("term", None))
    list(source.read("transaction", None))
    assert len(forms) == 1
    assertion = forms[0]["client_assertion"][0]
    audience = "http://127.0.0.1:9/services/rest/auth/oauth2/v1/token"
    claims = jwt.decode(assertion, key.public_key(), algorithms=[algorithm], audience=audience)
    assert claims["iss"] == "client-1" and claims["exp"] - claims["iat"] <= 3600
    assert jwt.get_unverified_header(assertion)["kid"] == "cert-1"
    assert forms[0]["client_assertion_type"] == ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]


def test_a_key_that_cannot_sign_is_explained_without_being_shown(account: Any) -> None:
    options = CONNECTOR.options.model_validate(m2m("PS256"))
    source = NetSuiteSource("erp", options, lambda _: "not a key", transport=httpx.MockTransport(account.handle))
    with pytest.raises(AccessRefused, match="PEM private key") as caught:
        list(source.read("term", None))
    assert "not a key" not in str(caught.value)


def m2m(algorithm: str) -> dict[str, Any]:
    return {
        "account": "TSTDRV1",
        "base_url": "http://127.0.0.1:9",
        "time_zone": "UTC",
        "auth": {
            "method": "m2m",
            "client_id": {"env": "CLIENT"},
            "certificate_id": "cert-1",
            "private_key": {"env": "KEY"},
            "algorithm": algorithm,
        },
    }


def test_the_host_is_made_from_the_account() -> None:
    options = CONNECTOR.options.model_validate({**m2m("PS256"), "account": "1234567_SB1", "base_url": ""})
    assert options.model_dump()["base_url"] == ""
    assert getattr(options, "url") == "https://1234567-sb1.suitetalk.api.netsuite.com"  # noqa: B009


@pytest.mark.parametrize(
    "change",
    [
        {"time_zone": "Mars/Olympus"},
        {"unknown": 1},
        {"account": "a b"},
        {"concurrency": 0},
        {"dispute_reason_field": "memo; drop"},
        {"auth": {"method": "tba"}},
    ],
)
def test_nonsense_in_the_options_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CONNECTOR.options.model_validate({**m2m("PS256"), **change})
